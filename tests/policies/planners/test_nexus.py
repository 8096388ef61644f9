import math

import pytest

from isim.policies.planners.nexus import Node, merge, node_batch_sizes, plan_nodes
from isim.policies.planners.nexus_session import Session

A = Session("A", 0.200, 64, (4, 8, 16), (0.050, 0.075, 0.100))
B = Session("B", 0.250, 32, (4, 8, 16), (0.050, 0.090, 0.125))
C = Session("C", 0.250, 32, (4, 8, 16), (0.060, 0.095, 0.125))


def shares(node: Node) -> list[tuple[str, int]]:
    return [(share.session.name, share.batch_size) for share in node.shares]


def test_example_of_the_paper() -> None:
    """A alone: 8 requests gather in 125 ms and take 75, 200 in all. B's 50 fit beside them in 125, C's 60 do not."""
    assert A.residual(64) == (8, 0.125)
    assert A.duration_s(8) + A.residual(64)[1] == A.slo_s
    nodes = plan_nodes([A, B, C])
    assert [(shares(node), node.duty_cycle_s) for node in nodes] == [
        ([("A", 8), ("B", 4)], 0.125),
        ([("C", 4)], 0.125),
    ]
    assert math.isclose(nodes[0].occupancy, 1.0)
    alone = plan_nodes([A])[0]
    assert merge(alone, plan_nodes([C])[0]) is None


def test_a_session_that_fills_a_node_gets_it_for_itself() -> None:
    """16 in 100 ms, twice that is within 200 ms: 160 a second on each node. 400 = 2 * 160 + 80."""
    nodes = plan_nodes([A._replace(rate_rps=400)])
    assert [shares(node) for node in nodes] == [[("A", 16)], [("A", 16)], [("A", 8)]]
    assert [node.duty_cycle_s for node in nodes[:2]] == [0.1, 0.1]
    assert sum(share.rate_rps for node in nodes for share in node.shares) == pytest.approx(400)


def test_every_plan_keeps_the_objectives_and_serves_the_rates() -> None:
    sizes = (1, 2, 4, 8, 16)
    durations_s = tuple(0.01 + 0.004 * size for size in sizes)
    sessions = [Session(f"s{i}", 0.1 + 0.03 * i, 20.0 + 17 * i, sizes, durations_s) for i in range(8)]
    nodes = plan_nodes(sessions)
    for node in nodes:
        assert node.occupancy <= 1 + 1e-9
        for share in node.shares:
            assert share.batch_size / node.duty_cycle_s >= share.rate_rps * (1 - 1e-9)
            assert node.duty_cycle_s + share.session.duration_s(share.batch_size) <= share.session.slo_s + 1e-9
    for session in sessions:
        served_rps = sum(share.rate_rps for node in nodes for share in node.shares if share.session == session)
        assert served_rps == pytest.approx(session.rate_rps)


def test_profiled_sizes_far_apart_do_not_overload_a_node() -> None:
    """500 a second: 32 take 62 ms to come and 40 to run, over 80; batches of 1 would serve 100 a second.

    Run as batches of 32, 21 come in 40 ms and serve 525.
    """
    coarse = Session("A", 0.080, 500, (1, 32), (0.010, 0.040))
    (node,) = plan_nodes([coarse])
    assert shares(node) == [("A", 21)]
    assert node.duty_cycle_s == pytest.approx(0.040)
    for rate_rps in range(10, 2000, 10):
        for node in plan_nodes([coarse._replace(rate_rps=rate_rps)]):
            (share,) = node.shares
            assert node.occupancy <= 1 + 1e-9
            assert share.batch_size / node.duty_cycle_s >= share.rate_rps * (1 - 1e-9)
            assert node.duty_cycle_s + coarse.duration_s(share.batch_size) <= coarse.slo_s + 1e-9


def test_rounding_takes_no_node() -> None:
    assert len(plan_nodes([A._replace(rate_rps=0.1 * 3 * 1600)])) == 3


def test_an_objective_shorter_than_two_batches_is_refused() -> None:
    with pytest.raises(ValueError, match="session A: the SLO is shorter than two batches of one"):
        plan_nodes([A._replace(slo_s=0.09)])


def test_a_node_that_cannot_keep_up_takes_the_largest_batches() -> None:
    assert node_batch_sizes([A, B]) == {"A": 8, "B": 4}
    assert node_batch_sizes([A, C]) == {"A": 16, "C": 16}
