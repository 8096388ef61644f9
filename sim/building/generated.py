"""The requests that an experiment generates instead of reading them."""

import re

from isim.building.experiment_keys import ExperimentKeys
from isim.building.request_keys import Arrivals
from isim.errors import TraceError
from isim.traces.generators.registry import make_source
from isim.traces.make import Tenant, superpose
from isim.traces.trace import Trace
from isim.workload.mlperf import Scenario

MOST_GENERATED = 5e7
"""Some 4 GiB of them."""


def named_models(arrivals: Arrivals) -> tuple[str, ...] | None:
    """Return the models that generated requests name; None if they name all of the profile.

    Examples
    --------
    >>> named_models(Arrivals(rate="5rps", models={"bert": 1})), named_models(Arrivals(rate="5rps"))
    (('bert',), None)
    """
    senders = [arrivals] if arrivals.tenants is None else list(arrivals.tenants.values())
    named = [sender.models or arrivals.models for sender in senders]
    if any(models is None for models in named):
        return None
    return tuple(dict.fromkeys(model for models in named for model in models or ()))


def generated_requests(experiment: ExperimentKeys, models: tuple[str, ...]) -> Trace | Scenario:
    """Make the requests that the arrivals of an experiment describe, or the scenario that will send them.

    Parameters
    ----------
    models
        Those that share the rate where the arrivals name none.

    Raises
    ------
    TraceError
        A process is unknown, a number out of range, or there are too many requests to hold.

    Examples
    --------
    >>> generated_requests(ExperimentKeys(arrivals={"rate": "100rps", "duration": "1s"}), ("bert",))
    <Trace: 91 requests to bert>
    """
    arrivals = experiment.arrivals
    assert arrivals is not None
    of_all = arrivals.models or {m: 1.0 for m in models if m not in {step.model for step in experiment.then}}
    if arrivals.tenants is not None:
        tenants = [
            Tenant(name, sender.process, sender.rate_rps, sender.models or of_all, sender.bursts)
            for name, sender in arrivals.tenants.items()
        ]
    else:
        if isinstance(scenario := make_source(arrivals.process), Scenario):
            return scenario
        tenants = [Tenant("", arrivals.process, arrivals.rate_rps or 0.0, of_all, arrivals.bursts)]
    expected = sum(tenant.rate_rps for tenant in tenants) * arrivals.duration_s
    if expected > MOST_GENERATED:
        raise TraceError(
            f"arrivals: too many requests to hold (found {expected:.3g}, at most {MOST_GENERATED:.3g}); lower the rate "
            "or the duration"
        )
    try:
        return superpose(tenants, duration_ns=round(arrivals.duration_s * 1e9), seed=experiment.seed)
    except TraceError as error:
        raise TraceError(*(re.sub("^trace: ", "arrivals: ", problem) for problem in error.problems)) from None
