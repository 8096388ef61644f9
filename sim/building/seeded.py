"""Give what a spec names randomness that belongs to a run."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from isim.errors import IsimError
from isim.policies.predictors.predictor import Predictor
from isim.policies.predictors.registry import make_predictor, parse_predictor


def make_seeded(spec: str, seed: int) -> Predictor:
    """Build a predictor, with this seed if its class takes one that the spec leaves open.

    Raises
    ------
    PredictorError
        It is unknown, or a parameter is wrong.

    Examples
    --------
    >>> make_seeded("constant:slowdown=1.2", seed=7).slowdown
    1.2
    """
    return make_predictor(with_seed(parse_predictor, spec, seed))


def with_seed(parse: Callable[[str], tuple[type[Any], dict[str, Any]]], spec: str, seed: int) -> str:
    """Return a spec with this seed, if what it names takes one that it leaves open; else as it is.

    Parameters
    ----------
    parse
        Returns the class and the parameters of a spec.

    Examples
    --------
    >>> from isim.policies.registry import parse_policy
    >>> with_seed(parse_policy, "dynamic:max_batch=4", 7)
    'dynamic:max_batch=4'
    """
    for joint in (":", ","):  # before the first parameter, or after others
        seeded = f"{spec.rstrip(': ')}{joint}seed={seed}"
        with suppress(IsimError):
            if parse(seeded)[1].get("seed") == seed:
                return seeded
    return spec
