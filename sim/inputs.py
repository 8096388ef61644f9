"""What an experiment reads or generates before it can run: the profile and the requests."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from isim.errors import ExperimentError, IsimError, ProfileError, TraceError
from isim.experiment_keys import ExperimentKeys, is_analytic
from isim.profiler.profile import Profile
from isim.traces.trace import Trace

ANALYTIC_BATCH_SIZES = range(1, 9)

_T = TypeVar("_T")


class Inputs(NamedTuple):
    """A profile and the requests to serve."""

    profile: Profile
    trace: Trace | None
    """None where clients send the requests."""
    models: tuple[str, ...]
    """Those that requests name."""


class Problems:
    """Collect what is wrong in several places, to say it all at once."""

    def __init__(self) -> None:
        self._errors: list[IsimError] = []

    def collect(self, call: Callable[[], _T]) -> _T | None:
        """Return what `call` returns, or None if it raises a user's error, which is kept."""
        try:
            return call()
        except IsimError as error:
            self._errors.append(error)
            return None

    def raise_any(self) -> None:
        """Raise what was collected, if anything: one error as it is, several in one.

        Raises
        ------
        IsimError
            Something was wrong.
        """
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            kinds = {type(error) for error in self._errors}
            kind = kinds.pop() if len(kinds) == 1 else ExperimentError
            raise kind(*dict.fromkeys(problem for error in self._errors for problem in error.problems))


def load_inputs(experiment: ExperimentKeys, profile: Profile | None = None) -> Inputs:
    """Read or compute the profile, and read or generate the requests.

    Parameters
    ----------
    profile
        That of the experiment, if it is loaded already.

    Raises
    ------
    IsimError
        A file cannot be used, or a name or number is wrong; all problems at once.
    """
    problems = Problems()
    trace, models = None, None
    if experiment.trace is not None:
        path = experiment.trace
        trace = problems.collect(lambda: Trace.read(path))
        models = trace.models if trace is not None else ()
    elif experiment.clients is not None:
        models = tuple(experiment.clients.models)
    elif experiment.arrivals is not None and experiment.arrivals.models is not None:
        models = tuple(experiment.arrivals.models)
    if profile is None:
        profile = problems.collect(lambda: _profile(experiment.profile, models))
    if experiment.arrivals is not None:
        names = models if models is not None else profile.models if profile is not None else ("any",)
        trace = problems.collect(lambda: _generated(experiment, names))
    problems.raise_any()
    assert profile is not None
    return Inputs(profile, trace, tuple(models) if models is not None else profile.models)


def describe_file(path: str | Path) -> dict[str, Any]:
    """Return a file's path, as given, and the SHA-256 of its bytes."""
    with Path(path).open("rb") as file:
        return {"path": str(path), "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _profile(name: str, models: tuple[str, ...] | None) -> Profile:
    if not is_analytic(name):
        return Profile.read(name)
    from isim.profiler.device.analytic import analytic_profile
    from isim.profiler.networks.registry import network_names

    wanted = network_names() if models is None else models
    try:
        # Of an unreadable trace nothing is known, but the GPU's name can still be checked.
        return analytic_profile(name.partition(":")[2], wanted or network_names()[:1], ANALYTIC_BATCH_SIZES)
    except ProfileError as error:
        raise ProfileError(*(f"{name}: {problem}" for problem in error.problems)) from None


def _generated(experiment: ExperimentKeys, models: tuple[str, ...]) -> Trace:
    from isim.traces.make import make_trace

    arrivals = experiment.arrivals
    assert arrivals is not None
    try:
        return make_trace(
            arrivals.process,
            rate_rps=arrivals.rate_rps,
            duration_ns=round(arrivals.duration_s * 1e9),
            models=arrivals.models or dict.fromkeys(models, 1.0),
            seed=experiment.seed,
            **({} if arrivals.cv is None else {"cv": arrivals.cv}),
        )
    except TraceError as error:
        raise TraceError(*(f"arrivals: {problem.removeprefix('trace: ')}" for problem in error.problems)) from None
