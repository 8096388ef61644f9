"""Small worlds for tests: profiles from lists, and a simulation that keeps everything it is told."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from isim.contention.contract import ContentionModel
from isim.engine.batch import Batch
from isim.engine.simulation import Ending, Simulation
from isim.operations import Operations
from isim.policies.policy import Overlap, Policy, Request
from isim.profiler.profile import Profile
from isim.workload import Workload

Operation = Mapping[str, Any]


def kernel(duration_ns: int, gap_ns: int = 0, **columns: Any) -> Operation:
    """Return a kernel; utilisations left out are not measured, except that sm is 1 if nothing is given."""
    return {"kind": "kernel", "duration_ns": duration_ns, "gap_ns": gap_ns} | (columns or {"sm": 1.0, "memory": 0.0})


def profile_of(batches: Mapping[tuple[str, int], Sequence[Operation]]) -> Profile:
    """Return an analytic profile with the given operations of each (model, batch size)."""
    rows = [
        {"model": model, "batch_size": size, "sm_share": 1.0, "position": position, "name": "k", **operation}
        for (model, size), operations in batches.items()
        for position, operation in enumerate(operations)
    ]
    names = sorted({name for row in rows for name in row})
    table = pa.table({name: [row.get(name) for row in rows] for name in names})
    return Profile.from_table(table, {"origin": "analytic"})


class Log:
    """A listener that keeps everything."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.ends: list[tuple[Request, Batch | int]] = []
        self.batches: list[Batch] = []
        self.cut_off: list[Batch] = []
        self.overlaps: list[Overlap] = []

    def arrived(self, request: Request) -> None:
        self.requests.append(request)

    def ended(self, requests: tuple[Request, ...], how: Batch | int) -> None:
        self.ends += [(request, how) for request in requests]

    def batch(self, batch: Batch) -> None:
        self.batches.append(batch)

    def still_resident(self, batch: Batch) -> None:
        self.cut_off.append(batch)

    def overlap(self, gpu: int, overlap: Overlap) -> None:
        self.overlaps.append(overlap)


def simulate(
    profile: Profile, workload: Workload, policy: Policy, contention: ContentionModel, slots: int = 1, **options: Any
) -> tuple[Log, Ending]:
    """Run a simulation and return what it reported."""
    log = Log()
    operations = Operations(profile, workload.models)
    ending = Simulation(operations, workload, policy, contention, slots, log, **options).run()
    return log, ending
