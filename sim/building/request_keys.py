"""The keys of an experiment that say who sends requests: arrivals, clients, and requests that follow others."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo
from pydantic import field_validator as on_field

from isim.building.quantities import Count, Pause, Rate, Seconds, Table, Weights, whole

_MOST_CLIENTS = 1_000_000
"""Each is held in memory."""
MLPERF = "mlperf-"
"""How the names of sources start that last longer and need no rate."""


class Sender(Table):
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


class Arrivals(Table):
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
            raise whole("arrivals: no rate (found none); give one, such as 200rps")
        if rate_rps is not None and tenants is not None:
            raise ValueError("tenants have rates of their own; leave it out")
        return rate_rps

    @on_field("duration_s", mode="before")
    @classmethod
    def _lasting(cls, duration: object, info: ValidationInfo) -> object:
        preset = "600s" if str(info.data.get("process")).startswith(MLPERF) else "60s"
        return preset if duration is None else duration


class Clients(Table):
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


class Following(Table):
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
