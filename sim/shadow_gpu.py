"""A GPU on the side, on which a predictor tries what will happen."""

import math

from numba import int64, njit, void

from isim import kernel_loop
from isim.batch import Batch
from isim.contention.contract import ContentionModel
from isim.gpu import Gpu
from isim.kernel_loop import RESIDENTS
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
        _copy(other._state, self._state)
        self._free = [*range(len(other._done), len(self._done)), *other._free]
        self._present_s, self._changed_s, self._ahead_s = other._present_s, other._changed_s, other._ahead_s
        self._already_done = other._already_done
        self.residents.clear()
        for batch in other.residents:
            if other._done[batch.slot] and not other._already_done:
                self._free.append(batch.slot)
                continue
            copied = Batch(batch.batch_id, batch.variant, batch.requests, batch.dispatched_s, batch.work, batch.noise)
            copied.duration_s, copied.slot = batch.duration_s, batch.slot
            self.residents.append(copied)
        return {batch.batch_id: batch for batch in self.residents}

    def clear(self) -> None:
        """Forget all residents, and whose turn it was."""
        for batch in self.residents:
            self._free.append(batch.slot)
        self.residents.clear()
        self._already_done = False
        _empty(self._state)

    def evict(self, batch: Batch, now_s: float) -> None:
        """Take a batch off that has not come to its end; nothing may finish before `now_s`."""
        step_s = now_s - self._present_s
        if step_s > 0.0:
            if not self._already_done:
                kernel_loop.advance(self._state, step_s)
            for resident in self.residents:
                resident.duration_s += step_s
            self._present_s = now_s
        _evict(self._state, batch.slot)
        self.residents.remove(batch)
        self._free.append(batch.slot)
        self._already_done = any(bool(self._done[resident.slot]) for resident in self.residents)

    def run(self, until_s: float = math.inf) -> None:
        """Let whatever finishes until then finish and leave."""
        while self.residents and (finish_s := self.next_finish_s()) <= until_s:
            for batch in self.finished(finish_s):
                self.release(batch, finish_s)


def _unrecorded(gpu: int, overlap: Overlap) -> None:
    """Keep no overlap of what did not happen."""


@njit(void(RESIDENTS, RESIDENTS), cache=True)
def _copy(s, to):  # type: ignore[no-untyped-def]
    """Make the state of one GPU that of another, which has at least as many slots."""
    slots = len(s.done)
    to.last[:slots] = s.last
    to.share[:slots] = s.share
    to.process[:slots] = s.process
    to.scale[:slots] = s.scale
    to.batch[:slots] = s.batch
    to.done[:slots] = s.done
    to.running_slot[:, :slots] = s.running_slot
    to.running[:, :slots] = s.running
    to.running_left_s[:, :slots] = s.running_left_s
    to.resting_slot[:, :slots] = s.resting_slot
    to.resting[:, :slots] = s.resting
    to.resting_left_s[:, :slots] = s.resting_left_s
    to.count[:] = s.count
    to.owner[:] = s.owner
    to.turn_left_s[:] = s.turn_left_s
    to.present[:] = s.present


@njit(void(RESIDENTS), cache=True)
def _empty(s):  # type: ignore[no-untyped-def]
    """Leave nobody on the GPU, and nobody's turn."""
    s.count[:, :2] = 0
    s.done[:] = False
    s.owner[:] = -1
    s.turn_left_s[:] = -1.0


@njit(void(RESIDENTS, int64), cache=True)
def _evict(s, slot):  # type: ignore[no-untyped-def]
    """Take the batch in a slot out of the present, keeping the order of the others."""
    row = s.present[0]
    kept = 0
    for k in range(s.count[row, 0]):
        if s.running_slot[row, k] != slot:
            s.running_slot[row, kept] = s.running_slot[row, k]
            s.running[row, kept] = s.running[row, k]
            s.running_left_s[row, kept] = s.running_left_s[row, k]
            kept += 1
    s.count[row, 0] = kept
    kept = 0
    for j in range(s.count[row, 1]):
        if s.resting_slot[row, j] != slot:
            s.resting_slot[row, kept] = s.resting_slot[row, j]
            s.resting[row, kept] = s.resting[row, j]
            s.resting_left_s[row, kept] = s.resting_left_s[row, j]
            kept += 1
    s.count[row, 1] = kept
    s.done[slot] = False
