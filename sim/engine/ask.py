"""Ask and teach a predictor, which may be anybody's code."""

import math
from collections.abc import Sequence

from isim.errors import IsimError, PredictorError
from isim.policies.predictors.predictor import CoRunner, Member, Observation, Prediction, Predictor, Stay


def ask(
    predictor: Predictor, spec: str, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay] = ()
) -> Prediction:
    """Return what a predictor says of a batch.

    Parameters
    ----------
    spec
        How to name it in errors.

    Raises
    ------
    PredictorError
        It raised, or said what no batch can be.

    Examples
    --------
    >>> from isim.policies.predictors.registry import make_predictor
    >>> ask(make_predictor("constant:slowdown=1.2"), "constant", Member("a", 1, 0.002, {}), ())
    Prediction(slowdown=1.0, sd=0.0)
    """
    try:
        said = predictor.predict(target, co_runners, so_far)
        slowdown, sd = said
        possible = 0.0 < slowdown < math.inf and 0.0 <= sd < math.inf
    except IsimError:
        raise
    except Exception as error:
        raise _raised(spec, "predict", target, error) from error
    if not possible:
        raise PredictorError(
            f"predictor {spec}: predicted of a batch of {target.model} what none can be (found {said!r}); return a "
            "Prediction with a slowdown above 0 and a standard deviation of at least 0"
        )
    return said


def teach(predictor: Predictor, spec: str, observation: Observation) -> None:
    """Let a predictor learn from a batch that finished.

    Raises
    ------
    PredictorError
        It refused the observation, or raised.
    """
    try:
        predictor.learn(observation)
    except IsimError:
        raise
    except Exception as error:
        raise _raised(spec, "learn", observation.target, error) from error


def train(predictor: Predictor, spec: str, observations: Sequence[Observation]) -> None:
    """Train a predictor before its first prediction: by `fit` if it has one, else observation by observation.

    Raises
    ------
    PredictorError
        It refused an observation, or raised.
    """
    fit = getattr(predictor, "fit", None)
    if fit is None:
        for observation in observations:
            teach(predictor, spec, observation)
        return
    try:
        fit(observations)
    except IsimError:
        raise
    except Exception as error:
        raise _raised(spec, "fit", observations[0].target, error) from error


def _raised(spec: str, method: str, target: Member, error: Exception) -> PredictorError:
    return PredictorError(
        f"predictor {spec}: {method} raised {type(error).__name__} ({error}) of a batch of {target.model}; "
        "correct the predictor"
    )
