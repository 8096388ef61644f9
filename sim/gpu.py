"""One GPU: its resident batches and how far each has come."""

import math
from collections.abc import Callable

import numpy as np

from isim import kernel_loop
from isim.batch import Batch
from isim.contention.contract import ContentionModel
from isim.operations import Operations
from isim.policies.policy import Overlap
from isim.sharing import held_gaps, loop_mode
from isim.sharing_modes import Sharing


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
    """

    def __init__(
        self,
        gpu: int,
        slots: int,
        operations: Operations,
        contention: ContentionModel,
        sharing: Sharing,
        record_overlap: Callable[[int, Overlap], None],
    ) -> None:
        self.gpu = gpu
        self.residents: list[Batch] = []
        self._free = list(range(slots - 1, -1, -1))
        self._record_overlap = record_overlap
        self._present_s = 0.0
        """The time the present row of the compiled state stands at."""
        self._changed_s = 0.0
        """Since when the set of residents is what it is."""
        self._ahead_s = math.inf
        """How far from the present the trial found the next finish."""
        self._already_done = False
        self._done = np.zeros(slots, dtype=np.bool_)
        self._count = np.zeros((2, 3), dtype=np.int64)
        self._present = np.zeros(1, dtype=np.int64)
        self._process = {
            model: (number, sharing.share(model))
            for number, model in enumerate(dict.fromkeys(model for model, _ in operations.variants))
        }
        self._in_turns = loop_mode(sharing) == kernel_loop.TURNS
        self._state = kernel_loop.new_residents(
            contention.speeds,
            contention.demand(operations),
            contention.parameters,
            operations.gap_s.copy(),  # those of the profile are read-only, since policies see it
            operations.duration_s.copy(),
            loop_mode(sharing),
            sharing.quantum_s,
            held_gaps(operations),
            self._done,
            self._count,
            self._present,
        )

    @property
    def kernel_boundaries(self) -> int:
        """Moments so far at which a kernel started or ended and speeds were computed anew."""
        return int(self._count[self._present[0], 2])

    def dispatch(self, batch: Batch, now_s: float) -> None:
        """Let a batch take a free slot at `now_s`, which must not lie beyond `next_finish_s`."""
        residents = self.residents
        if residents:
            step_s = now_s - self._present_s
            if step_s > 0.0:
                if not self._already_done:
                    self._already_done = kernel_loop.advance(self._state, step_s)
                for resident in residents:
                    resident.duration_s += step_s
            self._close_overlap(now_s)
        elif self._in_turns and now_s > self._present_s:
            kernel_loop.end_turn(self._state)  # time has passed in which nobody had anything to run
        self._present_s = self._changed_s = now_s
        batch.slot = slot = self._free.pop()
        residents.append(batch)
        model, _, first, last, _, _, _ = batch.variant
        process, share = self._process[model]
        kernel_loop.add(self._state, slot, first, last, batch.batch_id, batch.work * batch.noise, process, share)

    def next_finish_s(self) -> float:
        """Run ahead to the next finish and return its time, infinity when nothing is resident."""
        if not self.residents:
            return math.inf
        self._ahead_s = 0.0 if self._already_done else kernel_loop.look_ahead(self._state)
        return self._present_s + self._ahead_s

    def finished(self, now_s: float) -> list[Batch]:
        """Move to the finish that `next_finish_s` found, called `now_s`; return who is done, in order of batch id."""
        residents = self.residents
        if self._already_done:
            self._already_done = False
        else:
            kernel_loop.accept(self._state)
            step_s = self._ahead_s
            for batch in residents:
                batch.duration_s += step_s
        self._present_s = now_s
        if len(residents) == 1:
            return [residents[0]]
        done = self._done
        return [batch for batch in residents if done[batch.slot]]

    def release(self, batch: Batch, now_s: float) -> None:
        """Free the slot of a batch that is done."""
        self._close_overlap(now_s)
        self._changed_s = now_s
        batch.finished_s = now_s
        self.residents.remove(batch)
        self._free.append(batch.slot)

    def cut_off(self, now_s: float) -> None:
        """Close the last overlap at the end of the run."""
        if self.residents:
            self._close_overlap(now_s)

    def _close_overlap(self, now_s: float) -> None:
        if now_s > self._changed_s:
            residents = self.residents
            overlap = Overlap(self._changed_s, now_s, tuple([batch.batch_id for batch in residents]))
            self._record_overlap(self.gpu, overlap)
            for batch in residents:
                batch.overlaps.append(overlap)
