"""A GPU on the side, on which a predictor tries what will happen."""

import math

from isim.contention.contract import ContentionModel
from isim.engine import eviction
from isim.engine.batch import Batch
from isim.engine.gpu import Gpu
from isim.engine.residents import VACANT, copy_residents, is_resident
from isim.operations import Operations
from isim.policies.policy import Overlap
from isim.sharing_modes import Sharing


class ShadowGpu(Gpu):
    """A GPU that can be set to where another stands, and from which batches can be taken before they are done.

    Parameters
    ----------
    slots, operations, contention, sharing
        As of `Gpu`.
    """

    def __init__(self, slots: int, operations: Operations, contention: ContentionModel, sharing: Sharing) -> None:
        super().__init__(0, slots, operations, contention, sharing, _unrecorded)
        self.variants = operations.variants
        self._made = slots, operations, contention, sharing

    def stand_as(self, other: Gpu) -> dict[int, Batch]:
        """Take over the residents of another GPU, and how far each has come.

        Parameters
        ----------
        other
            Of the same operations, contention and sharing, and of no more slots.

        Returns
        -------
        The copies of its residents, by batch id, without those that are done and have only not left yet.
        """
        if other.gating is not self.gating:
            super().__init__(0, *self._made, _unrecorded, None, other.gating)
        copy_residents(other._state, self._state)
        self._free = [*range(len(other._done), len(self._done)), *other._free]
        self._present, self._already_done = other._present, other._already_done
        self._present_s, self.changed_s, self._ahead_s = other._present_s, other.changed_s, other._ahead_s
        self.residents.clear()
        leaving = not other._already_done and other._rows["residents"][other._present] < len(other.residents)
        for batch in other.residents:
            if leaving and not is_resident(other._state, other._present, batch.slot):
                self._free.append(batch.slot)
                continue
            copied = Batch(batch.batch_id, batch.variant, batch.requests, batch.dispatched_s, batch.work, batch.noise)
            copied.duration_s, copied.slot = batch.duration_s, batch.slot
            self.residents.append(copied)
        return {batch.batch_id: batch for batch in self.residents}

    def clear(self) -> None:
        """Forget all residents, and whose turn it was."""
        self._free += [batch.slot for batch in self.residents]
        self.residents.clear()
        self._already_done = False
        self._done[:] = 0
        for name, value in (("residents", 0), ("running", 0), ("owner", -1), ("turn_left_s", VACANT)):
            self._rows[name] = value

    def evict(self, batch: Batch, now_s: float) -> None:
        """Take a batch off that has not come to its end; nothing may finish before `now_s`."""
        step_s = max(0.0, now_s - self._present_s)
        for resident in self.residents:
            resident.duration_s += step_s
        self._present_s += step_s
        self._loop.advance(self._state, self._present, 0.0 if self._already_done else step_s)
        eviction.take_off(self._state, self._present, batch.slot)
        self._done[batch.slot] = 0
        self.residents.remove(batch)
        self._free.append(batch.slot)
        self._already_done = any(self._done[resident.slot] for resident in self.residents)

    def run(self, until_s: float = math.inf) -> None:
        """Let whatever finishes until then finish and leave."""
        while self.residents and (finish_s := self.next_finish_s()) <= until_s:
            for batch in self.finished(finish_s):
                self.release(batch, finish_s)


def _unrecorded(gpu: int, overlap: Overlap) -> None:
    """Keep no overlap of what did not happen."""
