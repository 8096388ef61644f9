"""What was chosen for a run and says nothing, or may not hold there."""

from collections.abc import Iterator, Mapping
from typing import Any


def without_effect(description: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each price, or router, that was given and that nothing in the run asked for.

    Parameters
    ----------
    description
        What `run.json` says.

    Examples
    --------
    >>> parameters = {"sharing": "streams:launch=5us", "router": None}
    >>> [*without_effect({"parameters": parameters, "sharing": {"mode": "streams"}})]
    ['sharing streams:launch=5us: launch has no effect (the policy gates no kernel); leave it out']
    """
    parameters, charged = description["parameters"], description["sharing"]
    spec = parameters["sharing"]
    given = [part.partition("=")[0].strip() for part in spec.partition(":")[2].split(",")]
    reasons = {"launch": "the policy gates no kernel", "preemption": "no batch was preempted"}
    for name, reason in reasons.items():
        if name in given and f"{name}_s" not in charged:
            yield f"sharing {spec}: {name} has no effect ({reason}); leave it out"
    if parameters.get("router") is not None and "router" not in description:
        yield f"router {parameters['router']}: has no effect (one GPU); give more with --gpus, or leave it out"


def fitted_elsewhere(contention: str, fitted: object, mode: str) -> Iterator[str]:
    """Yield a sentence if a contention model is used under another sharing mode than it was fitted under.

    Parameters
    ----------
    contention
        The file.
    fitted
        The sharing whose measured mixes it was fitted to; None if it was not fitted, or does not say.
    mode
        The sharing mode; where it is `exclusive`, there is no contention.

    Examples
    --------
    >>> [*fitted_elsewhere("f.toml", "mps", "streams")]
    ["contention f.toml: fitted under sharing mps, used under streams; fit it with 'isim calibrate --sharing streams'"]
    >>> [*fitted_elsewhere("f.toml", "mps:shares", "mps")]
    []
    """
    if isinstance(fitted, str) and mode not in ("exclusive", fitted.partition(":")[0]):
        yield (
            f"contention {contention}: fitted under sharing {fitted}, used under {mode}; fit it with "
            f"'isim calibrate --sharing {mode}'"
        )
