"""Plan with Nexus: models take turns on a GPU, each with one batch in a duty cycle."""

from collections.abc import Iterable

from isim.errors import ExperimentError
from isim.operations import Operations
from isim.planning.demand import Demand
from isim.planning.plan import Part, Plan
from isim.policies.planners.nexus import plan_nodes
from isim.policies.planners.nexus_session import Session
from isim.units import format_seconds


def plan_with_nexus(demands: Iterable[Demand], operations: Operations) -> Plan:
    """Return what Nexus' squishy bin packing makes of the demands.

    Raises
    ------
    ExperimentError
        An objective is shorter than two batches; all problems at once.

    Examples
    --------
    >>> from isim.building.inputs import read_profile
    >>> operations = Operations(read_profile("analytic:L4", ("resnet50",)), ["resnet50"])
    >>> plan = plan_with_nexus([Demand("resnet50", 1500.0, 0.020)], operations)
    >>> plan.gpus == len({part.gpu for part in plan.parts})
    True
    """
    sessions = [
        Session(
            demand.model, demand.slo_s, demand.rate_rps, tuple(operations.batch_sizes(demand.model)),
            tuple(operations.solo_s(demand.model, size) for size in operations.batch_sizes(demand.model)),
        )
        for demand in demands
    ]  # fmt: skip
    if problems := [
        f"slo.{session.name}: shorter than two batches of {session.batch_sizes[0]}, of which one may have to wait for "
        f"the other (found {format_seconds(session.slo_s)}, one takes {format_seconds(session.durations_s[0])}); "
        "raise it"
        for session in sessions
        if not session.saturated_batch_size
    ]:
        raise ExperimentError(*problems)
    return Plan(
        "nexus",
        tuple(
            Part(
                gpu, share.session.name, share.rate_rps, share.batch_size,
                share.session.duration_s(share.batch_size), 1.0, node.duty_cycle_s,
            )
            for gpu, node in enumerate(plan_nodes(sessions))
            for share in node.shares
        ),
    )  # fmt: skip
