"""An experiment: what is simulated, by which policy, on which GPU; checked before anything runs."""

import copy
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo
from pydantic import field_validator as on_field
from pydantic import model_validator as on_keys
from pydantic_core import PydanticCustomError

from isim.errors import ExperimentError, IsimError
from isim.experiment_problems import Path as KeyPath
from isim.experiment_problems import sentences
from isim.units import parse_rate_rps, parse_seconds

if TYPE_CHECKING:
    from isim.inputs import Inputs
    from isim.run import Run


def _quantity(parse: Callable[[str, str], float], example: str, zero: bool = False) -> BeforeValidator:
    """Read text with a unit into a finite quantity above zero (or zero, if that is allowed)."""

    def read(value: object) -> float:
        if not isinstance(value, str):
            raise ValueError(f'no unit; write it in quotes and with its unit, such as "{example}"')
        try:
            quantity = parse(value, "")
        except IsimError as error:
            raise ValueError(str(error).removeprefix(": ")) from None
        if not (0 < quantity < float("inf") or (zero and quantity == 0)):
            raise ValueError(
                f"must be {'at least' if zero else 'more than'} 0 and finite; correct it, such as {example}"
            )
        return quantity

    return BeforeValidator(read)


Seconds = Annotated[float, _quantity(parse_seconds, "50ms")]
Pause = Annotated[float, _quantity(parse_seconds, "5ms", zero=True)]
Rate = Annotated[float, _quantity(parse_rate_rps, "200rps")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, strict=True)]


def _whole(problem: str) -> PydanticCustomError:
    """Return an error of the experiment as a whole, not of the key at which it was noticed."""
    return PydanticCustomError("whole", "{problem}", {"problem": problem})


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Arrivals(_Table):
    """Generated requests that arrive whatever becomes of the earlier ones."""

    process: Literal["poisson", "gamma", "constant"] = "poisson"
    rate_rps: Rate = Field(alias="rate")
    """Mean rate of all models together."""
    duration_s: Seconds = Field(60.0, alias="duration", validate_default=False)
    models: dict[str, Positive] | None = None
    """Weights; every model of the profile alike if left out."""
    cv: Positive | None = None
    """Standard deviation over mean of the gaps; of `gamma` only."""


class Clients(_Table):
    """Callers that always wait for their answers."""

    models: dict[str, Count]
    """Number of clients of each model."""
    think_s: Pause = Field(0.0, alias="think", validate_default=False)
    """From an answer to the next request."""
    samples: Count = 1
    """Samples in a request."""
    requests_per_client: Count | None = None
    """After how many requests a client falls silent."""


