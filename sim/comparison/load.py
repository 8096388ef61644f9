"""The same requests at another load: the rates of generated ones, the tempo of recorded ones."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from isim.building.inputs import Inputs, load_inputs
from isim.comparison.replication import figures_after, warm_up_of
from isim.errors import ExperimentError
from isim.experiment import Experiment
from isim.profiler.profile import Profile
from isim.traces.trace import Trace

STEPS = 128
"""To double the load; a step is 0.5 %."""


class Probe(NamedTuple):
    """A simulation at some load."""

    figures: dict[str, Any]
    """Of all requests together, without the warm-up."""
    description: dict[str, Any]


def factor(step: int) -> float:
    """Return by what the load is multiplied at a step.

    Examples
    --------
    >>> factor(-128), factor(0), factor(64)
    (0.5, 1.0, 1.4142135623730951)
    """
    return float(2.0 ** (step / STEPS))


def rate_rps(experiment: Experiment, inputs: Inputs) -> float:
    """Return the load of an experiment in requests per second.

    Raises
    ------
    ExperimentError
        Its requests have no rate that could be changed.
    """
    arrivals = experiment.arrivals
    if arrivals is not None and arrivals.tenants is not None:
        return sum(tenant.rate_rps for tenant in arrivals.tenants.values())
    if arrivals is not None and arrivals.rate_rps is not None:
        return arrivals.rate_rps
    if isinstance(inputs.trace, Trace) and inputs.trace.duration_ns:
        return len(inputs.trace) / inputs.trace.duration_ns * 1e9
    found = "clients" if experiment.clients is not None else experiment.trace or "a scenario without a rate"
    raise ExperimentError(
        f"capacity: no load to change (found {found}); give arrivals with a rate, or a trace that fits in memory"
    )


def probe(experiment: Experiment, profile: Profile, step: int) -> Probe:
    """Simulate an experiment at a load."""
    experiment, inputs = at_load(experiment, profile, step)
    with TemporaryDirectory(prefix="isim-") as temporary:
        run = experiment.run(Path(temporary) / "run", inputs=inputs)
        return Probe(figures_after(run, warm_up_of(run).end_s)["total"], run.description)


def at_load(experiment: Experiment, profile: Profile, step: int) -> tuple[Experiment, Inputs]:
    """Return an experiment and its inputs at a load; the pattern of the arrivals stays."""
    if (arrivals := experiment.arrivals) is not None:
        changes: dict[str, Any] = {"rate_rps": arrivals.rate_rps and arrivals.rate_rps * factor(step)}
        if arrivals.tenants is not None:
            changes["tenants"] = {
                name: tenant.model_copy(update={"rate_rps": tenant.rate_rps * factor(step)})
                for name, tenant in arrivals.tenants.items()
            }
        experiment = experiment.model_copy(update={"arrivals": arrivals.model_copy(update=changes)})
        return experiment, load_inputs(experiment, profile)
    from isim.traces.trace_stream import TraceStream
    from isim.traces.transforms.scale_time import scale_time

    inputs = load_inputs(experiment, profile)
    assert isinstance(inputs.trace, Trace)  # or there would be no rate
    return experiment, inputs._replace(trace=scale_time(TraceStream.of(inputs.trace), factor(step)).collected())
