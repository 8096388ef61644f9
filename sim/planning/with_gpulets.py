"""Plan with gpulets: models on parts of GPUs, at most two beside each other."""

from collections.abc import Callable, Sequence

from isim.engine.look_ahead import Foresees
from isim.engine.members import members_of
from isim.engine.partitions import under_sharing
from isim.errors import ExperimentError
from isim.operations import Operations
from isim.planning.demand import Demand
from isim.planning.plan import Part, Plan
from isim.policies.planners.gpulets import Gpulet, Interference, plan_gpulets
from isim.policies.planners.gpulets_session import PARTS, Session, largest_batch
from isim.policies.predictors.predictor import CoRunner, Predictor
from isim.profiler.profile import Profile
from isim.sharing_modes import Sharing
from isim.units import format_seconds


def plan_with_gpulets(
    demands: Sequence[Demand], operations: Operations, profile: Profile, predictor: Predictor | None = None
) -> Plan:
    """Return what gpulets' elastic partitioning makes of the demands, the parts of a model alike and on GPUs apart.

    Parameters
    ----------
    operations, profile
        At the whole GPU; and what was measured on parts of it, which says how much longer batches take there.
    predictor
        Of slowdown by what is on the other part; without one there is none.

    Raises
    ------
    IsimError
        An objective is shorter than two batches, all of these at once; or the predictor cannot tell.

    Examples
    --------
    >>> from isim.building.inputs import read_profile
    >>> profile = read_profile("analytic:L4", ("resnet50",))
    >>> plan = plan_with_gpulets([Demand("resnet50", 300.0, 0.020)], Operations(profile, ["resnet50"]), profile)
    >>> plan.gpus, plan.parts[0].sm_share < 1
    (1, True)
    """
    models = [demand.model for demand in demands]
    on_part = {part: under_sharing(operations, profile, Sharing("mps", shares=_held(models, part))) for part in PARTS}

    def duration_of(model: str) -> Callable[[int, float], float]:
        return lambda size, part: on_part[part].solo_s(model, size)

    sessions = [
        Session(model, slo_s, rate_rps, tuple(operations.batch_sizes(model)), duration_of(model))
        for model, rate_rps, slo_s in demands
    ]
    if problems := [
        f"slo.{session.name}: shorter than two batches of {session.batch_sizes[0]} on a whole GPU, of which one may "
        f"have to wait for the other (found {format_seconds(session.slo_s)}, one takes "
        f"{format_seconds(session.duration_s(session.batch_sizes[0], 1.0))}); raise it"
        for session in sessions
        if not any(largest_batch(session, part) for part in PARTS)
    ]:
        raise ExperimentError(*problems)
    believed = _interference(on_part, predictor)
    return Plan(
        "gpulets",
        tuple(
            Part(
                gpu, each.session.name, each.rate_rps, each.batch_size,
                each.session.duration_s(each.batch_size, each.part), each.part, None,
            )
            for gpu, gpulets in enumerate(plan_gpulets(sessions, believed, alike=True))
            for each in gpulets
        ),
    )  # fmt: skip


def _held(models: Sequence[str], part: float) -> dict[str, float]:
    return dict.fromkeys(models, part) if part < 1 else {}


def _interference(on_part: dict[float, Operations], predictor: Predictor | None) -> Interference:
    if predictor is None:
        return lambda one, other: 1.0
    if isinstance(predictor, Foresees):
        raise ExperimentError(
            "predictor: this one runs batches ahead, on a GPU that is yet to be planned (found "
            f"{type(predictor).__name__}); choose one that tells by the profile, such as gpulets"
        )
    members = {
        (part, *key): member
        for part, operations in on_part.items()
        for key, member in members_of(operations, Sharing("mps", shares=_held(list(operations.models), part))).items()
    }

    def slowdown(one: Gpulet, other: Gpulet) -> float:
        target, beside = (members[each.part, each.session.name, each.batch_size] for each in (one, other))
        return predictor.predict(target, [CoRunner(beside, 0.0)]).slowdown

    return slowdown
