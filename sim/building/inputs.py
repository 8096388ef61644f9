"""What an experiment reads or generates before it can run: the profile and the requests."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from isim.building.experiment_keys import ExperimentKeys, is_analytic
from isim.building.generated import generated_requests, named_models
from isim.errors import ExperimentError, FlagError, IsimError, ProfileError, TraceError
from isim.profiler.profile import Profile
from isim.traces.delimited import header
from isim.traces.parquet_file import opened_parquet
from isim.traces.trace import Trace
from isim.traces.trace_stream import TraceStream
from isim.workload.mlperf import Scenario

ANALYTIC_BATCH_SIZES = range(1, 9)
MOST_HELD_BYTES = 1 << 26
"""A larger file of requests, some ten million, is read as the run goes on instead of held."""

_T = TypeVar("_T")


class Inputs(NamedTuple):
    """A profile and the requests to serve."""

    profile: Profile
    trace: Trace | TraceStream | None
    """None where clients or a scenario send the requests; a stream if the file is too large to hold."""
    models: tuple[str, ...]
    """Those that requests name."""
    scenario: Scenario | None = None
    """What sends requests where neither a trace nor clients do."""
    others: tuple[tuple[str, Profile], ...] = ()
    """The profiles of GPUs that are not of `profile`, with their names."""


class Problems:
    """Collect what is wrong in several places, to say it all at once.

    Examples
    --------
    >>> def refuse():
    ...     raise ProfileError("p.parquet: no such file; write one with 'isim profile'")
    >>> problems = Problems()
    >>> problems.collect(refuse), problems.collect(lambda: 5), problems.sentences
    (None, 5, ["p.parquet: no such file; write one with 'isim profile'"])
    >>> problems.raise_any()
    Traceback (most recent call last):
    isim.errors.ProfileError: p.parquet: no such file; write one with 'isim profile'
    """

    def __init__(self) -> None:
        self._errors: list[IsimError] = []

    def collect(self, call: Callable[[], _T]) -> _T | None:
        """Return what `call` returns, or None if it raises a user's error, which is kept."""
        try:
            return call()
        except IsimError as error:
            self._errors.append(error)
            return None

    @property
    def sentences(self) -> list[str]:
        """What was collected, each once."""
        return list(dict.fromkeys(problem for error in self._errors for problem in error.problems))

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
            mixed = FlagError if FlagError in kinds else ExperimentError
            kind = kinds.pop() if len(kinds) == 1 else mixed
            raise kind(*self.sentences)


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

    Examples
    --------
    >>> from isim.experiment import Experiment
    >>> keys = {"rate": "100rps", "duration": "1s", "models": {"resnet50": 1}}
    >>> inputs = load_inputs(Experiment(arrivals=keys))
    >>> inputs.models, len(inputs.trace), inputs.profile.models
    (('resnet50',), 91, ('resnet50',))
    """
    problems = Problems()
    trace, models, scenario = None, None, None
    if experiment.trace is not None:
        path = experiment.trace
        trace = problems.collect(lambda: _read(path))
        surveyed = problems.collect(trace.survey) if isinstance(trace, TraceStream) else trace
        models = surveyed.models if surveyed is not None else ()
    elif experiment.clients is not None:
        models = tuple(experiment.clients.models)
    elif experiment.arrivals is not None:
        models = named_models(experiment.arrivals)
    if models is not None:
        models = tuple(dict.fromkeys((*models, *(step.model for step in experiment.then))))
    if profile is None:
        profile = problems.collect(lambda: read_profile(experiment.profile, _known(experiment, models)))
    others = []
    for name in dict.fromkeys(experiment.gpu_profiles):
        if name != experiment.profile:
            other = problems.collect(partial(read_profile, name, _known(experiment, models)))
            others += [(name, other)] if other is not None else []
    profiled = dict.fromkeys(model for each in (profile, *dict(others).values()) if each for model in each.models)
    if experiment.arrivals is not None:
        names = models if models is not None else tuple(profiled) if profile is not None else ("any",)
        source = problems.collect(lambda: generated_requests(experiment, names))
        trace, scenario = (source, None) if isinstance(source, Trace) else (None, source)
    problems.raise_any()
    assert profile is not None
    if models is None:
        models = tuple(dict.fromkeys((*profiled, *(step.model for step in experiment.then))))
    return Inputs(profile, trace, tuple(models), scenario, tuple(others))


def _known(experiment: ExperimentKeys, models: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return the models that an analytic profile is asked for: where GPUs are of several kinds, those it can know."""
    if models is None or len(set(experiment.gpu_profiles)) == 1:
        return models
    from isim.profiler.networks.registry import network_names

    return tuple(model for model in models if model in network_names())


