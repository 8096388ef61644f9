"""Find a predictor by name or in a file, and build it."""

from typing import Any

from isim.errors import PredictorError
from isim.plugins import check_methods, load_plugin, parse_plugin
from isim.policies.predictors.predictor import Predictor

GROUP = "isim.predictors"
_METHODS = {"predict": "target, co_runners, so_far=()", "learn": "observation"}


def parse_predictor(spec: str) -> tuple[type[Any], dict[str, Any]]:
    """Return the class and the parameters that `spec` names, without building the predictor.

    Raises
    ------
    PredictorError
        The predictor or a parameter is unknown, or a value is not of the parameter's type; all problems at once.

    Examples
    --------
    >>> parse_predictor("constant:slowdown=1.2")[1]
    {'slowdown': 1.2}
    """
    return parse_plugin("predictor", GROUP, spec, PredictorError)


def make_predictor(spec: str) -> Predictor:
    """Build the predictor that `spec` names.

    Parameters
    ----------
    spec
        A name, or `path/to/file.py:Class`, then parameters: `constant:slowdown=1.2`.

    Raises
    ------
    PredictorError
        The predictor is unknown, its file or class has a fault, or a parameter is wrong; all problems at once.

    Examples
    --------
    >>> make_predictor("constant:slowdown=1.2").slowdown
    1.2
    """
    predictor: Predictor = load_plugin("predictor", GROUP, spec, PredictorError)
    check_methods(predictor, f"predictor {spec}", _METHODS, PredictorError)
    return predictor
