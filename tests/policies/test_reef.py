"""REEF's reset and padding: decisions by hand, and the latency of real-time requests."""

import numpy as np
import pytest
from worlds import kernel, profile_of, simulate

from isim.contention.leftover import Leftover
from isim.engine.batch import Batch
from isim.policies.fcfs import Fcfs
from isim.policies.policy import Policy, Request
from isim.policies.reef import Padding, Reef
from isim.policies.rehearsal import FixedProfile, Rehearsal
from isim.sharing_modes import Sharing
from isim.traces.trace import Trace
from isim.workload import Replay

PROFILE = FixedProfile((1,), 0.010, 0.0)


def request(request_id: int, arrived_s: float, urgent: bool = False) -> Request:
    return Request(request_id, "rt" if urgent else "be", arrived_s, 1.0, int(urgent), 1, 1.0)


def test_all_best_effort_batches_make_room_and_go_on_afterwards() -> None:
    requests = [request(0, 0.0), request(1, 0.001), request(2, 0.004, True), request(3, 0.005, True)]
    found = "0 ms: be 0\n1 ms: be 1\n4 ms: preempt batch 0\n4 ms: preempt batch 1\n4 ms: rt 2\n14 ms: rt 3\n"
    # Of 0, 4 ms are done; of 1, 3 ms.
    assert str(Rehearsal(Reef(), requests, 2, PROFILE).run()) == found + "24 ms: be 0\n24 ms: be 1"


def test_with_padding_they_go_on_beside() -> None:
    requests = [request(0, 0.0), request(1, 0.004, True), request(2, 0.005, True)]
    found = "0 ms: be 0\n4 ms: preempt batch 0\n4 ms: rt 1\n4 ms: be 0\n14 ms: rt 2"
    assert str(Rehearsal(Reef(padding=True), requests, 2, PROFILE).run()) == found


@pytest.mark.parametrize(
    ("filled", "left_us", "needed", "duration_us", "starts"),
    [
        (0.5, 30, 0.5, 30, True),  # on the half that is left it takes no longer
        (0.5, 30, 0.8, 30, False),  # 48 us
        (0.5, 48, 0.8, 30, True),
        (1.0, 90, 0.1, 10, False),  # nothing is left
        (0.5, 29, 0.5, 30, False),
    ],
)
def test_a_kernel_pads_if_it_ends_with_the_real_time_one(
    filled: float, left_us: float, needed: float, duration_us: float, starts: bool
) -> None:
    traits = np.array([[1.0, filled], [duration_us * 1e-6, needed]])
    rule = Padding()
    left_s = np.array([left_us * (1 + 1e-9) * 1e-6, 0.0])
    assert rule.may_start(1, np.array([0, 1]), left_s, 1, 1, 1, traits, rule.parameters) == starts
    # Nothing starts beside another that pads, nor between two real-time kernels.
    assert not rule.may_start(1, np.array([0, 1]), left_s, 2, 2, 1, traits, rule.parameters)
    assert not rule.may_start(1, np.array([0, 1]), left_s, 0, 1, 1, traits, rule.parameters)
    # Without real-time batches all do.
    assert rule.may_start(1, np.array([1, 1]), left_s, 2, 2, 1, traits, rule.parameters)


def urgent_latencies_s(policy: Policy, trace: Trace, slots: int = 2) -> list[float]:
    rng = np.random.default_rng(1)

    def network(kernels: int) -> list[object]:
        return [
            kernel(int(rng.integers(10_000, 60_000)), gap_ns=2000, sm=0.9, memory=0.1, sm_needed=float(rng.uniform()))
            for _ in range(kernels)
        ]

    profile = profile_of({("rt", 1): network(50), ("be", 1): network(80)})
    log, _ = simulate(profile, Replay(trace), policy, Leftover(), slots, sharing=Sharing(preemption_s=50e-6))
    served = [(r, how) for r, how in log.ends if isinstance(how, Batch)]
    assert len(served) == len(trace.table)
    return [how.finished_s - request.arrived_s for request, how in served if request.model == "rt"]


def test_real_time_latency_stays_near_that_alone() -> None:
    """Each request waits for a reset (50 us of some 1900) at most; side by side it would take far longer."""
    rng = np.random.default_rng(3)
    urgent_ns = np.cumsum(rng.exponential(6e6, 300)).astype(np.int64)
    arrival_ns = np.concatenate([urgent_ns, np.zeros(300, np.int64)])
    order = np.argsort(arrival_ns, kind="stable")
    both = Trace.from_columns(arrival_ns=arrival_ns[order], model=np.repeat(["rt", "be"], 300)[order])
    alone = np.mean(urgent_latencies_s(Fcfs(), Trace.from_columns(arrival_ns=urgent_ns, model=["rt"] * 300), 1))
    reset = np.mean(urgent_latencies_s(Reef(urgent=("rt",)), both))
    padded = np.mean(urgent_latencies_s(Reef(padding=True, urgent=("rt",)), both))
    assert alone < reset < 1.06 * alone
    assert alone < padded < 1.15 * alone
