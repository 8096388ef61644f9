"""The keys of an experiment: their types, units, defaults, and what they must hold together."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo
from pydantic import field_validator as on_field
from pydantic import model_validator as on_keys

from isim.building.gpu_list import named_profiles, read_gpus
from isim.building.quantities import Count, Seconds, Table, whole
from isim.building.request_keys import Arrivals, Clients, Following
from isim.errors import IsimError
from isim.sharing_modes import parse_sharing


class ExperimentKeys(Table):
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

    @on_field("arrivals", mode="before")
    @classmethod
    def _generated(cls, arrivals: object, info: ValidationInfo) -> object:
        traced = info.data.get("trace") is not None
        if not traced or not isinstance(arrivals, Mapping) or not arrivals or arrivals.keys() - _LAW:
            return arrivals
        flags = [f"--{'arrivals' if key == 'process' else key}" for key in arrivals]
        raise whole(
            f"arrivals: only generated requests take {' and '.join(arrivals)} (found trace as well); leave "
            f"out {' and '.join(flags)}, and for less of a trace use --horizon or 'isim trace slice'"
        )

    @on_field("clients")
    @classmethod
    def _one_source(cls, clients: Clients | None, info: ValidationInfo) -> Clients | None:
        sources = {name: info.data.get(name) for name in ("trace", "arrivals")} | {"clients": clients}
        given = [name for name, source in sources.items() if source is not None]
        if len(given) > 1:
            raise whole(f"requests come from one place (found {' and '.join(given)}); keep one of them")
        if not given and {"trace", "arrivals"} <= info.data.keys():
            raise whole("no requests (found neither trace, arrivals nor clients); give one of them")
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
            raise whole(
                "clients without end (found neither horizon, clients.duration nor clients.requests_per_client); "
                "give one of them"
            )
        return horizon_s


_LAW = frozenset({"process", "duration", "models", "bursts"})
"""The keys of arrivals that say nothing without a rate."""
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
