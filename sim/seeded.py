"""Build a predictor whose randomness belongs to a run."""

import inspect

from isim.policies.predictors.predictor import Predictor
from isim.policies.predictors.registry import make_predictor, parse_predictor


def make_seeded(spec: str, seed: int) -> Predictor:
    """Build a predictor, with this seed if its class takes one that the spec leaves open.

    Raises
    ------
    PredictorError
        It is unknown, or a parameter is wrong.
    """
    target, parameters = parse_predictor(spec)
    if "seed" in inspect.signature(target).parameters and "seed" not in parameters:
        spec = f"{spec.rstrip(': ')}{',' if parameters else ':'}seed={seed}"
    return make_predictor(spec)
