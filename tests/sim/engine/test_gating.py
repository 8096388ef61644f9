"""Kernels that a policy's gate holds: what it is asked, what it costs, and gates that cannot be used."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit
from worlds import Log, kernel, profile_of, simulate

from isim.contention.leftover import Leftover
from isim.contention.none import NoContention
from isim.engine.batch import Batch
from isim.engine.noise import Noise
from isim.engine.oracle import Oracle
from isim.engine.phases import Phases
from isim.engine.predicting import Predicting
from isim.engine.simulation import Simulation
from isim.errors import PolicyError
from isim.experiment import Experiment
from isim.operations import Operations
from isim.policies.fcfs import Fcfs
from isim.policies.gate import MAY_START, NoGate
from isim.policies.kernels import Floats, Kernels
from isim.policies.orion import Orion
from isim.policies.policy import Decision, Dispatch, Event, View
from isim.policies.predictors.predictor import Prediction
from isim.policies.reef import Reef
from isim.sharing_modes import Sharing
from isim.traces.trace import Trace
from isim.workload import Replay

US = 1000


@njit(MAY_START)
def _alone(wanted, phases, left_s, running, count, low, traits, parameters):  # type: ignore[no-untyped-def]
    return False


class Alone(NoGate):
    """Hold whatever is not alone."""

    may_start = staticmethod(_alone)


class Gated(Fcfs):
    """Serve whatever comes first; model `urgent` is."""

    def __init__(self, gate: Any) -> None:
        self.gate = gate

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        for decision in super().decide(view, event):
            assert isinstance(decision, Dispatch)
            yield decision._replace(priority=int(decision.requests[0].model == "urgent"))


def finishes_us(
    policy: Any, batches: dict[tuple[str, int], Any], arrivals_us: list[tuple[int, str]], launch_us: float = 0.0,
    contention: Any = None,
) -> list[float]:  # fmt: skip
    """Return when each request finished, in order of arrival."""
    trace = Trace.from_columns(arrival_ns=[us * US for us, _ in arrivals_us], model=[model for _, model in arrivals_us])
    sharing = Sharing(launch_s=launch_us / 1e6, preemption_s=0.0)
    log, _ = simulate(profile_of(batches), Replay(trace), policy, contention or NoContention(), 3, sharing=sharing)
    at = {request.request_id: how.finished_s for request, how in log.ends if isinstance(how, Batch)}
    return [round(at[i] * 1e6, 6) for i in range(len(arrivals_us))]


THREE = [kernel(10 * US)] * 3
FIVES = [kernel(5 * US, gap_ns=5 * US)] * 3


def test_a_held_kernel_waits_at_its_boundary_for_urgent_batches_to_leave() -> None:
    """The other runs a kernel from 0 to 10 us; its next waits until the urgent batch, there from 5 to 35, has left."""
    batches = {("urgent", 1): FIVES, ("other", 1): THREE}
    arrivals = [(0, "other"), (5, "urgent")]
    assert finishes_us(Gated(Alone()), batches, arrivals) == [55.0, 35.0]
    assert finishes_us(Gated(None), batches, arrivals) == [30.0, 35.0]


def test_others_wait_for_each_other_oldest_first() -> None:
    batches = {("a", 1): THREE, ("b", 1): THREE}
    assert finishes_us(Gated(Alone()), batches, [(0, "a"), (0, "b")]) == [30.0, 60.0]


def test_a_launch_is_paid_once_by_a_kernel_that_had_to_wait() -> None:
    """The other's second kernel waits from 10 to 35 us, in which it is asked about often; its third need not wait."""
    batches = {("urgent", 1): FIVES, ("other", 1): THREE}
    arrivals = [(0, "other"), (5, "urgent")]
    assert finishes_us(Gated(Alone()), batches, arrivals, launch_us=2.0) == [57.0, 35.0]
    assert finishes_us(Gated(NoGate()), batches, arrivals, launch_us=2.0) == [30.0, 35.0]
    assert finishes_us(Gated(Alone()), batches, [(0, "other")], launch_us=2.0) == [30.0]


def test_urgent_kernels_come_first_to_the_contention_model() -> None:
    """`leftover` gives a newer kernel what older ones leave: here nearly nothing, in the order of the streams."""
    full = [kernel(100 * US, sm=1.0, memory=0.0)]
    batches = {("urgent", 1): full, ("other", 1): full}
    arrivals = [(0, "other"), (50, "urgent")]
    truth = Leftover(kappa=1.0, beta=0.0)
    assert finishes_us(Gated(NoGate()), batches, arrivals, contention=truth) == [198.0, 150.0]
    assert finishes_us(Gated(None), batches, arrivals, contention=truth) == [100.0, 199.0]