class Experiment(_Table):
    """Hold a checked experiment; made by `from_toml`, `from_flags`, or keywords that are the keys of the file.

    Quantities are text with units, such as `horizon="30s"`; the fields hold numbers in the unit of their name. What
    names neither requests nor a profile of its own is the built-in example, with the given keys in place of its own.

    Examples
    --------
    >>> experiment = Experiment(arrivals={"rate": "100rps"}, slo="50ms", sharing="exclusive")
    >>> experiment.concurrency, experiment.slo_s, experiment.profile
    (1, {'*': 0.05}, 'analytic:L4')
    >>> Experiment(policy="greedy").arrivals.rate_rps
    1300.0
    """

    profile: str = "analytic:L4"
    """Path of a profile, or `analytic:GPU`."""
    trace: str | None = None
    """Path of a trace."""
    arrivals: Arrivals | None = None
    clients: Clients | None = None
    policy: str = "dynamic:max_queue_delay=2ms"
    sharing: Literal["exclusive", "streams"] = "streams"
    concurrency: Count = None  # type: ignore[assignment]
    """Batches resident at once; if left out 1 under `exclusive`, else 2."""
    contention: str = "roofline"
    slo_s: dict[str, Seconds] = Field({}, alias="slo")
    """By model; the key `*` stands for every other model."""
    noise: Annotated[bool, Field(strict=True)] = False
    horizon_s: Seconds | None = Field(None, alias="horizon")
    seed: Annotated[int, Field(ge=0, strict=True)] = 0

    @on_keys(mode="before")
    @classmethod
    def _complete(cls, keys: Any) -> Any:
        if not isinstance(keys, Mapping) or {"trace", "arrivals", "clients"} & keys.keys():
            return keys
        profile = keys.get("profile", "")
        return keys if profile and not is_analytic(profile) else {**BUILT_IN, **keys}

    @on_field("clients")
    @classmethod
    def _one_source(cls, clients: Clients | None, info: ValidationInfo) -> Clients | None:
        sources = {name: info.data.get(name) for name in ("trace", "arrivals")} | {"clients": clients}
        given = [name for name, source in sources.items() if source is not None]
        if len(given) > 1:
            raise _whole(f"requests come from one place (found {' and '.join(given)}); keep one of them")
        if not given and {"trace", "arrivals"} <= info.data.keys():
            raise _whole("no requests (found neither trace, arrivals nor clients); give one of them")
        return clients

    @on_field("concurrency", mode="before")
    @classmethod
    def _fit_sharing(cls, concurrency: object, info: ValidationInfo) -> object:
        exclusive = info.data.get("sharing") == "exclusive"
        if concurrency is None:
            return 1 if exclusive else 2
        if exclusive and isinstance(concurrency, int) and concurrency > 1:
            raise ValueError("sharing 'exclusive' runs one batch at a time; write 1, or choose sharing 'streams'")
        return concurrency

    @on_field("slo_s", mode="before")
    @classmethod
    def _one_for_all(cls, slo: object) -> object:
        return {"*": slo} if isinstance(slo, str) else slo

    @on_field("horizon_s")
    @classmethod
    def _end(cls, horizon_s: float | None, info: ValidationInfo) -> float | None:
        clients = info.data.get("clients")
        if horizon_s is None and clients is not None and clients.requests_per_client is None:
            raise _whole(
                "clients without end (found neither horizon nor clients.requests_per_client); give one of them"
            )
        return horizon_s

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Read and check an experiment file; its relative paths are relative to it.

        Raises
        ------
        ExperimentError
            The file cannot be read, or anything in it is wrong; all problems at once.
        """
        return cls._checked(_read_toml(path), str(path), {})

    @classmethod
    def from_flags(cls, toml: str | Path | None = None, **flags: Any) -> Self:
        """Check what the command line says; flags override the file, or the built-in example.

        Parameters
        ----------
        toml
            An experiment file.
        flags
            `profile`, `trace`, `policy`, `sharing`, `concurrency`, `contention`, `noise`, `seed`, and of requests
            `process`, `cv`, `models`, `clients`, `samples`, `requests_per_client`, as the fields are; in numbers
            `rate_rps`, `duration_s`, `think_s`, `horizon_s` and `slo_s`. None and empty mean: not given.

        Raises
        ------
        ExperimentError
            Anything is wrong; all problems at once.
        """
        given = {name: value for name, value in flags.items() if value is not None and value != {}}
        keys = _read_toml(toml) if toml is not None else _base(given)
        flag_of = _overlay(keys, given)
        return cls._checked(keys, str(toml or ""), flag_of)

    @classmethod
    def _checked(cls, keys: dict[str, Any], file: str, flag_of: Mapping[KeyPath, str]) -> Self:
        try:
            return cls.model_validate(keys)
        except ValidationError as error:
            known: dict[KeyPath, list[str]] = {
                (): _keys(cls),
                ("arrivals",): _keys(Arrivals),
                ("clients",): _keys(Clients),
            }
            problems = sentences(error.errors(include_url=False), file, flag_of, known)
        raise ExperimentError(*problems)

    def run(self, folder: str | Path | None = None, force: bool = False, inputs: "Inputs | None" = None) -> "Run":
        """Simulate, and write the run folder, whole or not at all.

        Parameters
        ----------
        folder
            Where to; None for a temporary folder that lives as long as the returned run.
        force
            Replace an existing run folder.
        inputs
            The profile and requests, if they are loaded already.

        Raises
        ------
        IsimError
            An input cannot be used, the policy fails, or the folder exists or cannot be written.
        """
        from isim.simulate import simulate

        return simulate(self, folder, force, inputs)


BUILT_IN: Mapping[str, Any] = {
    "profile": "analytic:L4",
    "arrivals": {
        "process": "poisson",
        "rate": "1300rps",
        "duration": "30s",
        "models": dict.fromkeys(("convnext_b", "resnet50", "roberta_b", "vgg19", "vit_b_16", "yolov8n"), 1),
    },
    "policy": "dynamic:max_batch=8,max_queue_delay=2ms",
    "slo": {
        **dict.fromkeys(("resnet50", "roberta_b", "yolov8n"), "10ms"),
        **dict.fromkeys(("convnext_b", "vgg19", "vit_b_16"), "15ms"),
    },
}
"""Six networks on an L4, at 70 % of the 1,890 requests per second that it sustains under this policy."""


def is_analytic(profile: str) -> bool:
    """Return whether a profile is computed (`analytic:GPU`), not read from a file."""
    return profile.startswith("analytic:")


def _keys(table: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in table.model_fields.items()]


def _read_toml(path: str | Path) -> dict[str, Any]:
    path = Path(path)
    try:
        keys = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ExperimentError(f"{path}: no such file; give the path of an experiment file (TOML)") from None
    except OSError as error:
        raise ExperimentError(f"{path}: cannot be read ({error.strerror}); give the path of a TOML file") from None
    except ValueError as error:  # not UTF-8, or not TOML
        raise ExperimentError(f"{path}: not TOML ({error}); correct it") from None
    for name in ("profile", "trace", "policy", "contention"):
        value = keys.get(name)
        is_file = name in ("profile", "trace") or (isinstance(value, str) and re.match(r".+\.py(:|$)", value))
        if isinstance(value, str) and is_file and not is_analytic(value):
            keys[name] = str(path.parent / value)
    return keys


def _base(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the built-in example, unless the flags name a profile or requests of their own."""
    own = not is_analytic(given.get("profile", BUILT_IN["profile"])) or {"trace", "clients"} & given.keys()
    return {} if own else copy.deepcopy(dict(BUILT_IN))