def describe_file(path: str | Path) -> dict[str, Any]:
    """Return a file's path, as given, and the SHA-256 of its bytes.

    Examples
    --------
    >>> _ = Path("t.csv").write_text("arrival_ns,model")
    >>> described = describe_file("t.csv")
    >>> described["path"], described["sha256"][:8]
    ('t.csv', '793ca266')
    """
    with Path(path).open("rb") as file:
        return {"path": str(path), "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def read_profile(name: str, models: tuple[str, ...] | None) -> Profile:
    """Read a profile, or compute it if it is `analytic:GPU`.

    Parameters
    ----------
    models
        Those that an analytic profile is computed of; None for all networks.

    Raises
    ------
    ProfileError
        The file cannot be read, or the GPU or a model is unknown.

    Examples
    --------
    >>> read_profile("analytic:T4", ("resnet50",)).batch_sizes("resnet50")
    (1, 2, 3, 4, 5, 6, 7, 8)
    >>> read_profile("analytic:T5", None)
    Traceback (most recent call last):
    isim.errors.ProfileError: analytic:T5: no GPU 'T5' (known: A100, H100, L4, T4, V100); choose one of these
    """
    if not is_analytic(name):
        if (kind := _other_kind(name, "profile")) is not None:
            raise ProfileError(
                f"{name}: is a {kind}, not a profile; give the profile with --profile (a trace with --trace)"
            )
        return Profile.read(name)
    from isim.profiler.device.analytic import analytic_profile
    from isim.profiler.networks.registry import network_names

    wanted = network_names() if models is None else models
    try:
        # Of an unreadable trace nothing is known, but the GPU's name can still be checked.
        return analytic_profile(name.partition(":")[2], wanted or network_names()[:1], ANALYTIC_BATCH_SIZES)
    except ProfileError as error:
        raise ProfileError(*(f"{name}: {problem}" for problem in error.problems)) from None


def check_trace_file(path: str) -> None:
    """Check that a file is there and of the kind of a trace, without reading its requests.

    Raises
    ------
    TraceError
        It is missing, cannot be read, or is something else.

    Examples
    --------
    >>> check_trace_file("none.csv")
    Traceback (most recent call last):
    isim.errors.TraceError: none.csv: no such file; check the path
    """
    if (kind := _other_kind(path, "trace")) is not None:
        raise TraceError(f"{path}: is a {kind}, not a trace; give the trace with --trace (a profile with --profile)")
    if path.removesuffix(".gz").endswith(".csv"):
        header(Path(path))
    else:
        opened_parquet(Path(path))


def _read(path: str) -> Trace | TraceStream:
    check_trace_file(path)
    large = Path(path).is_file() and Path(path).stat().st_size > MOST_HELD_BYTES
    return TraceStream.read(path) if large else Trace.read(path)


def _other_kind(path: str, wanted: str) -> str | None:
    """Return what a file of ours is, by its footer, or a folder, if it is not what is wanted; None if nobody knows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if (Path(path) / "run.json").is_file():
        return "run folder"
    try:
        footers = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException):
        return None
    kinds = [key.decode().removeprefix("isim.") for key in footers if key.startswith(b"isim.")]
    return kinds[0] if kinds and wanted not in kinds else None
