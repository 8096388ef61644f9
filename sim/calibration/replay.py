"""Replay a measured closed-loop experiment through the engine: every member runs its batches back to back."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from isim.calibration.window import Window, averaged
from isim.contention.contract import ContentionModel
from isim.engine.batch import Batch
from isim.engine.partitions import Partition, partitioned
from isim.engine.simulation import Simulation
from isim.operations import Operations
from isim.policies.fcfs import Fcfs
from isim.policies.policy import Overlap, Request
from isim.sharing_modes import Sharing
from isim.workload import Client, ClosedLoop

PHASES = 8
"""Initial phases that a slowdown is averaged over."""
_SLOWEST_BATCHES = 90
"""Solo durations of the slowest member that one phase lasts."""
_WARM_UP = 0.1
"""Share of each member's batches that is left out."""


class Process(NamedTuple):
    """One member of a co-location experiment: a model that runs at one profiled batch size, back to back."""

    model: str
    batch_size: int
    sm_share: float = 1.0
    """The part of the SMs that it is held to."""
    solo_ratio: float = 0.0
    """Solo duration at this share / at the whole GPU; 0 where it was not measured."""


class _Durations:
    """Keep the durations of each client's batches. A client's next request is numbered when its last one ends."""

    def __init__(self, clients: int) -> None:
        self.of_client: list[list[float]] = [[] for _ in range(clients)]
        self._client = dict(enumerate(range(clients)))
        self._next_id = clients

    def arrived(self, request: Request) -> None: ...
    def batch(self, batch: Batch) -> None: ...
    def overlap(self, gpu: int, overlap: Overlap) -> None: ...
    def still_resident(self, batch: Batch) -> None: ...

    def ended(self, requests: tuple[Request, ...], how: Batch | int) -> None:
        assert isinstance(how, Batch)
        client = self._client.pop(requests[0].request_id)
        self._client[self._next_id] = client
        self._next_id += 1
        self.of_client[client].append(how.duration_s)


def replay(
    operations: Operations, members: Sequence[Process], contention: ContentionModel, phases: int = PHASES,
    sharing: str = "streams", windows: Sequence[Window] = (),
) -> list[float]:  # fmt: skip
    """Return the slowdown of each member when all run back to back, averaged over initial phases.

    It is relative to the member alone, at its share of the SMs.

    Parameters
    ----------
    operations
        What the members' batches consist of.
    members
        The processes; all start within one solo duration of each other, the first at once.
    contention
        The model under test.
    phases
        How many initial phases to average over, evenly spread.
    sharing
        As in a recording; what is neither `time-slicing` nor `mps` runs as streams.
    windows
        Over what each member's mean is taken; time beside the others only if left out.
    """
    processes = {
        f"{i} {member.model}": Partition(
            member.model, member.sm_share, {member.batch_size: member.solo_ratio} if member.solo_ratio else {}
        )
        for i, member in enumerate(members)
    }
    operations = partitioned(operations, processes)  # two members may be of one model
    names = list(processes)
    solo_s = [operations.variants[name, member.batch_size].solo_s for name, member in zip(names, members, strict=True)]
    shares = {name: member.sm_share for name, member in zip(names, members, strict=True)}
    mode = (
        Sharing("mps", shares=shares if min(shares.values()) < 1.0 else {})
        if sharing == "mps"
        else Sharing("time-slicing" if sharing == "time-slicing" else "streams")
    )
    slowdowns = np.zeros(len(members))
    for phase in range(phases):
        # Golden-section steps spread the starts of three and more members without repeating a pattern.
        starts_s = [
            own_s * ((phase + 0.5) / phases + i * 0.618034) % own_s if i else 0.0 for i, own_s in enumerate(solo_s)
        ]
        clients = [
            Client(name, member.batch_size, start_s=start_s)
            for name, member, start_s in sorted(zip(names, members, starts_s, strict=True), key=lambda each: each[2])
        ]
        order = sorted(range(len(members)), key=lambda i: starts_s[i])
        listener = _Durations(len(members))
        horizon_s = _SLOWEST_BATCHES * max(solo_s)
        Simulation(
            operations,
            ClosedLoop(clients),
            Fcfs(),
            contention,
            len(members),
            listener,
            horizon_s=horizon_s,
            sharing=mode,
        ).run()
        for durations_s, member in zip(listener.of_client, order, strict=True):
            settled_s = durations_s[int(_WARM_UP * len(durations_s)) :]
            slowdowns[member] += float(np.mean(settled_s)) / solo_s[member] / phases
    return averaged(windows, slowdowns.tolist(), solo_s)
