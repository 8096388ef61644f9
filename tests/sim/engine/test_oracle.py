"""The oracle against the engine itself: exact whenever nothing is dispatched in between."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from worlds import Log, kernel, profile_of

from isim.contention.leftover import Leftover
from isim.contention.none import NoContention
from isim.engine.batch import Batch
from isim.engine.noise import Noise
from isim.engine.oracle import Oracle
from isim.engine.predicting import Predicting
from isim.engine.simulation import Simulation
from isim.errors import PredictorError
from isim.operations import Operations
from isim.policies.forecast import Forecaster
from isim.policies.greedy import Greedy
from isim.policies.policy import Arrival, Decision, Dispatch, Event, View
from isim.policies.predictors.predictor import CoRunner, Member, Prediction, Stay
from isim.sharing_modes import Sharing
from isim.traces.trace import Trace
from isim.workload import Replay


def world(seed: int) -> tuple[Operations, Replay]:
    """Two models with gaps and kernels of random lengths and demands, and a trace with work."""
    rng = np.random.default_rng(seed)

    def operation() -> Any:
        return kernel(
            int(rng.integers(10_000, 400_000)), gap_ns=int(rng.integers(0, 100_000)), duration_mad_ns=20_000,
            sm=float(rng.uniform(0.2, 1)), memory=float(rng.uniform(0, 1)),
        )  # fmt: skip

    profile = profile_of({(m, size): [operation() for _ in range(12)] for m in "abc" for size in (1, 4)})
    arrivals_ns = np.sort(rng.integers(0, 300_000_000, 60))
    trace = Trace.from_columns(
        arrival_ns=arrivals_ns, model=rng.choice(list("abc"), 60), work=rng.uniform(0.5, 2, 60).astype(np.float32)
    )
    return Operations(profile, "abc"), Replay(trace)


SHARINGS = [Sharing(), Sharing("time-slicing"), Sharing("mps", shares={"a": 0.5, "b": 0.3, "c": 0.2})]


@pytest.mark.parametrize("sharing", SHARINGS, ids=lambda sharing: sharing.mode)
@pytest.mark.parametrize("seed", range(4))
def test_exact_if_nothing_else_is_dispatched_before_the_finish(seed: int, sharing: Sharing) -> None:
    said: list[tuple[Batch, float, float]] = []

    def record(batch: Batch, prediction: Prediction, measured: float | None) -> None:
        assert measured is not None
        said.append((batch, prediction.slowdown, measured))

    operations, workload = world(seed)
    log = Log()
    Simulation(
        operations, workload, Greedy(max_batch=4), Leftover(), 3, log, noise=Noise(seed), sharing=sharing,
        predicting=Predicting(Oracle(), "oracle", record),
    ).run()  # fmt: skip
    dispatched_s = sorted(batch.dispatched_s for batch in log.batches)
    exact = 0
    for batch, predicted, measured in said:
        between = [time_s for time_s in dispatched_s if batch.dispatched_s < time_s < batch.finished_s]
        together = [other.batch_id for other in log.batches if other.dispatched_s == batch.dispatched_s]
        if not between and batch.batch_id == max(together):
            exact += 1
            assert predicted == pytest.approx(measured, rel=1e-9)
    assert len(said) == len(log.batches) > 30
    assert exact >= 3  # or the test would show nothing


class Asking:
    """Dispatch greedily, and keep what the view's predictor answers to `question` after every event."""

    def __init__(self, question: Callable[[View, Event], Any]) -> None:
        self._question = question
        self._greedy = Greedy(max_batch=4)
        self.answers: list[Any] = []

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        decisions = list(self._greedy.decide(view, event))
        self.answers.append(self._question(view, event))
        return decisions


def asked(question: Callable[[View, Event], Any], operations: Operations, workload: Replay) -> tuple[Asking, Log]:
    policy, log = Asking(question), Log()
    predicting = Predicting(Oracle(), "oracle", lambda *_: None)
    Simulation(operations, workload, policy, Leftover(), 2, log, noise=Noise(1), predicting=predicting).run()
    return policy, log


def test_a_policy_is_told_when_residents_finish() -> None:
    def question(view: View, event: Event) -> Any:
        return [
            (resident.batch_id, view.now_s + left_s)
            for resident, left_s in zip(
                view.residents, view.predictor.finishes(Member("a", 1, 1.0, {}), ()).co_runners_s, strict=True
            )
        ]

    operations, workload = world(5)
    policy, log = asked(question, operations, workload)
    assert len(policy.answers) > 60
    finished_s = {batch.batch_id: batch.finished_s for batch in log.batches}
    # Each answer supposes that an `a` joins now. Where one did, and nothing after it, residents finish as was said.
    told = [(batch_id, said_s) for answer in policy.answers for batch_id, said_s in answer]
    assert len(told) > 60
    assert sum(abs(finished_s[batch_id] - said_s) < 1e-9 for batch_id, said_s in told) > 0
    assert all(said_s > 0 for _, said_s in told)


