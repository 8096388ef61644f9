"""Batches that are taken off the GPU before their end: when, at what price, and what goes on from where."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worlds import Log, kernel, profile_of, simulate

from isim.contention.fair import Fair
from isim.contention.leftover import Leftover
from isim.contention.none import NoContention
from isim.engine.batch import Batch
from isim.engine.noise import Noise
from isim.engine.oracle import Oracle
from isim.engine.predicting import Predicting
from isim.engine.simulation import Simulation
from isim.errors import PolicyError
from isim.evaluation.run_cases import run_cases
from isim.experiment import Experiment
from isim.metrics import measure
from isim.operations import Operations
from isim.policies.greedy import Greedy
from isim.policies.policy import Decision, Dispatch, Drop, Event, Finish, Preempt, Preempted, Timer, View, WakeAt
from isim.policies.predictors.predictor import Prediction
from isim.sharing_modes import Sharing
from isim.timeline import write_timeline
from isim.traces.trace import Trace
from isim.workload import Replay

MS = 1_000_000
GAPS = profile_of({("a", 1): [kernel(3 * MS, gap_ns=MS), kernel(2 * MS, gap_ns=MS), kernel(2 * MS)]})
"""From the dispatch: a kernel from 1 to 4 ms, one from 5 to 7, one from 7 to 9."""


class Interrupts:
    """Dispatch what waits; preempt at certain times (ms) whatever runs; drop at others."""

    def __init__(self, at_ms: Mapping[float, Any]) -> None:
        self._at_ms = at_ms
        self._asked = False
        self.events: list[tuple[str, float]] = []

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        self.events.append((type(event).__name__, round(view.now_s * 1e3, 6)))
        if not self._asked:
            self._asked = True
            yield from (WakeAt(ms / 1e3, str(ms)) for ms in self._at_ms)
        if isinstance(event, Timer):
            yield self._at_ms[float(event.tag)](view)
        if not isinstance(event, Timer):
            for queue in view.queues.values():
                if queue and view.free_slots:
                    yield Dispatch((queue[0],))


def preempt(mode: Any, keep: bool = True) -> Any:
    return lambda view: Preempt(view.residents[0].batch_id, mode, keep)


def run(at_ms: Mapping[float, Any], price_ms: float = 0.0, arrivals: int = 1, slots: int = 1) -> tuple[Interrupts, Log]:
    policy = Interrupts({float(ms): what for ms, what in at_ms.items()})
    requests = Replay(Trace.from_columns(arrival_ns=[0] * arrivals, model=["a"] * arrivals))
    sharing = Sharing(preemption_s=price_ms / 1e3)
    log, _ = simulate(GAPS, requests, policy, NoContention(), slots, sharing=sharing)
    return policy, log


def test_a_run_ends_when_what_was_preempted_has_left() -> None:
    """Its requests are never sent again, so that nothing else happens after the price is paid, at 2 + 50 ms."""

    class Strands(Interrupts):
        def decide(self, view: View, event: Event) -> Iterable[Decision]:
            return () if isinstance(event, Preempted) else super().decide(view, event)

    requests = Replay(Trace.from_columns(arrival_ns=[0], model=["a"]))
    _, ending = simulate(
        GAPS, requests, Strands({2.0: preempt("reset")}), NoContention(), 1, sharing=Sharing(preemption_s=0.05)
    )
    assert (round(ending.end_s, 9), ending.unfinished) == (0.052, 1)


def times_ms(log: Log) -> list[tuple[float, float]]:
    """Return when each batch was dispatched and when it had left."""
    return [
        (round(b.dispatched_s * 1e3, 6), round((b.finished_s if b.preempted is None else b.left_s) * 1e3, 6))
        for b in log.batches
    ]


@pytest.mark.parametrize(
    ("at_ms", "mode", "keep", "left_ms", "finished_ms"),
    [
        (2.0, "reset", True, 2.0, 11.0),  # its first kernel starts again, with its gap: 9 ms
        (6.0, "reset", True, 6.0, 11.0),  # of 9 ms, 4 are done
        (6.0, "kernel", True, 7.0, 9.0),  # the kernel ends, nothing is lost
        (6.0, "reset", False, 6.0, 15.0),
        (6.0, "kernel", False, 7.0, 16.0),
        (4.5, "kernel", True, 4.5, 9.5),  # nothing runs: at once, and the gap passes again
        (8.0, "kernel", True, 9.0, 9.0),  # its last kernel: it finishes
        (8.0, "reset", True, 8.0, 10.0),
    ],
)
@pytest.mark.parametrize("price_ms", [0.0, 0.25])
def test_what_is_lost_by_a_preemption(
    at_ms: float, mode: str, keep: bool, left_ms: float, finished_ms: float, price_ms: float
) -> None:
    policy, log = run({at_ms: preempt(mode, keep)}, price_ms)
    if left_ms == finished_ms:
        assert times_ms(log) == [(0.0, 9.0)]
        return
    gone_ms = left_ms + price_ms
    assert times_ms(log) == [(0.0, gone_ms), (gone_ms, finished_ms + price_ms)]
    assert ("Preempted", gone_ms) in policy.events
    assert [type(how) is Batch for _, how in log.ends] == [True]
    first, second = log.batches
    assert (first.preempted is not None, np.isnan(first.finished_s), second.preempted) == (True, True, None)
    assert second.slowdown == pytest.approx(1.0, abs=1e-12)  # of what was left
    assert [overlap.batch_ids for overlap in log.overlaps] == [(0,), (1,)]


def test_what_is_being_preempted_holds_its_slot_but_nothing_of_the_gpu() -> None:
    profile = profile_of({("a", 1): [kernel(4 * MS)], ("b", 1): [kernel(4 * MS)]})
    policy = Interrupts({1.0: preempt("reset")})
    requests = Replay(Trace.from_columns(arrival_ns=[0, 0, 0], model=["a", "b", "b"]))
    log, _ = simulate(profile, requests, policy, Fair(), 2, sharing=Sharing(preemption_s=0.002))
    # Both at half speed for 1 ms; then b alone for 2 ms while a leaves; then a anew beside it.
    assert times_ms(log)[:2] == [(0.0, 3.0), (0.0, 6.0)]


def test_it_can_be_preempted_again_and_again() -> None:
    _, log = run({2.0: preempt("reset"), 7.0: preempt("kernel"), 10.0: preempt("kernel")})
    assert times_ms(log) == [(0.0, 2.0), (2.0, 8.0 + 1.0), (9.0, 11.0)]
    assert [b.continues and b.continues.batch_id for b in log.batches] == [None, 0, 1]


def test_requests_return_to_the_front_and_may_be_dropped() -> None:
    def give_up(view: View) -> Decision:
        assert [request.request_id for request in view.queues["a"]] == [1, 2]
        return Drop((view.queues["a"][0],), "late")

    policy, log = run({1.0: preempt("reset"), 2.0: give_up}, arrivals=3)
    assert [request.request_id for request, _ in log.ends] == [1, 0, 2]
    assert policy.events[-1][0] == "Finish"


@pytest.mark.parametrize(
    ("decide", "sentence"),
    [
        (lambda view: Preempt(7), r"decided Preempt\(batch_id=7, .*: no such batch on the GPU; choose from view.res"),
        (lambda view: Preempt(0, "slowly"), "no such mode; write 'reset' or 'kernel'"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_preempted(decide: Any, sentence: str) -> None:
    with pytest.raises(PolicyError, match=sentence):
        run({1.0: decide})


def test_a_batch_is_preempted_once() -> None:
    with pytest.raises(PolicyError, match="it is being preempted already; wait for Preempted"):
        run({1.0: preempt("reset"), 1.5: preempt("reset")}, price_ms=1.0)


class Shuffles(Greedy):
    """Batch greedily and preempt whatever runs now and then."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__()
        self.seed = seed
        self._luck = np.random.default_rng(seed)

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        running = [batch.batch_id for batch in view.residents if not batch.preempted]
        if running and isinstance(event, Finish) and self._luck.random() < 0.5:
            mode: Any = ("reset", "kernel")[int(self._luck.integers(2))]
            yield Preempt(running[0], mode, bool(self._luck.integers(2)))
        yield from super().decide(view, event)


