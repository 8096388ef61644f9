"""Orion's rule, kernel by kernel, and what it does for the tail of urgent requests."""

from typing import Any

import numpy as np
import pytest
from worlds import kernel, profile_of, simulate

from isim.contention.block_scheduler import BlockScheduler
from isim.engine.batch import Batch
from isim.errors import PolicyError
from isim.policies.fcfs import Fcfs
from isim.policies.orion import Complementary, Orion
from isim.policies.policy import Policy, Request
from isim.policies.rehearsal import FixedProfile, Rehearsal
from isim.sharing_modes import Sharing
from isim.traces.trace import Trace
from isim.workload import Replay

NAN = np.nan
COMPUTE, MEMORY, UNKNOWN = 1.0, 0.0, -1.0
URGENT_S = 1e-3


def asked(
    own: float, needed: float, beside: list[tuple[str, float, float, float]], rule: Complementary | None = None,
    running: int | None = None,
) -> bool:  # fmt: skip
    """Ask about a kernel of a class that needs a share of the SMs, beside (who, class, share, duration) each."""
    rule = rule or Complementary()
    rows = [[kind, share, duration_s, URGENT_S] for who, kind, share, duration_s in beside if who == "urgent"]
    low = len(rows)
    rows += [[kind, share, duration_s, 1.0] for who, kind, share, duration_s in beside if who != "urgent"]
    rows.append([own, needed, 1e-5, 1.0])
    phases, left_s = np.arange(len(rows)), np.full(len(rows), 1e-5)
    count = len(rows) - 1
    said = rule.may_start(
        count, phases, left_s, count if running is None else running, count, low, np.array(rows), rule.parameters
    )
    return bool(said)


@pytest.mark.parametrize(
    ("own", "other", "starts"),
    [
        (COMPUTE, COMPUTE, False), (COMPUTE, MEMORY, True), (MEMORY, MEMORY, False), (MEMORY, COMPUTE, True),
        (UNKNOWN, COMPUTE, True), (UNKNOWN, UNKNOWN, True), (COMPUTE, UNKNOWN, True),
        (COMPUTE, NAN, True),  # the urgent batch has not had a kernel launched yet: it counts as idle
    ],
)  # fmt: skip
def test_classes_must_differ(own: float, other: float, starts: bool) -> None:
    assert asked(own, 0.5, [("urgent", other, 1.0, 1e-5)]) == starts
    assert asked(own, 0.5, [("urgent", other, 1.0, 1e-5)], running=0) == starts  # between two kernels as well


def test_best_effort_kernels_together_leave_some_sms() -> None:
    urgent = ("urgent", COMPUTE, 1.0, 1e-5)
    assert asked(MEMORY, 0.99, [urgent])
    assert not asked(MEMORY, 1.0, [urgent])
    assert asked(MEMORY, 0.49, [urgent, ("other", MEMORY, 0.5, 1e-6)])
    assert not asked(MEMORY, 0.5, [urgent, ("other", MEMORY, 0.5, 1e-6)])
    assert not asked(MEMORY, 0.5, [urgent], Complementary(sm_threshold=0.5))
    assert asked(COMPUTE, 1.0, [("other", COMPUTE, 1.0, 1.0)])  # no urgent batch is there


def test_outstanding_durations_are_bounded_by_the_urgent_latency() -> None:
    urgent = ("urgent", COMPUTE, 1.0, 1e-5)
    assert asked(MEMORY, 0.1, [urgent, ("other", MEMORY, 0.1, 0.025 * URGENT_S)])
    assert not asked(MEMORY, 0.1, [urgent, ("other", MEMORY, 0.1, 0.026 * URGENT_S)])
    assert asked(MEMORY, 0.1, [urgent, ("other", MEMORY, 0.1, 0.026 * URGENT_S)], Complementary(duration_share=0.03))


def test_a_slot_is_kept_for_the_next_urgent_request() -> None:
    requests = [Request(i, "be", 0.0, 1.0, 0, 1, 1.0) for i in range(3)] + [Request(3, "rt", 0.004, 1.0, 0, 1, 1.0)]
    found = Rehearsal(Orion(urgent=("rt",)), requests, 2, FixedProfile((1,), 0.010, 0.0)).run()
    assert str(found) == "0 ms: be 0\n4 ms: rt 3\n10 ms: be 1\n20 ms: be 2"


def test_parameters_out_of_range() -> None:
    with pytest.raises(PolicyError, match="sm_threshold is out of range"):
        Orion(sm_threshold=1.5, duration_share=-1.0)


def latencies_s(policy: Policy, arrivals: list[tuple[int, str]], profile: Any, slots: int = 2) -> Any:
    trace = Trace.from_columns(arrival_ns=[ns for ns, _ in arrivals], model=[model for _, model in arrivals])
    sharing = Sharing(launch_s=0.0)
    log, _ = simulate(profile, Replay(trace), policy, BlockScheduler(), slots, sharing=sharing)
    return np.array([how.finished_s - r.arrived_s for r, how in log.ends if isinstance(how, Batch) and r.model == "rt"])


def test_the_urgent_tail_is_protected() -> None:
    """Kernels of a class wait: the p99 of urgent requests is nearer to that alone than side by side without a gate."""
    rng = np.random.default_rng(2)

    def network(kernels: int, share: float) -> list[Any]:
        found = []
        for _ in range(kernels):
            bound, us = rng.random() < 0.5, int(rng.integers(10, 60))
            sm, dram = (0.9, 0.2) if bound else (0.2, 0.9)
            found.append(kernel(us * 1000, gap_ns=2000, sm=sm, dram=dram, sm_needed=share))
        return found

    profile = profile_of({("rt", 1): network(30, 1.0), ("be", 1): network(60, 0.6)})
    urgent = [(int(ns), "rt") for ns in np.cumsum(rng.exponential(4e6, 400))]
    others = [(0, "be")] * 400
    alone = np.quantile(latencies_s(Fcfs(), urgent, profile), 0.99)
    gated = np.quantile(latencies_s(Orion(urgent=("rt",)), sorted(urgent + others), profile), 0.99)

    class UrgentFirst(Orion):
        """The same without the gate."""

        def __init__(self) -> None:
            super().__init__(urgent=("rt",))
            self.gate = None  # type: ignore[assignment]

    ungated = np.quantile(latencies_s(UrgentFirst(), sorted(urgent + others), profile), 0.99)
    assert alone < gated < ungated
    assert gated - alone < 0.5 * (ungated - alone)
