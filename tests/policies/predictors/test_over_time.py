"""Readings of a batch's overlaps over time, each worked out by hand."""

import pytest

from isim.errors import PredictorError
from isim.policies.predictors.learned.rls import Rls
from isim.policies.predictors.over_time.ewma import Ewma
from isim.policies.predictors.over_time.overlap import Overlap
from isim.policies.predictors.over_time.remaining import Remaining
from isim.policies.predictors.over_time.static import Static
from isim.policies.predictors.predictor import CoRunner, Member, Observation, Stay

A = Member("a", 1, 0.010, {"sm": 0.5, "l2": 0.2, "dram": 0.1})
B = Member("b", 1, 0.004, {"sm": 0.4, "memory": 0.3})
C = Member("c", 1, 0.020, {"sm": 0.1, "l2": 0.1, "dram": 0.9})


def constant(target: Member, others: object) -> float:
    return 2.0 if others else 1.0


def test_static_knows_the_state_at_dispatch_alone() -> None:
    assert Static().ahead(A, [CoRunner(C)], [Stay(0.001, (B,))], constant) == [(1.0, (B,))]
    assert Static().ahead(A, [CoRunner(C)], [], constant) == [(1.0, (C,))]


def test_ewma_counts_changes_and_not_stays() -> None:
    """B, B again, C: s = (1 - 0.25) B + 0.25 C."""
    stays = [Stay(0.001, (B,)), Stay(0.001, (B,)), Stay(0.005, (C,))]
    assert Ewma(0.25).behind(stays) == [(0.75, (B,)), (0.25, (C,))]
    assert Ewma(0.25).ahead(A, [CoRunner(C)], stays[:2], constant) == [(0.75, (B,)), (0.25, (C,))]


def test_ewma_of_predictions_learns_from_the_state_at_dispatch() -> None:
    assert Ewma(0.25, of_predictions=True).behind([Stay(0.001, (B,)), Stay(0.005, (C,))]) == [(1.0, (B,))]


def test_overlap_lets_the_present_last() -> None:
    """4 of 10 ms are over: C for the other 6."""
    weighed = Overlap().ahead(A, [CoRunner(C)], [Stay(0.004, (B,))], constant)
    assert weighed == [(pytest.approx(0.4), (B,)), (pytest.approx(0.6), (C,))]


def test_remaining_lets_co_runners_leave() -> None:
    """B has run 2 ms at half speed (beside none: full), so 2 of 4 ms of work are left, 4 ms at half speed; by then A
    has done 2 ms of its 10, and does the other 8 alone: 4 ms beside B, 8 ms alone."""
    weighed = Remaining().ahead(A, [CoRunner(B, 0.002)], [], constant)
    assert weighed == [(pytest.approx(4 / 12), (B,)), (pytest.approx(8 / 12), ())]


def test_remaining_knows_what_was_done() -> None:
    """6 ms beside C at half speed did 3 of 10 ms; the other 7 are alone."""
    weighed = Remaining().ahead(A, [], [Stay(0.006, (C,))], constant)
    assert weighed == [(pytest.approx(6 / 13), (C,)), (pytest.approx(7 / 13), ())]


@pytest.mark.parametrize("reading", [Static(), Ewma(0.5), Overlap(), Remaining()], ids=lambda r: type(r).__name__)
def test_a_finished_batch_is_asked_about_as_it_was_learned_from(reading: Static) -> None:
    stays = [Stay(0.004, (B,)), Stay(0.009, (C,))]
    assert reading.ahead(A, [], stays, constant) == reading.behind(stays)


def test_the_papers_six_features() -> None:
    """Own SM, L2, DRAM, then those beside, of B for a quarter and of C for three quarters of the time, and 1."""
    predictor = Rls(features="overlap")
    overlaps = Overlap().behind([Stay(0.001, (B,)), Stay(0.003, (C,))])
    beside = [0.25 * 0.4 + 0.75 * 0.1, 0.25 * 0.3 + 0.75 * 0.1, 0.25 * 0.3 + 0.75 * 0.9]
    assert predictor._features(A, overlaps) == pytest.approx([0.5, 0.2, 0.1, *beside, 1.0])


def test_several_co_runners_add_up() -> None:
    features = Rls(features="static")._features(A, Static().behind([Stay(0.001, (B, C))]))
    assert features[3:6] == pytest.approx([0.5, 0.4, 1.2])


def test_an_unmeasured_resource_is_named() -> None:
    with pytest.raises(PredictorError) as error:
        Rls().predict(Member("d", 8, 0.001, {"l2": 0.5, "dram": 0.4}), [])
    assert str(error.value) == (
        "predictor rls: sm of d at batch size 8 was not measured in 0..1 (has: dram 0.4, l2 0.5); "
        "profile it with counters, or name the resources to use with resources=a/b"
    )


def test_training_standardises_and_goes_on_from_there() -> None:
    """After training on y = 1 + sm beside, the same is known of new batches, before and after learning more."""
    batches = [
        Observation(
            A,
            0.010 * (1 + use),
            [Stay(0.010 * (1 + use), (Member("x", n, 0.01, {"sm": use, "l2": 0, "dram": 0}),))],
            0.010,
        )
        for n, use in enumerate((0.1, 0.3, 0.5, 0.7), start=1)
    ]
    predictor = Rls(forgetting=1.0, regulariser=1e-6)
    predictor.fit(batches)
    asked = Member("y", 1, 0.01, {"sm": 0.6, "l2": 0, "dram": 0})
    assert predictor.predict(A, [CoRunner(asked)]).slowdown == pytest.approx(1.6, abs=1e-4)
    predictor.learn(batches[0])
    assert predictor.predict(A, [CoRunner(asked)]).slowdown == pytest.approx(1.6, abs=1e-3)


def test_absolute_targets_tell_the_same_ratio() -> None:
    predictor = Rls(target="absolute", forgetting=1.0, regulariser=1e-6)
    for n, use in enumerate((0.1, 0.3, 0.5, 0.7), start=1):
        duration_s = 0.010 * (1 + use)
        beside = Member("x", n, 0.01, {"sm": use, "l2": 0, "dram": 0})
        predictor.learn(Observation(A, duration_s, [Stay(duration_s, (beside,))], 0.010))
    asked = Member("y", 1, 0.01, {"sm": 0.6, "l2": 0, "dram": 0})
    assert predictor.predict(A, [CoRunner(asked)]).slowdown == pytest.approx(1.6, abs=1e-4)
