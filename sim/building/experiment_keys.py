"""The keys of an experiment: their types, units, defaults, and what they must hold together."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic import field_validator as on_field
from pydantic import model_validator as on_keys
from pydantic_core import PydanticCustomError

from isim.building.gpu_list import named_profiles, read_gpus
from isim.errors import IsimError
from isim.sharing_modes import parse_sharing
from isim.units import parse_rate_rps, parse_seconds

_MOST = 1e12
"""Seconds, or requests a second: beyond reason, and nothing overflows below it."""


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
        if quantity > _MOST:
            raise ValueError(f"must be at most {_MOST:g}; correct it, such as {example}")
        return quantity

    return BeforeValidator(read)


Seconds = Annotated[float, _quantity(parse_seconds, "50ms")]
Pause = Annotated[float, _quantity(parse_seconds, "5ms", zero=True)]
Rate = Annotated[float, _quantity(parse_rate_rps, "200rps")]
Positive = Annotated[float, Field(gt=0, le=1e12, strict=True)]
Weights = Annotated[dict[str, Positive], Field(min_length=1)]
Count = Annotated[int, Field(ge=1, strict=True)]


def _whole(problem: str) -> PydanticCustomError:
    """Return an error of the experiment as a whole, not of the key at which it was noticed."""
    return PydanticCustomError("whole", "{problem}", {"problem": problem})


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


_MOST_CLIENTS = 1_000_000
"""Each is held in memory."""
MLPERF = "mlperf-"
"""How the names of sources start that last longer and need no rate."""


class Sender(_Table):
    """One of several tenants that send requests.

    Examples
    --------
    >>> Sender(process="gamma:cv=4", rate="100rps").rate_rps
    100.0
    """

    process: str = "poisson"
    rate_rps: Rate = Field(alias="rate")
    models: Weights | None = None
    """Those of all tenants if left out."""
    bursts: Literal["own", "shared"] = "own"


class Arrivals(_Table):
    """Generated requests that arrive whatever becomes of the earlier ones.

    Examples
    --------
    >>> Arrivals(rate="1krps", models={"bert": 1}).rate_rps, Arrivals(process="mlperf-server").duration_s
    (1000.0, 600.0)
    """

    process: str = "poisson"
    """Such as `gamma:cv=4`; `isim list arrivals` shows all."""
    tenants: Annotated[dict[str, Sender], Field(min_length=1)] | None = None
    """Several that send requests, each by a process of its own; instead of `process`, `rate` and `bursts`."""
    rate_rps: Rate | None = Field(None, alias="rate")
    """Long-run mean of all models together."""
    duration_s: Seconds = Field(None, alias="duration")  # type: ignore[assignment]
    """If left out 60 s; 600 s for the scenarios of MLPerf."""
    models: Weights | None = None
    """Every model of the profile alike if left out."""
    bursts: Literal["own", "shared"] = "own"
    """Whether models burst independently or together."""

    @on_field("rate_rps")
    @classmethod
    def _rated(cls, rate_rps: float | None, info: ValidationInfo) -> float | None:
        given = info.data  # without the keys that are wrong themselves
        tenants, process = given.get("tenants"), given.get("process", MLPERF)
        if rate_rps is None and "tenants" in given and tenants is None and not process.startswith(MLPERF):
            raise _whole("arrivals: no rate (found none); give one, such as 200rps")
        if rate_rps is not None and tenants is not None:
            raise ValueError("tenants have rates of their own; leave it out")
        return rate_rps

    @on_field("duration_s", mode="before")
    @classmethod
    def _lasting(cls, duration: object, info: ValidationInfo) -> object:
        preset = "600s" if str(info.data.get("process")).startswith(MLPERF) else "60s"
        return preset if duration is None else duration


class Clients(_Table):
    """Callers that always wait for their answers.

    Examples
    --------
    >>> Clients(models={"bert": 4}, think="5ms").think_s
    0.005
    """

    models: Annotated[dict[str, Count], Field(min_length=1)]
    """Number of clients of each model."""
    think_s: Pause = Field(0.0, alias="think", validate_default=False)
    """From an answer to the next request; the mean, if it is random."""
    think_law: Literal["constant", "exponential"] = "constant"
    stagger_s: Pause = Field(0.0, alias="stagger", validate_default=False)
    """The first requests of all clients are spread evenly over this time."""
    samples: Count = 1
    """Samples in a request."""
    requests_per_client: Count | None = None
    """After how many requests a client falls silent, if its duration has passed as well."""
    duration_s: Seconds | None = Field(None, alias="duration")
    """After which time a client falls silent, if it has sent its requests as well."""

    @on_field("models")
    @classmethod
    def _countable(cls, models: dict[str, int]) -> dict[str, int]:
        if (clients := sum(models.values())) > _MOST_CLIENTS:
            raise ValueError(f"too many clients in all (found {clients}); keep to {_MOST_CLIENTS:,}")
        return models


class Following(_Table):
    """A request that follows others, as the next step of a pipeline does.

    Examples
    --------
    >>> Following(model="bert", after=("resnet50",), delay="1ms").delay_s
    0.001
    """

    model: str
    after: Annotated[tuple[str, ...], Field(min_length=1)]
    """The models whose requests must have ended."""
    delay_s: Pause = Field(0.0, alias="delay", validate_default=False)
    """From the last of these ends to its arrival."""
    samples: Count = 1


class ExperimentKeys(_Table):
    """Hold the checked keys of an experiment; `isim.experiment.Experiment` reads and runs them.

    Examples
    --------
    >>> keys = ExperimentKeys(arrivals={"rate": "100rps"}, slo="50ms", gpus=2)
    >>> keys.slo_s, keys.concurrency, keys.gpu_profiles
    ({'*': 0.05}, 2, ('analytic:L4', 'analytic:L4'))
    """

    profile: str = "analytic:L4"
    """Path of a profile, or `analytic:GPU`; that of the first GPU, if there are several kinds."""
    gpus: Annotated[int | str, BeforeValidator(read_gpus)] = 1
    """How many, all alike; or how many of each profile, `2xA.parquet,B.parquet`, numbered from 0 in this order."""
    router: str | None = None
    """Which GPU serves a request, if there are several; if left out `join-shortest-queue`."""
    trace: str | None = None
    """Path of a trace."""
    arrivals: Arrivals | None = None
    clients: Clients | None = None
    then: tuple[Following, ...] = ()
    """Requests that those of the trace or the arrivals cause."""
    policy: str = "dynamic:max_queue_delay=2ms"
    predictor: str | None = None
    """Of slowdown by co-runners; the policy may ask it, and every finished batch teaches it."""
    sharing: str = "streams"
    """`exclusive`, `streams`, `time-slicing[:quantum=2ms]`, or `mps[:MODEL=SHARE,...]` with a process a model."""
    concurrency: Annotated[Count, Field(le=100_000)] = None  # type: ignore[assignment]
    """Batches resident at once; if left out 1 under `exclusive`, else 2 (under `mps` as many as it names)."""
    contention: str = "roofline"
    slo_s: dict[str, Seconds] = Field({}, alias="slo")
    """By model; the key `*` stands for every other model."""
    noise: Annotated[bool, Field(strict=True)] = False
    horizon_s: Seconds | None = Field(None, alias="horizon")
    seed: Annotated[int, Field(ge=0, strict=True)] = 0

    @property
    def gpu_profiles(self) -> tuple[str, ...]:
        """The profile of each GPU, by number."""
        return named_profiles(self.gpus) or (self.profile,) * int(self.gpus)

    @on_keys(mode="before")
    @classmethod
    def _complete(cls, keys: Any) -> Any:
        if isinstance(keys, Mapping) and "profile" not in keys and (named := named_profiles(keys.get("gpus"))):
            keys = {**keys, "profile": named[0]}
        if not isinstance(keys, Mapping) or {"trace", "arrivals", "clients"} & keys.keys():
            return keys
        profile = keys.get("profile", "")
        own = isinstance(profile, str) and profile and not is_analytic(profile)
        return keys if own else {**BUILT_IN, **keys}

    @on_field("gpus")
    @classmethod
    def _one_profile(cls, gpus: int | str, info: ValidationInfo) -> int | str:
        named, profile = named_profiles(gpus), info.data.get("profile")
        if named and profile not in (named[0], None):
            raise ValueError(f"names profiles, and so does profile={profile}; leave one of them out")
        return gpus

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

    @on_field("then")
    @classmethod
    def _roots(cls, then: tuple[Following, ...], info: ValidationInfo) -> tuple[Following, ...]:
        if then and info.data.get("clients") is not None:
            raise ValueError("clients cause no further requests; start from a trace or arrivals")
        return then

    @on_field("sharing")
    @classmethod
    def _known_mode(cls, sharing: str) -> str:
        try:
            parse_sharing(sharing)
        except IsimError as error:
            raise ValueError("; also ".join(error.problems)) from None
        return sharing

    @on_field("concurrency", mode="before")
    @classmethod
    def _fit_sharing(cls, concurrency: object, info: ValidationInfo) -> object:
        sharing = parse_sharing(info.data.get("sharing", "streams"))
        exclusive = sharing.mode == "exclusive"
        if concurrency is None:
            return 1 if exclusive else max(2, len(sharing.shares))
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
        if horizon_s is None and clients and clients.requests_per_client is None and clients.duration_s is None:
            raise _whole(
                "clients without end (found neither horizon, clients.duration nor clients.requests_per_client); "
                "give one of them"
            )
        return horizon_s


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
    """Return whether a profile is computed (`analytic:GPU`), not read from a file.

    Examples
    --------
    >>> is_analytic("analytic:L4"), is_analytic("l4.parquet")
    (True, False)
    """
    return profile.startswith("analytic:")