_SOURCES = ("trace", "arrivals", "clients")
_FLAGS: Mapping[str, tuple[KeyPath, str, str]] = {
    "process": (("arrivals", "process"), "--arrivals", ""),
    "rate_rps": (("arrivals", "rate"), "--rate", "rps"),
    "duration_s": (("arrivals", "duration"), "--duration", "s"),
    "models": (("arrivals", "models"), "--models", ""),
    "cv": (("arrivals", "cv"), "--cv", ""),
    "clients": (("clients", "models"), "--clients", ""),
    "think_s": (("clients", "think"), "--think", "s"),
    "samples": (("clients", "samples"), "--samples", ""),
    "requests_per_client": (("clients", "requests_per_client"), "--requests-per-client", ""),
    "horizon_s": (("horizon",), "--horizon", "s"),
}
"""The key that a flag stands for, how the flag is written, and the unit of its number; others are keys themselves."""


def _overlay(keys: dict[str, Any], given: dict[str, Any]) -> dict[KeyPath, str]:
    """Put flags in place of the keys they stand for; return which flag set which key."""
    flag_of: dict[KeyPath, str] = {}
    slo = {model: f"{slo_s!r}s" for model, slo_s in given.pop("slo_s", {}).items()}
    if slo:
        flag_of[("slo",)] = "--slo"
        old = keys.get("slo", {})
        # An objective for every model leaves nothing of the old ones.
        keys["slo"] = slo if "*" in slo else {**({"*": old} if isinstance(old, str) else old), **slo}
    targets = {name: _FLAGS.get(name, ((name,), f"--{name}", "")) for name in given}
    if sources := {path[0] for path, *_ in targets.values()} & set(_SOURCES):
        for name in set(_SOURCES) - sources:  # requests come from one place: those of the file give way
            keys.pop(name, None)
    for name, (path, flag, unit) in targets.items():
        table = keys
        for part in path[:-1]:
            table = table.setdefault(str(part), {})
        table[str(path[-1])] = f"{given[name]!r}{unit}" if unit else given[name]
        flag_of[path] = flag
    return flag_of
