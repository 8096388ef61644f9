"""When batches should finish, from a predictor's slowdowns."""

from collections.abc import Sequence

import pytest

from isim.policies.forecast import Forecaster, Running
from isim.policies.policy import Dispatch, Event, Request
from isim.policies.predictors.constant import Constant
from isim.policies.predictors.predictor import CoRunner, Gone, Member, Prediction, Stay
from isim.policies.rehearsal import FixedProfile, Rehearsal, RehearsalView

PROFILE = FixedProfile((1, 2, 4), 0.010, 0.0)


def request(number: int, model: str = "a", work: float = 1.0) -> Request:
    return Request(number, model, 0.0, 1.0, 0, 1, work)


def running(model: str, left_s: float) -> Running:
    return Running(Member(model, 1, 0.010, {}), (request(0, model),), left_s)


def view(predictor: object = None) -> RehearsalView:
    result = RehearsalView(("a", "b"), 2, PROFILE)
    result.predictor = predictor
    result.now_s = 1.0
    return result


class ByPair:
    """Says how much slower the target runs beside each of the others; effects multiply."""

    def __init__(self, slowdowns: dict[tuple[str, str], float], sd: float = 0.0) -> None:
        self._slowdowns, self._sd = slowdowns, sd
        self.asked = 0

    def predict(self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay] = ()) -> Prediction:
        self.asked += 1
        slowdown = 1.0
        for other in co_runners:
            slowdown *= self._slowdowns[target.model, other.member.model]
        return Prediction(slowdown, self._sd)


def test_without_a_predictor_batches_do_not_slow_each_other() -> None:
    finishes = Forecaster().finishes(view(), [running("a", 0.010), running("b", 0.004)])
    assert [forecast.finish_s for forecast in finishes] == pytest.approx([1.010, 1.004])


def test_speed_changes_when_a_co_runner_has_finished() -> None:
    """Beside b, a runs at half speed; b is done after 4 * 1.5 = 6 ms, of which a has used 3 of its 10."""
    predictor = ByPair({("a", "b"): 2.0, ("b", "a"): 1.5}, sd=0.1)
    a, b = Forecaster().finishes(view(predictor), [running("a", 0.010), running("b", 0.004)])
    assert b.finish_s == pytest.approx(1.006)
    assert a.finish_s == pytest.approx(1.006 + 0.007)
    assert (a.sd_s, b.sd_s) == pytest.approx((0.001, 0.0004))


def test_a_batch_that_should_have_finished_is_expected_now() -> None:
    a, b = Forecaster().finishes(view(Constant(2.0)), [running("a", 0.0), running("b", 0.004)])
    assert a.finish_s == pytest.approx(1.0)
    assert b.finish_s == pytest.approx(1.004)


def test_a_belief_is_asked_for_once() -> None:
    predictor, forecaster = ByPair({("a", "b"): 2.0, ("b", "a"): 1.5}), Forecaster()
    for _ in range(5):
        forecaster.finishes(view(predictor), [running("a", 0.010), running("b", 0.004)])
    assert predictor.asked == 2


class Watcher:
    """Sends every request at once and notes what the forecaster expects at each event."""

    def __init__(self) -> None:
        self.gpu = Forecaster()
        self.expected_s: list[list[float]] = []

    def decide(self, view: RehearsalView, event: Event) -> list[Dispatch]:
        self.gpu.follow(view, event)
        finishes = self.gpu.finishes(view, self.gpu.running())
        self.expected_s.append([round(forecast.finish_s, 9) for forecast in finishes])
        return [Dispatch((queue[0],)) for queue in view.queues.values() if queue][: view.free_slots]


def test_progress_is_followed_through_events() -> None:
    """Without a predictor, in a rehearsal (which has no interference), every forecast is right; work counts."""
    watcher = Watcher()
    requests = [request(0), request(1, "b", work=2.0)._replace(arrived_s=0.004), request(2)._replace(arrived_s=0.006)]
    Rehearsal(watcher, requests, 2, PROFILE).run()  # type: ignore[arg-type]
    # At 0, 4, 6 ms: what ran before the arrival. Then finishes: of 0 at 10 ms, which lets in 2; of 2; of 1.
    assert watcher.expected_s == [[], [0.010], [0.010, 0.024], [0.024], [0.024], []]


def test_progress_beside_a_co_runner_is_slower() -> None:
    """Both take 10 ms alone, side by side from 0 on; believed twice as slow, 3 ms on half of 3 ms is done."""
    forecaster, seen = Forecaster(), view(Constant(2.0))
    rehearsal = Rehearsal(Watcher(), [request(0), request(1, "b")], 2, PROFILE)  # type: ignore[arg-type]
    rehearsal.run(most_events=2)
    seen.residents = rehearsal.view.residents
    seen.now_s = 0.0
    forecaster.follow(seen, None)  # type: ignore[arg-type]
    seen.now_s = 0.003
    forecaster.follow(seen, None)  # type: ignore[arg-type]
    assert [each.left_s for each in forecaster.running()] == pytest.approx([0.0085, 0.0085])


class Foreteller:
    """Says that those that run take 1, 2, ... ms, and those that join 10, 11, ...; notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[tuple[str, float]], list[str], list[tuple[str, float, float]]]] = []

    def finishes_s(
        self, running: Sequence[CoRunner], joining: Sequence[Member] = (), gone: Sequence[Gone] = ()
    ) -> list[float]:
        left = [(each.member.model, round(each.dispatched_ago_s, 9), round(each.left_ago_s, 9)) for each in gone]
        beside = [(each.member.model, round(each.elapsed_s, 9)) for each in running]
        self.asked.append((beside, [member.model for member in joining], left))
        return [0.001 * (i + 1) for i in range(len(running))] + [0.010 + 0.001 * i for i in range(len(joining))]


def test_a_predictor_that_tells_finishes_is_asked_for_them() -> None:
    """a from 0, b from 4 ms, a again from 10; of those that left, only company of those that run is told."""
    predictor, watcher = Foreteller(), Watcher()
    requests = [request(0), request(1, "b", work=2.0)._replace(arrived_s=0.004), request(2)._replace(arrived_s=0.006)]
    rehearsal = Rehearsal(watcher, requests, 2, PROFILE)  # type: ignore[arg-type]
    rehearsal.view.predictor = predictor
    rehearsal.run()
    assert watcher.expected_s == [[], [0.005], [0.007, 0.008], [0.011], [0.021], []]
    assert predictor.asked == [  # nothing while nobody is there
        ([("a", 0.004)], [], []),
        ([("a", 0.006), ("b", 0.002)], [], []),
        ([("b", 0.006)], [], [("a", 0.01, 0.0)]),
        ([("b", 0.016)], [], [("a", 0.02, 0.01), ("a", 0.01, 0.0)]),
    ]
    seen = view(predictor)
    here, joins = running("a", 0.010)._replace(dispatched_s=0.997), running("b", 0.010)
    assert [forecast.finish_s for forecast in Forecaster().finishes(seen, [here, joins])] == pytest.approx(
        [1.001, 1.01]
    )
    assert predictor.asked[-1] == ([("a", 0.003)], ["b"], [])
