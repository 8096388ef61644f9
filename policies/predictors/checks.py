"""Check what every predictor must hold, as a user's own is checked before its first run.

Each check builds fresh predictors, asks and teaches them seeded batches, and raises an `AssertionError` that names the
check, what happened and what to change. Run `check_predictor`, or the checks one by one as tests.
"""

import copy
import math
import pickle
from collections.abc import Callable, Sequence
from typing import NoReturn

from isim.errors import IsimError, PredictorError
from isim.plugins import parameters_not_kept
from isim.policies.predictors.predictor import Observation, Predictor
from isim.policies.predictors.rehearsed import Question, hard_batches, questions, rehearsed_batches

MakePredictor = Callable[[], Predictor]
_LEAST_SLOWDOWN = 0.5
"""Of a prediction: no co-runner makes a batch twice as fast."""
_OTHER_GPU = 1.5
"""Of each resource, what the same models ask for there."""


def check_predictor(make_predictor: MakePredictor) -> None:
    """Run every check.

    Parameters
    ----------
    make_predictor
        Returns a fresh predictor: its class, or a function that builds it.

    Raises
    ------
    AssertionError
        A check fails.

    Examples
    --------
    >>> from isim.policies.predictors.mean import Mean
    >>> check_predictor(Mean)
    """
    for check in PREDICTOR_CHECKS:
        check(make_predictor)


def check_parameters_are_stored(make_predictor: MakePredictor) -> None:
    """The constructor stores its parameters under their own names, so that a run can record them."""
    predictor = make_predictor()
    for name in parameters_not_kept(predictor):
        _fail("check_parameters_are_stored", f"parameter {name} is not kept; set self.{name} = {name} in __init__")


def check_predicts(make_predictor: MakePredictor) -> None:
    """Every question has an answer, before anything was learned and after: finite, and a slowdown of at least 0.5."""
    predictor = make_predictor()
    _ask("check_predicts", predictor, "before it learned anything")
    for batch in rehearsed_batches(60):
        _teach("check_predicts", predictor, batch)
    _ask("check_predicts", predictor, "after 60 batches")


def check_predict_is_pure(make_predictor: MakePredictor) -> None:
    """Being asked changes nothing: neither an answer given later, nor what is learned, nor what was passed in."""
    asked, unasked, asked_elsewhere = make_predictor(), make_predictor(), make_predictor()
    for question in questions(used=_OTHER_GPU):
        _answer("check_predict_is_pure", asked_elsewhere, question, "about another GPU")
    for batch in rehearsed_batches(40):
        before = copy.deepcopy(questions())
        first = _ask("check_predict_is_pure", asked, "while it learned")
        if _ask("check_predict_is_pure", asked, "again") != first:
            _fail("check_predict_is_pure", "a second answer differs from the first; let predict change nothing")
        if repr(questions()) != repr(before):
            _fail("check_predict_is_pure", "predict changed what it was given; copy what it needs")
        for predictor in (asked, unasked, asked_elsewhere):
            _teach("check_predict_is_pure", predictor, batch)
    if _ask("check_predict_is_pure", asked, "") != _ask("check_predict_is_pure", unasked, ""):
        _fail("check_predict_is_pure", "a predictor that was asked in between learned otherwise; keep predict pure")
    if _ask("check_predict_is_pure", asked_elsewhere, "") != _ask("check_predict_is_pure", unasked, ""):
        text = "asked first about another GPU's profile of the same models, it answers otherwise"
        _fail("check_predict_is_pure", f"{text}; keep nothing of a profile by names alone (see ProfileKeys)")


def check_knows_no_future(make_predictor: MakePredictor) -> None:
    """What another predictor learns, or this one learns later, is in no answer given before."""
    batches = rehearsed_batches(40)
    reference = [_ask("check_knows_no_future", make_predictor(), "at the start")]
    for seed in (1, 2):
        predictor, said = make_predictor(), []
        said.append(_ask("check_knows_no_future", predictor, "at the start"))
        for batch in (*batches[:20], *rehearsed_batches(40, seed=seed)):
            _teach("check_knows_no_future", predictor, batch)
            said.append(_ask("check_knows_no_future", predictor, "while it learned"))
        if said[0] != reference[0] or (len(reference) > 1 and said[:21] != reference[:21]):
            _fail("check_knows_no_future", "answers differ by what is learned later; share nothing between predictors")
        reference = said


def check_repeatable(make_predictor: MakePredictor) -> None:
    """Two fresh predictors taught the same answer the same: all luck comes from a seed."""
    one, other = make_predictor(), make_predictor()
    _compare("check_repeatable", one, other, "draw luck from a seed that is a parameter")