def test_what_a_gate_is_told_of_gaps() -> None:
    """In a gap the kernel that has ended; nothing before the first."""
    operations = Operations(profile_of({("a", 1): FIVES, ("b", 1): [kernel(7 * US), kernel(8 * US, gap_ns=US)]}), "ab")
    phases = Phases(operations, 0.0, gated=True)
    traits = phases.by_phase(np.array([[1.0], [2.0], [3.0], [4.0], [5.0]]))[:, 0]
    first = [np.nan, 1, 1, 2, 2, 3, 4, 4, 5]
    np.testing.assert_equal(traits, [*first, *first])
    assert phases.low == len(first)
    assert phases.table["asked"].tolist() == [0] * 9 + [0, 1, 0, 1, 0, 1, 1, 0, 1] + [0]
    assert (phases.table["runs"] * phases.table["asked"]).sum() == 0


class NoTraits(NoGate):
    def traits(self, kernels: Kernels) -> Floats:
        return np.zeros(3)


class Uncompiled(NoGate):
    may_start: Any = staticmethod(lambda *_: True)


class Raises(NoGate):
    def traits(self, kernels: Kernels) -> Floats:
        raise KeyError("sm")


@pytest.mark.parametrize(
    ("gate", "sentence"),
    [
        (object(), "has no may_start, parameters, traits; see isim.policies.gate"),
        (NoTraits(), "has traits that are no float64 array of one row an operation"),
        (Uncompiled(), "has a may_start that is not compiled for its signature; decorate the function with @njit"),
        (Raises(), r"raised KeyError \('sm'\); correct it"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_gates_that_cannot_be_used(gate: Any, sentence: str) -> None:
    with pytest.raises(PolicyError, match=f"policy Gated: its gate {sentence}"):
        finishes_us(Gated(gate), {("a", 1): THREE}, [(0, "a")])


def test_processes_in_turns_are_not_gated() -> None:
    trace = Replay(Trace.from_columns(arrival_ns=[0], model=["a"]))
    alone = r"in one process only \(found sharing 'mps'\); choose sharing 'streams' or 'exclusive'"
    with pytest.raises(PolicyError, match=f"gates kernels, which it can do {alone}"):
        simulate(profile_of({("a", 1): THREE}), trace, Gated(Alone()), NoContention(), 2, sharing=Sharing("mps"))


@pytest.mark.parametrize("policy", [lambda: Orion(urgent=("a",)), lambda: Reef(padding=True, urgent=("a",))],
                         ids=["orion", "reef"])  # fmt: skip
def test_the_oracle_knows_the_gate(policy: Any) -> None:
    rng = np.random.default_rng(5)

    def operation() -> Any:
        return kernel(
            int(rng.integers(10_000, 200_000)), gap_ns=int(rng.integers(0, 30_000)), duration_mad_ns=20_000,
            sm=float(rng.uniform(0.2, 1)), dram=float(rng.uniform(0, 1)), sm_needed=float(rng.uniform(0.1, 1)),
        )  # fmt: skip

    operations = Operations(profile_of({(m, 1): [operation() for _ in range(12)] for m in "abc"}), "abc")
    arrivals_ns = np.sort(rng.integers(0, 500_000_000, 200))
    workload = Replay(Trace.from_columns(arrival_ns=arrivals_ns, model=rng.choice([*"abc"], 200)))
    said: list[tuple[Batch, Prediction, float | None]] = []
    log = Log()
    Simulation(
        operations, workload, policy(), Leftover(), 3, log, noise=Noise(3),
        predicting=Predicting(Oracle(), "oracle", lambda *each: said.append(each)),
    ).run()  # fmt: skip
    changes_s = [b.dispatched_s for b in log.batches]
    changes_s += [b.preempted.asked_s for b in log.batches if b.preempted is not None]
    exact: dict[bool, int] = {False: 0, True: 0}
    for batch, prediction, measured in said:
        between = [each_s for each_s in changes_s if batch.dispatched_s <= each_s < batch.finished_s]
        if measured is not None and len(between) == 1:
            exact[batch.urgent] += 1
            assert prediction.slowdown == pytest.approx(measured, rel=1e-9)
    assert min(exact.values()) >= 3


def test_a_run_names_the_price(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    keys = {"process": "poisson", "rate": "200rps", "duration": "0.1s"}
    found = Experiment(arrivals=keys, policy="orion:urgent=resnet50", sharing="streams:launch=3us").run()
    assert found.description["sharing"] == {"mode": "streams", "launch_s": 3e-6}
    assert found.summary["total"]["unfinished"] == 0