def world(seed: int) -> tuple[Operations, Replay]:
    rng = np.random.default_rng(seed)

    def operation() -> Any:
        durations = {"gap_ns": int(rng.integers(0, 100_000)), "duration_mad_ns": 20_000}
        return kernel(int(rng.integers(10_000, 400_000)), sm=0.8, memory=float(rng.uniform(0, 1)), **durations)

    profile = profile_of({(m, size): [operation() for _ in range(12)] for m in "abc" for size in (1, 4)})
    arrivals_ns = np.sort(rng.integers(0, 900_000_000, 300))
    return Operations(profile, "abc"), Replay(
        Trace.from_columns(arrival_ns=arrivals_ns, model=rng.choice([*"abc"], 300))
    )


@pytest.mark.parametrize("sharing", [Sharing(), Sharing("time-slicing"), Sharing("mps", shares={"a": 0.5, "b": 0.5})],
                         ids=lambda sharing: sharing.mode)  # fmt: skip
def test_the_oracle_foresees_past_preemptions(sharing: Sharing) -> None:
    said: list[tuple[Batch, Prediction, float | None]] = []
    operations, workload = world(3)
    log = Log()
    Simulation(
        operations, workload, Shuffles(), Leftover(), 3, log, noise=Noise(3), sharing=sharing,
        predicting=Predicting(Oracle(), "oracle", lambda *each: said.append(each)),
    ).run()  # fmt: skip
    assert sum(batch.preempted is not None for batch in log.batches) > 20
    changes_s = sorted(
        [b.dispatched_s for b in log.batches] + [b.preempted.asked_s for b in log.batches if b.preempted is not None]
    )
    exact = 0
    for batch, prediction, measured in said:
        assert (measured is None) == (batch.preempted is not None)
        assert batch.continues is None
        now_s = batch.dispatched_s
        if measured is not None and not any(now_s < each_s < batch.finished_s for each_s in changes_s):
            if changes_s.count(now_s) > 1:
                continue
            exact += 1
            assert prediction.slowdown == pytest.approx(measured, rel=1e-9)
    assert exact >= 3