def test_a_policy_is_told_when_all_finish_if_nothing_joins() -> None:
    """The last answer before a finish, with no dispatch since, is what came; noise and work included."""
    operations, workload = world(5)
    told: list[tuple[float, dict[int, float]]] = []

    def question(view: View, event: Event) -> None:
        left_s = view.predictor.finishes_s([CoRunner(Member("a", 1, 1.0, {}))] * len(view.residents))
        at_s = {each.batch_id: view.now_s + left for each, left in zip(view.residents, left_s, strict=True)}
        told.append((view.now_s, at_s))

    _, log = asked(question, operations, workload)
    dispatched_s = np.array([batch.dispatched_s for batch in log.batches])
    exact = 0
    for batch in log.batches:
        for now_s, at_s in told:
            if batch.batch_id in at_s and not ((dispatched_s >= now_s) & (dispatched_s < batch.finished_s)).any():
                assert at_s[batch.batch_id] == pytest.approx(batch.finished_s, abs=2e-9)  # finishes are on the clock
                exact += 1
    assert exact > 10


def test_a_policy_is_told_of_those_that_would_join() -> None:
    """Both slots are filled at once by the batches asked about: what was said of both comes."""
    operations, _ = world(3)
    trace = Trace.from_columns(arrival_ns=[0, 0, 900_000_000], model=["a", "b", "a"])
    said: list[float] = []

    class Both:
        def decide(self, view: View, event: Event) -> Iterable[Decision]:
            waiting = [queue[0] for queue in view.queues.values() if queue]
            members = [Member(request.model, 1, 1.0, {}) for request in waiting]
            if len(waiting) == 2 and not said:
                said.extend(view.predictor.finishes_s([], members))
                return [Dispatch((request,)) for request in waiting]
            return [Dispatch((request,)) for request in waiting[: view.free_slots] if said]

    log = Log()
    predicting = Predicting(Oracle(), "oracle", lambda *_: None)
    Simulation(operations, Replay(trace), Both(), Leftover(), 2, log, predicting=predicting).run()
    finished_s = {batch.batch_id: batch.finished_s for batch in log.batches}
    assert said == pytest.approx([finished_s[0], finished_s[1]], abs=2e-9)


def test_a_policy_asks_about_the_batch_it_then_dispatches() -> None:
    """Ask of the very batch that is dispatched next, with nothing else to come: the answer is what comes."""
    operations, _ = world(3)
    trace = Trace.from_columns(arrival_ns=[0, 100_000], model=["a", "b"], work=np.array([1.5, 0.7], dtype=np.float32))
    answers = []

    class Fcfs:
        def decide(self, view: View, event: Event) -> Iterable[Decision]:
            for model, queue in view.queues.items():
                for request in list(queue) if view.free_slots else []:
                    answers.append(view.predictor.predict(Member(model, 1, 1.0, {}), ()).slowdown)
                    yield Dispatch((request,))

    log = Log()
    measured: dict[int, float | None] = {}
    predicting = Predicting(Oracle(), "oracle", lambda batch, _, slowdown: measured.update({batch.batch_id: slowdown}))
    Simulation(operations, Replay(trace), Fcfs(), Leftover(), 2, log, noise=Noise(1), predicting=predicting).run()
    luck = {batch.batch_id: batch.noise for batch in log.batches}
    assert answers[0] == pytest.approx(luck[0], rel=1e-9)  # alone, as far as is known
    assert answers[1] == pytest.approx(measured[1], rel=1e-9)


def test_while_it_runs() -> None:
    operations, workload = world(2)
    seen: list[tuple[int, float]] = []

    def question(view: View, event: Event) -> None:
        for resident in view.residents:
            stays = [
                Stay(overlap.finish_s - overlap.start_s, (Member("a", 1, 1.0, {}),)) for overlap in resident.overlaps
            ]
            if stays:
                member = Member(resident.model, resident.batch_size, 1.0, {})
                seen.append((resident.batch_id, view.predictor.predict(member, (), stays).slowdown))

    _, log = asked(question, operations, workload)
    finals = {batch.batch_id: batch.duration_s / batch.solo_s for batch in log.batches}
    last = dict(seen)  # the last answer about each
    assert len(last) > 10
    # A batch can only be slowed further by what is dispatched later.
    assert all(slowdown <= finals[batch_id] + 1e-9 for batch_id, slowdown in seen)
    assert sum(abs(last[batch_id] - finals[batch_id]) < 1e-9 for batch_id in last) > len(last) / 4


