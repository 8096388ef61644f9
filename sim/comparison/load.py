"""The same requests at another load: the rates of generated ones, the tempo of recorded ones."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from isim.building.inputs import Inputs, load_inputs
from isim.comparison.axis import Met, narrowed
from isim.errors import ExperimentError
from isim.experiment import Experiment
from isim.profiler.profile import Profile
from isim.traces.trace import Trace

_STEPS = 128
"""To double the load; a step is 0.5 %."""
_MOST = 6 * _STEPS
_APART = _STEPS // 4
"""Steps between the loads of a curve: 19 %."""
_BEYOND = 2
"""Loads of a curve below the lowest and above the highest capacity."""


@dataclass(frozen=True)
class Load:
    """Vary the load, for the highest that is sustained."""

    rate_rps: float
    """That of the experiment as it is written: step 0."""

    name: ClassVar[str] = "load"
    higher_is_better: ClassVar[bool] = True

    def at(self, experiment: Experiment, profile: Profile, step: int) -> tuple[Experiment, Inputs]:
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
        scaled = scale_time(TraceStream.of(inputs.trace), factor(step)).collected()
        return experiment, inputs._replace(trace=scaled)

    def find(self, met: Met, variant: str, requirement: str) -> int | None:
        """Double or halve the load until one keeps the requirement and its double does not; bisect to a step."""
        if met(0):
            for high in range(_STEPS, _MOST + 1, _STEPS):
                if not met(high):
                    return narrowed(high - _STEPS, high, lambda step: not met(step))[0]
            raise ExperimentError(
                f"capacity: {requirement} holds of {variant} at {factor(_MOST):g} times the load (nothing breaks it); "
                "start from a higher rate, or set an objective with --slo"
            )
        for low in range(-_STEPS, -_MOST - 1, -_STEPS):
            if met(low):
                return narrowed(low, low + _STEPS, lambda step: not met(step))[0]
        return None

    def value(self, step: int | None) -> float:
        """Return the rate of a step; 0 where no load keeps the requirement."""
        return 0.0 if step is None else self.rate_rps * factor(step)

    def curve(self, found: Iterable[int | None]) -> Sequence[int]:
        """Return steps 19 % apart."""
        known = [step for step in found if step is not None] or [0]
        lowest = math.floor(min(known) / _APART) - _BEYOND + 1
        highest = math.ceil((max(known) + 1) / _APART) + _BEYOND - 1
        return [number * _APART for number in range(lowest, highest + 1)]

    def described(self, description: Mapping[str, Any]) -> dict[str, Any]:
        """Return the description as it is: the load of the experiment as written says what is varied."""
        return dict(description)


def factor(step: int) -> float:
    """Return by what the load is multiplied at a step.

    Examples
    --------
    >>> factor(-128), factor(0), factor(64)
    (0.5, 1.0, 1.4142135623730951)
    """
    return float(2.0 ** (step / _STEPS))


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
        f"capacity: no load to change (found {found}); give arrivals with a rate, or a trace that fits in memory; or "
        "search the fewest GPUs with --over gpus"
    )
