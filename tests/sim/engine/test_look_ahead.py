"""A contention model run forward from what a server sees, against cases worked out by hand and the engine."""

import pickle

import pytest
from worlds import kernel, profile_of

from isim.engine.look_ahead import LookAhead
from isim.engine.members import members_of
from isim.errors import ContentionError, PredictorError
from isim.operations import Operations
from isim.policies.predictors.predictor import CoRunner, Gone, Member, Stay
from isim.sharing_modes import Sharing

PROFILE = profile_of(
    {
        ("a", 1): [kernel(10_000_000)],
        ("b", 1): [kernel(4_000_000)],
        ("c", 1): [kernel(1_000_000, gap_ns=1_000_000)] * 2,
    }
)
OPERATIONS = Operations(PROFILE, ["a", "b", "c"])
MEMBERS = {model: member for (model, _), member in members_of(OPERATIONS, Sharing()).items()}
A, B, C = (MEMBERS[model] for model in "abc")
MS = 1e-3


def fair(slots: int = 2) -> LookAhead:
    """Two kernels that both fill the SMs run at half speed each."""
    predictor = LookAhead("fair")
    predictor.use(OPERATIONS, Sharing(), slots)
    return predictor


def test_at_dispatch() -> None:
    assert fair().predict(A, []).slowdown == 1.0
    # a has run 2 of its 10 ms; b takes 8 ms beside it, in which a does 4; the last 4 ms of a run alone.
    found = fair().finishes(B, [CoRunner(A, 2 * MS)])
    assert found.target_s == pytest.approx(8 * MS, rel=1e-12)
    assert found.co_runners_s == pytest.approx((12 * MS,), rel=1e-12)
    assert fair().predict(B, [CoRunner(A, 2 * MS)]).slowdown == pytest.approx(2.0, rel=1e-12)


def test_three_residents_started_one_after_another() -> None:
    # a alone 3 ms; a and b share from 3 to 5 ms (1 ms each); from then three: b's 3 ms last 9, c's gaps hold nothing.
    found = fair(3).finishes(C, [CoRunner(A, 5 * MS), CoRunner(B, 2 * MS)])
    # c: gap 1 ms (others at 1/2: b 2.5, a 5.5 left); kernel at 1/3 for 3 ms (b 1.5, a 4.5); gap 1 ms (b 1, a 4);
    # kernel at 1/3 for 3 ms, in which b ends: done at 8 ms.
    assert found.target_s == pytest.approx(8 * MS, rel=1e-12)
    assert found.co_runners_s == pytest.approx((11 * MS, 8 * MS), rel=1e-12)


def test_with_hindsight() -> None:
    stays = [Stay(2 * MS, ()), Stay(8 * MS, (B,)), Stay(4 * MS, ())]
    assert fair().predict(A, (), stays).slowdown == pytest.approx(1.4, rel=1e-12)


def test_one_that_left_earlier_than_believed_is_taken_off() -> None:
    # b would take 8 ms beside a, but left after 3: a did 1.5 ms of its 10 by then.
    stays = [Stay(3 * MS, (B,)), Stay(8.5 * MS, ())]
    assert fair().predict(A, (), stays).slowdown == pytest.approx(1.15, rel=1e-12)


def test_while_it_runs() -> None:
    # a alone for 2 ms, then beside b, which has run for 6 of its 8 ms there.
    found = fair().finishes(A, [CoRunner(B, 6 * MS)], [Stay(2 * MS, ()), Stay(6 * MS, (B,))])
    assert found.target_s == pytest.approx(6 * MS, rel=1e-12)  # of 14
    assert found.co_runners_s == pytest.approx((2 * MS,), rel=1e-12)
    # One that should have been done is done now.
    late = fair().finishes(A, [CoRunner(B, 9 * MS)])
    assert late.co_runners_s == (0.0,)
    assert late.target_s == pytest.approx(10 * MS, rel=1e-12)


def test_all_that_run_and_those_that_would_join() -> None:
    # a has run 2 of its 10 ms; two b then take thirds: 4 ms each in 12, in which a does 4; the last 4 by itself.
    found = fair(3).finishes_s([CoRunner(A, 2 * MS)], [B, B])
    assert found == pytest.approx((16 * MS, 12 * MS, 12 * MS), rel=1e-12)
    assert fair().finishes_s([CoRunner(A, 2 * MS)]) == pytest.approx((8 * MS,), rel=1e-12)
    assert fair().finishes_s([]) == []
    assert fair().finishes_s([CoRunner(B, 9 * MS)]) == [0.0]  # it should have been done


def test_those_that_left_slowed_those_that_run() -> None:
    # a from -8 ms; b beside it from -6 to -2, in which a did 2 of 4 ms: so a has done 6, and 4 are left.
    assert fair().finishes_s([CoRunner(A, 8 * MS)], gone=[Gone(B, 6 * MS, 2 * MS)]) == pytest.approx(
        (4 * MS,), rel=1e-12
    )


def test_more_batches_than_there_are_slots() -> None:
    asked = [CoRunner(A), CoRunner(A), CoRunner(A)]
    assert fair(2).predict(A, asked).slowdown == pytest.approx(4.0, rel=1e-12)


def test_answers_do_not_depend_on_earlier_questions() -> None:
    predictor = LookAhead("fair")
    predictor.use(OPERATIONS, Sharing("time-slicing"), 2)
    first = predictor.finishes(C, [CoRunner(A, MS)])
    predictor.finishes(B, [CoRunner(A, 2 * MS)], [Stay(MS, (C,))])
    assert predictor.finishes(C, [CoRunner(A, MS)]) == first


def test_refusals() -> None:
    with pytest.raises(PredictorError, match="look-ahead: knows no kernels"):
        LookAhead().predict(A, [])
    with pytest.raises(ContentionError, match="did you mean fair"):
        LookAhead("fiar")
    no_memory = Operations(profile_of({("a", 1): [kernel(1_000_000, sm=1.0)]}), ["a"])
    with pytest.raises(ContentionError, match="column 'l2'"):
        LookAhead("roofline").use(no_memory, Sharing(), 2)
    with pytest.raises(PredictorError, match="look-ahead: no measurement of x at batch size 1"):
        fair().predict(Member("x", 1, 1.0, {}), [])


def test_it_can_be_sent_to_another_process() -> None:
    again = pickle.loads(pickle.dumps(fair()))
    assert again.predict(B, [CoRunner(A, 2 * MS)]).slowdown == pytest.approx(2.0, rel=1e-12)
