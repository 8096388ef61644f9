"""Make the requests of an experiment without simulating them."""

from pathlib import Path
from typing import Any

from isim.building.inputs import load_inputs
from isim.errors import ExperimentError
from isim.experiment import Experiment
from isim.traces.generators.registry import make_process
from isim.traces.trace import Trace


def make_arrivals(toml: str | Path, **flags: Any) -> Trace:
    """Make the requests that an experiment generates, as a trace.

    Parameters
    ----------
    toml
        The experiment file.
    flags
        As of `Experiment.from_flags`.

    Raises
    ------
    IsimError
        The experiment is not valid, generates no requests, or none that a trace can hold.

    Examples
    --------
    >>> _ = Path("e.toml").write_text('[arrivals]\\nrate = "100rps"\\nduration = "1s"\\nmodels = { vgg19 = 1 }\\n')
    >>> make_arrivals("e.toml", seed=1)
    <Trace: 108 requests to vgg19>
    """
    experiment = Experiment.from_flags(toml, **flags)
    if experiment.arrivals is None:
        raise ExperimentError(f"{toml}: generates no requests (found no arrivals); add a table [arrivals]")
    trace = load_inputs(experiment).trace
    if not isinstance(trace, Trace):
        make_process(experiment.arrivals.process)  # says why
    assert isinstance(trace, Trace)
    return trace