def test_refusals() -> None:
    with pytest.raises(PredictorError, match="oracle: no simulation runs"):
        Oracle().predict(Member("a", 1, 1.0, {}), [CoRunner(Member("a", 1, 1.0, {}))])

    def too_many(view: View, event: Event) -> None:
        view.predictor.finishes_s([], [Member("a", 1, 1.0, {})] * (view.free_slots + 2))

    with pytest.raises(PredictorError, match="oracle: 4 batches cannot join"):
        asked(too_many, *world(1))

    def question(view: View, event: Event) -> None:
        view.predictor.predict(Member("a", 1, 1.0, {}), (), [Stay(17.0, ())])

    with pytest.raises(PredictorError, match="oracle: no batch of a with such overlaps runs now"):
        asked(question, *world(1))


def test_a_single_beside_a_batch_has_the_luck_of_the_request_that_waits_now() -> None:
    """Without contention a kernel takes its 1 ms times 2, 3, ... of each request, and 1 of one that is not there yet.

    At 50 ms the first request waits, at 150 ms the third; behind the b that is asked about none does.
    """
    profile = profile_of({(model, 1): [kernel(1_000_000, duration_mad_ns=1)] for model in "ab"})
    told_s: list[float] = []

    class Asks:
        def __init__(self) -> None:
            self._gpu = Forecaster()

        def decide(self, view: View, event: Event) -> Iterable[Decision]:
            if not isinstance(event, Arrival) or event.request.model == "a":
                return []
            batch = self._gpu.batch(view, (event.request,))
            told_s.extend(self._gpu.one_beside(view, model, batch) for model in "ab")
            return [Dispatch((queue[0],)) for queue in view.queues.values()]

    trace = Trace.from_columns(arrival_ns=[0, 50_000_000, 100_000_000, 150_000_000], model=list("abab"))
    predicting = Predicting(Oracle(), "oracle", lambda *_: None)
    Simulation(
        Operations(profile, "ab"), Replay(trace), Asks(), NoContention(), 2, Log(),
        noise=lambda sigma, request_id: 2.0 + request_id, predicting=predicting,
    ).run()  # fmt: skip
    assert told_s == pytest.approx([0.002, 0.001, 0.004, 0.001], rel=1e-9)


@pytest.mark.parametrize("noise", [None, Noise(1)], ids=["none", "noise"])
def test_what_is_remembered_is_what_an_oracle_that_has_not_been_asked_says(noise: Noise | None) -> None:
    """Work and, with noise, luck differ from request to request."""
    operations, workload = world(4)
    oracle, said = Oracle(), []

    def question(view: View, event: Event) -> None:
        assert oracle._world is not None
        fresh = Oracle()
        fresh.watch(*oracle._world, 2, operations, Leftover(), Sharing())
        for first in "abc":
            members = [Member(first, 4, 1.0, {}), Member("a", 1, 1.0, {})][: view.free_slots + 1]
            said.append((view.predictor.finishes_s((), members), fresh.finishes_s((), members)))

    predicting = Predicting(oracle, "oracle", lambda *_: None)
    asking = Asking(question)
    Simulation(operations, workload, asking, Leftover(), 2, Log(), noise=noise, predicting=predicting).run()
    assert len(said) > 300
    assert all(known == pytest.approx(anew, rel=1e-9) for known, anew in said)
    assert len({tuple(known) for known, _ in said}) > 20  # work differs


def test_batches_of_one_model_that_join_together_hold_different_requests() -> None:
    operations, _ = world(3)
    trace = Trace.from_columns(arrival_ns=[0, 0], model="a", work=np.array([1.5, 0.5], dtype=np.float32))
    said: list[float] = []

    class Both:
        def decide(self, view: View, event: Event) -> Iterable[Decision]:
            waiting = list(view.queues["a"])
            if len(waiting) == 2:
                said.extend(view.predictor.finishes_s((), [Member("a", 1, 1.0, {})] * 2))
                return [Dispatch((request,)) for request in waiting]
            return []

    log = Log()
    predicting = Predicting(Oracle(), "oracle", lambda *_: None)
    Simulation(operations, Replay(trace), Both(), Leftover(), 2, log, predicting=predicting).run()
    finished_s = {batch.batch_id: batch.finished_s for batch in log.batches}
    assert said == pytest.approx([finished_s[0], finished_s[1]], abs=2e-9)