POLICY = "from test_preemption import Shuffles\n"


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    profile_of(
        {(m, size): [kernel(10**6 * size, gap_ns=10**5, sm=0.8, memory=0.3)] * 3 for m in "ab" for size in (1, 4)}
    ).write("p.parquet")
    Path("own.py").write_text(POLICY)
    arrivals = {"process": "poisson", "rate": "200rps", "duration": "2s"}
    return Experiment(
        profile="p.parquet", arrivals=arrivals, policy="own.py:Shuffles", contention="leftover", seed=3,
        sharing="streams:preemption=20us", horizon="1.9s", predictor="mean",
    )  # fmt: skip


def test_a_run_folder_tells_of_preemptions(experiment: Experiment, tmp_path: Path) -> None:
    found = experiment.run("out")
    told = found.table("preemptions").to_pandas().set_index("batch_id")
    batches = found.table("batches").to_pandas().set_index("batch_id")
    preempted = told[told["left_s"].notna()]
    assert len(preempted) > 30
    assert found.description["ending"]["preemptions"] == len(preempted)
    assert found.description["sharing"] == {"mode": "streams", "preemption_s": 2e-5}
    assert batches.loc[preempted.index, "finished_s"].isna().all()
    assert (preempted["left_s"] - preempted["asked_s"] >= 2e-5 - 1e-12).all()
    assert set(preempted["mode"]) == {"reset", "kernel"}
    continuing = told[told["continues"].notna()]
    assert preempted.loc[continuing["continues"].astype(int), "kept"].all()
    requests = found.table("requests").to_pandas()
    assert (requests["outcome"] != "unfinished").mean() > 0.9
    assert not set(requests["batch_id"].dropna().astype(int)) & {
        *preempted.index[preempted["left_s"] < found.description["ending"]["end_s"]]
    } - set(requests.loc[requests["outcome"] == "unfinished", "batch_id"].dropna().astype(int))
    # What is resident is counted as long as it is.
    overlaps = found.table("overlaps").to_pandas()
    length_s = (overlaps["finish_s"] - overlaps["start_s"]).sum()
    total = measure(Path("out"), found.description["ending"]["end_s"])["total"]
    assert total["busy_share"] * found.description["ending"]["end_s"] == pytest.approx(length_s, rel=1e-9)
    assert total == found.summary["total"]
    # Neither an evaluation nor the run's own predictor learns from parts.
    cases = run_cases(found)[0].cases
    finished = batches[batches["finished_s"].notna()]
    assert len(cases) == len(finished) - len(finished.index.intersection(continuing.index))
    kept = found.table("predictions").to_pandas()
    assert kept["measured_slowdown"].notna().sum() == len(cases)
    assert write_timeline(found, tmp_path / "t.json") > len(batches)


def test_a_run_without_preemptions_has_no_such_file(experiment: Experiment) -> None:
    found = experiment.model_copy(update={"policy": "greedy"}).run("out")
    assert not (Path("out") / "preemptions.parquet").exists()
    assert found.description["sharing"] == {"mode": "streams"}


def test_a_plain_policy_sees_no_such_event() -> None:
    policy, _ = run({})
    assert Preempted.__name__ not in {name for name, _ in policy.events}