def check_pickles(make_predictor: MakePredictor) -> None:
    """A used predictor survives pickling and then learns and answers the same, so that runs can be spread."""
    predictor = make_predictor()
    for batch in rehearsed_batches(30):
        _teach("check_pickles", predictor, batch)
    try:
        twin = pickle.loads(pickle.dumps(predictor))
    except Exception as error:
        cure = "keep lambdas, locks and open files out of the predictor"
        _fail("check_pickles", f"{type(error).__name__}: {error}; {cure}", error)
    _compare("check_pickles", predictor, twin, "let an unpickled predictor keep all its state")


def check_refuses_the_impossible(make_predictor: MakePredictor) -> None:
    """A batch whose times cannot be raises a PredictorError, and nothing is learned from it."""
    predictor = make_predictor()
    batch = rehearsed_batches(1)[0]
    before = _ask("check_refuses_the_impossible", predictor, "")
    for value in (math.nan, math.inf, 0.0, -batch.solo_s, 1e6 * batch.solo_s, 1e-6 * batch.solo_s):
        wrongs = {"duration_s": batch._replace(duration_s=value), "solo_s": batch._replace(solo_s=value)}
        for name, wrong in wrongs.items():
            try:
                predictor.learn(wrong)
            except PredictorError:
                continue
            except Exception as error:
                text = f"learn raised {type(error).__name__} ({error}) at {name}={value!r}"
                _fail("check_refuses_the_impossible", f"{text}; raise a PredictorError", error)
            text = f"learn took {name}={value!r} (the other about {batch.solo_s:.3g})"
            _fail("check_refuses_the_impossible", f"{text}; call check_observation first")
    if _ask("check_refuses_the_impossible", predictor, "") != before:
        _fail("check_refuses_the_impossible", "something was learned from a refused batch; check before changing state")


def check_stays_finite(make_predictor: MakePredictor) -> None:
    """Batches that contradict each other wildly leave it with answers that are numbers."""
    predictor = make_predictor()
    for batch in hard_batches(400):
        _teach("check_stays_finite", predictor, batch)
    _ask("check_stays_finite", predictor, "after 400 batches that contradict each other")


def check_memory_is_bounded(make_predictor: MakePredictor) -> None:
    """Ten times the batches do not make it twice as large: nothing is kept a batch without end."""
    sizes = []
    for count in (300, 3000):
        predictor = make_predictor()
        for batch in rehearsed_batches(count):
            _teach("check_memory_is_bounded", predictor, batch)
        sizes.append(len(pickle.dumps(predictor)))
    if sizes[1] > 2 * sizes[0] + 4096:
        text = f"it grew from {sizes[0]} to {sizes[1]} bytes with 10 times the batches"
        _fail("check_memory_is_bounded", f"{text}; keep sums, or the latest few")


PREDICTOR_CHECKS: tuple[Callable[[MakePredictor], None], ...] = (
    check_parameters_are_stored,
    check_predicts,
    check_predict_is_pure,
    check_knows_no_future,
    check_repeatable,
    check_pickles,
    check_refuses_the_impossible,
    check_stays_finite,
    check_memory_is_bounded,
)


def _compare(check: str, one: Predictor, other: Predictor, cure: str) -> None:
    for batch in rehearsed_batches(40, seed=3):
        for predictor in (one, other):
            _teach(check, predictor, batch)
        if _ask(check, one, "") != _ask(check, other, ""):
            _fail(check, f"two predictors that saw the same answer otherwise; {cure}")


def _ask(check: str, predictor: Predictor, when: str) -> list[tuple[float, float]]:
    return [_answer(check, predictor, question, when) for question in questions()]


def _answer(check: str, predictor: Predictor, question: Question, when: str) -> tuple[float, float]:
    try:
        slowdown, sd = predictor.predict(*question)
    except IsimError:
        raise  # says what to do by itself
    except Exception as error:
        text = f"predict raised {type(error).__name__} ({error}) {when}"
        _fail(check, f"{text}; it must return a Prediction at any time", error)
    if not _LEAST_SLOWDOWN <= slowdown < math.inf or not 0.0 <= sd < math.inf:
        text = f"predicted slowdown {slowdown!r}, sd {sd!r} {when} of {question!r:.200}"
        _fail(check, f"{text}; hold the slowdown to at least {_LEAST_SLOWDOWN} and both to finite numbers")
    return float(slowdown), float(sd)


def _teach(check: str, predictor: Predictor, batch: Observation) -> None:
    stays: Sequence[object] = tuple(batch.stays)
    try:
        predictor.learn(batch)
    except IsimError:
        raise
    except Exception as error:
        text = f"learn raised {type(error).__name__} ({error}) on {batch!r:.200}"
        _fail(check, f"{text}; it must take any batch that can be", error)
    if tuple(batch.stays) != stays:
        _fail(check, "learn changed the stays it was given; copy them")


def _fail(check: str, what: str, cause: Exception | None = None) -> NoReturn:
    raise AssertionError(f"{check}: {what}") from cause
