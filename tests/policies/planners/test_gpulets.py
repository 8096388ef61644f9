"""Plans worked out by hand: batches of n take 2.5 n ms on 0.4 of the GPU or more, and twice that on 0.2."""

import pytest

from isim.policies.planners.gpulets import Gpulet, plan_gpulets
from isim.policies.planners.gpulets_session import Session, best_part


def duration_s(batch_size: int, part: float) -> float:
    return 0.0025 * batch_size * 0.4 / min(part, 0.4)


A = Session("a", 0.040, 1200.0, (1, 2, 4, 8), duration_s)


def plan(sessions: list[Session], slowdown: float = 1.0) -> list[list[tuple[str, float, int]]]:
    gpus = plan_gpulets(sessions, lambda one, other: slowdown)
    return [[(each.session.name, each.part, each.batch_size) for each in gpu] for gpu in gpus]


def test_best_part_is_where_throughput_stops_growing() -> None:
    """On 0.2, twice a batch of 4 (20 ms) fits in 40 ms: 200 a second; on 0.4 and more, of 8 (20 ms): 400."""
    assert best_part(A) == 0.4


def test_whole_pieces_then_the_smallest_part_for_the_rest() -> None:
    """450 a second: 400 on 0.4, and 50 on 0.2, in batches of 1: one comes every 20 ms, takes 5; two would take 50."""
    assert plan([A._replace(rate_rps=450)]) == [[("a", 0.4, 8), ("a", 0.2, 1)]]


def test_pieces_alike_are_of_one_size_on_gpus_of_their_own() -> None:
    """450 a second again: the rest is also on 0.4, in batches of 1 (2.5 ms and 20 to come; two would take 5 and 40)."""
    (one, other) = plan_gpulets([A._replace(rate_rps=450)], alike=True)
    assert [(each.part, each.batch_size, each.rate_rps) for each in (*one, *other)] == [
        (0.4, 8, pytest.approx(400)),
        (0.4, 1, pytest.approx(50)),
    ]
    beside = A._replace(name="b", rate_rps=400.0, slo_s=0.041)
    gpus = plan_gpulets([A._replace(rate_rps=800), beside], alike=True)
    assert [[each.session.name for each in gpu] for gpu in gpus] == [["b", "a"], ["a"]]
    assert len(plan_gpulets([A._replace(rate_rps=50)], alike=True)[0]) == 1


def test_pieces_go_where_they_leave_the_least() -> None:
    """On 0.6 or more only: four sessions need 0.6, 0.6, 0.4, 0.4, and go two by two onto full GPUs."""

    def wide_s(batch_size: int, part: float) -> float:
        return 0.0025 * batch_size * 0.6 / min(part, 0.6)

    wide = [Session(name, 0.040, 400.0, (8,), wide_s) for name in ("w1", "w2")]
    narrow = [A._replace(name=name, slo_s=0.0401, rate_rps=400.0) for name in ("n1", "n2")]
    gpus = plan(wide + narrow)
    assert sorted(sorted(name[0] for name, *_ in gpu) for gpu in gpus) == [["n", "w"], ["n", "w"]]
    assert all(sum(part for _, part, _ in gpu) == pytest.approx(1.0) for gpu in gpus)


def test_interference_takes_smaller_batches_or_another_gpu() -> None:
    """1.3 times as slow, batches of 8 take 26 ms, too long by more than 5 %; of 4 they serve 308 a second.

    That is 77 % of a piece of 400, so it stays alone; a session of 350 is served to 88 % and shares, in fours.
    """
    full = [A._replace(name=name, rate_rps=400.0) for name in ("x", "y")]
    assert plan(full) == [[("x", 0.4, 8), ("y", 0.4, 8)]]
    assert plan(full, 1.3) == [[("x", 0.4, 8)], [("y", 0.4, 8)]]
    lighter = [each._replace(rate_rps=350.0) for each in full]
    assert plan(lighter, 1.3) == [[("x", 0.4, 4), ("y", 0.4, 4)]]


def test_no_more_than_two_on_a_gpu_and_all_rates_are_placed() -> None:
    gpus = plan_gpulets([A._replace(name=f"s{i}", rate_rps=90.0 * i) for i in range(1, 8)])
    placed: dict[str, float] = {}
    for gpu in gpus:
        assert len(gpu) <= 2
        assert sum(each.part for each in gpu) <= 1 + 1e-9
        for each in gpu:
            assert isinstance(each, Gpulet)
            placed[each.session.name] = placed.get(each.session.name, 0.0) + each.rate_rps
    assert placed == pytest.approx({f"s{i}": 90.0 * i for i in range(1, 8)})


def test_an_objective_shorter_than_two_batches_is_refused() -> None:
    with pytest.raises(ValueError, match="session a: the SLO is shorter than two batches of 1 on a whole GPU"):
        plan_gpulets([A._replace(slo_s=0.004)])
