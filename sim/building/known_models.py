"""Whether there are the models that an experiment names besides those of its requests."""

import difflib
from collections.abc import Iterable, Mapping

from isim.errors import ExperimentError
from isim.policies.names_models import NamesModels


def check_known(named: Mapping[str, str], models: Iterable[str]) -> None:
    """Check that there are the models that are named.

    Parameters
    ----------
    named
        The model that is named at each place.
    models
        Those that there are.

    Raises
    ------
    ExperimentError
        There is no such model; all of them at once.

    Examples
    --------
    >>> check_known({"slo.bert": "bert"}, ["bert"])
    >>> check_known({"slo.brt": "brt"}, ["bert"])
    Traceback (most recent call last):
    isim.errors.ExperimentError: slo.brt: no such model (has: bert); did you mean bert?
    """
    known = sorted(models)
    problems = []
    for place, model in named.items():
        if model not in known:
            near = difflib.get_close_matches(model, known, 1)
            advice = f"did you mean {near[0]}?" if near else "correct the name"
            problems.append(f"{place}: no such model (has: {', '.join(known)}); {advice}")
    if problems:
        raise ExperimentError(*problems)


def check_named_models(policy: object, models: Iterable[str]) -> None:
    """Check that there are the models that a policy is told of, if it is told of any.

    Raises
    ------
    ExperimentError
        There is no such model; all of them at once.

    Examples
    --------
    >>> from isim.policies.orion import Orion
    >>> check_named_models(Orion(urgent=("brt",)), ["bert"])
    Traceback (most recent call last):
    isim.errors.ExperimentError: policy: urgent=brt: no such model (has: bert); did you mean bert?
    """
    if isinstance(policy, NamesModels):
        check_known({f"policy: {text}": model for text, model in policy.named_models().items()}, models)
