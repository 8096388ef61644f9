"""One GPU: its resident batches and how far each has come."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from isim.contention.contract import ContentionModel
from isim.engine import eviction, gated_loop, kernel_loop
from isim.engine.batch import Batch
from isim.engine.gating import Gating
from isim.engine.phases import Phases
from isim.engine.residents import BATCH, ROW, VACANT, new_residents
from isim.engine.sharing import loop_mode
from isim.errors import ContentionError
from isim.operations import Floats, Operations
from isim.policies.gate import NoGate
from isim.policies.policy import Overlap
from isim.sharing_modes import Sharing

_NEVER_S = 1e10
"""A batch that takes longer, three hundred years, was granted no speed."""


class Gpu:
    """Advance resident batches from event to event; the caller keeps the clock.

    Parameters
    ----------
    gpu
        Its number.
    slots
        Batches that may be resident at once.
    operations
        What batches consist of.
    contention
        How fast concurrent kernels run.
    sharing
        How their processes, one a model, share it.
    record_overlap
        Called with every closed overlap.
    like
        A GPU with the same operations, contention and sharing, whose tables it reads instead of making its own: many
        GPUs would not fit into the processor's cache with theirs.
    gating
        Which kernels of batches that are not urgent may start; None for all.
    """

    def __init__(
        self,
        gpu: int,
        slots: int,
        operations: Operations,
        contention: ContentionModel,
        sharing: Sharing,
        record_overlap: Callable[[int, Overlap], None],
        like: "Gpu | None" = None,
        gating: Gating | None = None,
    ) -> None:
        self.gpu = gpu
        self.residents: list[Batch] = []
        self._free = list(range(slots - 1, -1, -1))
        self._record_overlap = record_overlap
        self._contention = getattr(contention, "name", type(contention).__name__)
        self._present_s = 0.0
        """The time the present row of the compiled state stands at."""
        self.changed_s = 0.0
        """Since when the set of residents is what it is, seconds."""
        self._ahead_s = math.inf
        """How far from the present the trial found the next finish."""
        self._already_done = False
        self._present = 0
        """Which row of the compiled state is the present; the other is the trial."""
        batches = np.zeros(slots, dtype=BATCH)
        self._done = batches["done"]
        self._rows = np.zeros(2, dtype=ROW)
        self._rows["owner"], self._rows["turn_left_s"] = -1, VACANT
        self.gating = gating
        self._loop: Any = kernel_loop if gating is None else gated_loop
        self._tables: _Tables = _tables(operations, contention, sharing, gating) if like is None else like._tables
        self._entry, self._low_entry = self._tables.entry, self._tables.low_entry
        gate = NoGate() if gating is None else gating.gate
        self._state = new_residents(
            contention.speeds,
            self._tables.demand,
            contention.parameters,
            loop_mode(sharing),
            sharing.quantum_s,
            self._tables.phases,
            batches,
            self._rows,
            self._tables.low,
            gate.may_start,
            self._tables.traits,
            gate.parameters,
            sharing.launch_s,
        )

    @property
    def kernel_boundaries(self) -> int:
        """Moments so far at which a kernel started or ended and speeds were computed anew."""
        return int(self._rows["boundaries"][self._present])

    def dispatch(self, batch: Batch, now_s: float) -> None:
        """Let a batch take a free slot at `now_s`, which must not lie beyond `next_finish_s`."""
        step_s = now_s - self._present_s
        if step_s > 0.0:
            for resident in self.residents:
                resident.duration_s += step_s
        self._close_overlap(now_s)
        self._present_s = self.changed_s = now_s
        batch.slot = slot = self._free.pop()
        self.residents.append(batch)
        first, last, process, share = (self._entry if batch.urgent else self._low_entry)[batch.variant.first]
        if batch.continues is not None:
            first = (self._tables.starts if batch.urgent else self._tables.low_starts)[batch.continues.operation]
        step_s = 0.0 if self._already_done else step_s
        if self.gating is not None:
            self._already_done |= gated_loop.advance(self._state, self._present, step_s)
            step_s = 0.0
        tie = kernel_loop.add(
            self._state, self._present, step_s, slot, first, last, batch.batch_id, batch.work * batch.noise, process,
            share,
        )  # fmt: skip
        self._already_done = self._already_done or tie

    def next_finish_s(self) -> float:
        """Run ahead to the next finish and return its time, infinity when nothing is resident."""
        if not self.residents:
            return math.inf
        self._ahead_s = 0.0 if self._already_done else self._loop.look_ahead(self._state, self._present)
        if not self._ahead_s < _NEVER_S:
            self._fail()
        return self._present_s + self._ahead_s

    def finished(self, now_s: float) -> list[Batch]:
        """Move to the finish that `next_finish_s` found, called `now_s`; return who is done, in order of batch id."""
        residents = self.residents
        if self._already_done:
            self._already_done = False
        else:
            self._present = 1 - self._present
            step_s = self._ahead_s
            for batch in residents:
                batch.duration_s += step_s
        self._present_s = now_s
        if len(residents) == 1:
            return [residents[0]]
        done = self._done
        return [batch for batch in residents if done[batch.slot]]

    def release(self, batch: Batch, now_s: float) -> None:
        """Free the slot of a batch that is done, or has been preempted."""
        self._close_overlap(now_s)
        self.changed_s = now_s
        if batch.preempted is None:
            batch.finished_s = now_s
        else:
            batch.left_s = now_s
        self.residents.remove(batch)
        self._free.append(batch.slot)

    def preempt(self, batch: Batch, at_boundary: bool, now_s: float) -> int | None:
        """Let a resident come to its end early: at once, or `at_boundary` when the operation that it runs has ended.

        It then holds its slot for as long as `sharing` says that takes, and is `finished` like any other.

        Returns
        -------
        The operation from which on it has not run; None if it comes to its own end by then.
        """
        step_s = max(0.0, now_s - self._present_s)
        for resident in self.residents:
            resident.duration_s += step_s
        self._present_s += step_s
        tie = self._loop.advance(self._state, self._present, 0.0 if self._already_done else step_s)
        phase = eviction.preempt(self._state, self._present, batch.slot, at_boundary, len(self._tables.phases) - 1)
        self._already_done = self._already_done or tie or bool(phase >= 0 and self._done[batch.slot])
        return None if phase < 0 else int(self._tables.operation[phase])

    def cut_off(self, now_s: float) -> None:
        """Close the last overlap at the end of the run."""
        self._close_overlap(now_s)

    def _close_overlap(self, now_s: float) -> None:
        residents = self.residents
        if residents and now_s > self.changed_s:
            overlap = Overlap(self.changed_s, now_s, tuple([batch.batch_id for batch in residents]))
            self._record_overlap(self.gpu, overlap)
            for batch in residents:
                batch.overlaps.append(overlap)

    def _fail(self) -> NoReturn:
        residents = ", ".join(f"{batch.model}@{batch.batch_size}" for batch in self.residents)
        raise ContentionError(
            f"contention {self._contention} at {self._present_s:.9g} s: {residents} would never finish (it granted "
            "speeds that are no numbers above 0); check it with isim.contention.checks.check_contention"
        )


class _Tables(NamedTuple):
    """What batches consist of; only read."""

    entry: dict[int, tuple[int, int, int, float]]
    """By the first operation of a batch: its phases, its process and the share of that."""
    low_entry: dict[int, tuple[int, int, int, float]]
    """The same of batches that are not urgent: others where a gate is."""
    demand: Floats
    """By phase."""
    phases: "np.ndarray[Any, np.dtype[np.void]]"
    operation: npt.NDArray[np.int64]
    """By phase."""
    starts: list[int]
    """The first phase by operation."""
    low_starts: list[int]
    low: int
    traits: Floats


def _tables(operations: Operations, contention: ContentionModel, sharing: Sharing, gating: Gating | None) -> _Tables:
    phases = Phases(operations, sharing.preemption_s, gated=gating is not None)
    demand = np.ascontiguousarray(contention.demand(operations)[phases.operation])
    return _Tables(
        _entries(operations, phases, sharing),
        _entries(operations, phases, sharing, low=True),
        demand,
        phases.table,
        phases.operation,
        phases.starts,
        phases.low_starts,
        phases.low,
        phases.by_phase(gating.traits) if gating is not None else np.zeros((0, 0)),
    )


def _entries(
    operations: Operations, phases: Phases, sharing: Sharing, low: bool = False
) -> dict[int, tuple[int, int, int, float]]:
    models = dict.fromkeys(model for model, _ in operations.variants)
    process = {model: number for number, model in enumerate(models)}
    return {
        variant.first: (*phases.span(variant.first, variant.last, low), process[model], sharing.share(model))
        for (model, _), variant in operations.variants.items()
    }
