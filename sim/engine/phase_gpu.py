"""A GPU on which every gap and every operation of a batch is dispatched by itself, to see when each ran."""

from collections.abc import Sequence

from isim.contention.contract import ContentionModel
from isim.engine.gpu import Gpu
from isim.operations import Operations, Variant
from isim.policies.policy import Overlap
from isim.sharing_modes import Sharing


class PhaseGpu(Gpu):
    """Advance single phases; whoever dispatches a batch dispatches its next phase when one has finished, at once.

    Parameters
    ----------
    slots, operations, contention, sharing
        As of `Gpu`.
    """

    def __init__(self, slots: int, operations: Operations, contention: ContentionModel, sharing: Sharing) -> None:
        super().__init__(0, slots, operations, contention, sharing, _unrecorded)
        whole = self._entry
        self._entry = self._low_entry = {
            phase: (phase, phase + 1, process, share)
            for first, last, process, share in whole.values()
            for phase in range(first, last)
        }
        self._of = {
            key: [
                Variant(*key, phase, phase + 1, variant.solo_s, variant.gap_s, 0.0)
                for phase in range(*whole[variant.first][:2])
            ]
            for key, variant in operations.variants.items()
        }

    def phases(self, model: str, batch_size: int) -> Sequence[Variant]:
        """Return the phases of a batch in order, as what is dispatched."""
        return self._of[model, batch_size]

    def operation(self, phase: Variant) -> int | None:
        """Return the operation that runs in a phase; None for a gap."""
        return int(self._tables.operation[phase.first]) if self._tables.phases["runs"][phase.first] else None


def _unrecorded(gpu: int, overlap: Overlap) -> None:
    """Keep no overlap: those of phases mean nothing."""
