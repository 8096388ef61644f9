"""What `run.json` must say for a run to be shown, drawn and evaluated."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from isim.building.gpu_list import named_profiles
from isim.fault_line import one_line

_SHOWN = 3
_PARTS = ("latency", "queueing", "service", "interference")
_FIGURES = (
    *("attainment", "goodput_rps", "throughput_rps", "mean_batch_size", "busy_share", "mean_concurrency"),
    *(f"{part}_{name}_s" for part in _PARTS for name in ("mean", "p50", "p90", "p95", "p99", "p99_9")),
    *(f"{name}_{share}" for name in ("slowdown", "kernel_slowdown") for share in ("p50", "p95", "max")),
)

_Count = Annotated[int, Field(ge=0)]
_Amount = Annotated[float, Field(ge=0)]


class _Part(BaseModel):
    """Hold what is read; what a plug-in or a later isim adds is no mistake."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


class _Sender(_Part):
    process: str
    rate_rps: _Amount


class _Arrivals(_Part):
    process: str
    rate_rps: _Amount | None
    duration_s: _Amount
    tenants: dict[str, _Sender] | None


class _Clients(_Part):
    models: dict[str, _Count]
    think_s: _Amount
    think_law: str
    requests_per_client: _Count | None
    duration_s: _Amount | None


class _Parameters(_Part):
    profile: str
    gpus: Any = None
    router: str | None = None
    trace: str | None
    arrivals: _Arrivals | None
    clients: _Clients | None
    policy: str
    predictor: str | None = None
    sharing: str
    concurrency: Annotated[int, Field(ge=1)]
    contention: str
    slo_s: dict[str, _Amount]
    noise: bool
    horizon_s: _Amount | None
    seed: _Count

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if [self.trace, self.arrivals, self.clients].count(None) != 2:
            raise ValueError("trace, arrivals, clients")
        if (named := named_profiles(self.gpus)) and named[0] != self.profile:
            raise ValueError("gpus")
        return self


class _Profile(_Part):
    content_sha256: str
    device: Any


class _OwnSlo(_Part):
    requests: _Count
    least_s: _Amount
    most_s: _Amount


class _Trace(_Part):
    own_slo: dict[str, _OwnSlo] = {}


class _Inputs(_Part):
    profile: _Profile
    other_profiles: list[_Profile] = []
    trace: _Trace | None


class _Plugin(_Part):
    name: str
    parameters: dict[str, Any]


class _Contention(_Plugin):
    calibrated: bool
    note: str
    fitted_sharing: str | None = None


class _Sharing(_Part):
    mode: str


class _Ending(_Part):
    end_s: _Amount
    kernel_boundaries: _Count
    arrivals_after_horizon: _Count


class _Figures(_Part):
    __pydantic_extra__: dict[str, float | None] = Field(init=False)
    requests: _Count
    on_time: _Count
    late: _Count
    rejected: _Count
    dropped: _Count
    unfinished: _Count
    batches: _Count

    @model_validator(mode="after")
    def _all(self) -> Self:
        if lacking := [name for name in _FIGURES if name not in (self.__pydantic_extra__ or {})]:
            raise PydanticCustomError("lacking", "{names}", {"names": lacking})
        return self


class _Summary(_Part):
    total: _Figures
    models: dict[str, _Figures]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if sum(each.requests for each in self.models.values()) != self.total.requests:
            raise ValueError("requests of the models and in total")
        return self


class _Description(_Part):
    versions: dict[str, str]
    seed: _Count
    parameters: _Parameters
    inputs: _Inputs
    provenance: Literal["measured", "imported", "analytic"]
    policy: _Plugin
    predictor: _Plugin | None = None
    router: _Plugin | None = None
    contention: _Contention
    sharing: _Sharing
    ending: _Ending
    summary: _Summary

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        given = self.parameters
        kinds = len(dict.fromkeys(named_profiles(given.gpus)))
        if "router" in self.model_fields_set and None in (self.router, given.router, given.gpus):
            raise ValueError("router")
        if max(kinds, 1) != 1 + len(self.inputs.other_profiles):
            raise ValueError("parameters.gpus, inputs.other_profiles")
        if given.sharing.partition(":")[0] != self.sharing.mode:
            raise ValueError("parameters.sharing, sharing.mode")
        return self


def description_problems(description: Mapping[str, Any]) -> list[str]:
    """Return what is missing from the content of `run.json`, or is not what isim writes there; nothing if it is whole.

    Examples
    --------
    >>> description_problems({"versions": {}, "seed": "x"})[0]
    'incomplete (parameters, inputs, provenance and 5 more missing); simulate again'
    >>> description_problems({"versions": {}, "seed": "x"})[1]
    "seed is not what isim writes there (found 'x'); simulate again"
    """
    try:
        _Description.model_validate(description)
    except ValidationError as error:
        return [*_sentences(error)]
    return []


def _sentences(error: ValidationError) -> Iterator[str]:
    missing, wrong = [], []
    for each in error.errors(include_url=False):
        where = ".".join(map(str, each["loc"]))
        if each["type"] == "missing":
            missing.append(where)
        elif each["type"] == "lacking":
            missing += (f"{where}.{name}" for name in each["ctx"]["names"])
        elif each["type"] == "value_error":
            wrong.append(f"{where}{': ' if where else ''}{each['ctx']['error']} do not belong together")
        else:
            wrong.append(f"{where} is not what isim writes there (found {one_line(repr(each['input']))[:60]})")
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        yield f"incomplete ({', '.join(missing[:_SHOWN])}{more} missing); simulate again"
    yield from (f"{sentence}; simulate again" for sentence in wrong[:_SHOWN])
