"""Find an arrival process by name or in a file, and build it."""

from typing import Any

from isim.errors import TraceError
from isim.plugins import load_plugin
from isim.traces.generators.process import ArrivalProcess

GROUP = "isim.arrivals"


def make_source(spec: str) -> Any:
    """Build what `spec` names: an arrival process, or a source of requests that needs a simulation.

    Raises
    ------
    TraceError
        As `make_process`.

    Examples
    --------
    >>> make_source("gamma:cv=4").cv
    4.0
    """
    return load_plugin("arrival process", GROUP, spec, TraceError)


def make_process(spec: str) -> ArrivalProcess:
    """Build the arrival process that `spec` names.

    Parameters
    ----------
    spec
        A name, or `path/to/file.py:Class`, then parameters: `mmpp:burst_ratio=10,burst_share=0.1,cycle=20s`.

    Raises
    ------
    TraceError
        The process is unknown, its file or class has a fault, or a parameter is wrong; all problems at once.

    Examples
    --------
    >>> make_process("on-off:on=200ms,off=1s").off_s
    1.0
    """
    process = make_source(spec)
    if isinstance(process, ArrivalProcess):
        return process
    if callable(getattr(process, "workload", None)):
        raise TraceError(
            f"arrival process {spec}: no trace can hold it (it needs a simulation to run); "
            "give it to 'isim run --arrivals'"
        )
    raise TraceError(
        f"arrival process {spec}: no method arrivals_ns (found a {type(process).__name__}); "
        "add arrivals_ns(self, rng, rate_rps, duration_ns)"
    )
