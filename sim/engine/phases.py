"""What batches of every (model, batch size) do one after another, as the compiled loop is told."""

import numpy as np
import numpy.typing as npt

from isim.engine.residents import PHASE
from isim.engine.sharing import held_gaps
from isim.operations import Operations


class Phases:
    """Divide operations into what takes time: the gap before one, and then its work.

    Parameters
    ----------
    eviction_s
        How long a preempted batch holds its place before it is gone.
    gated
        Whether a gate is asked about kernels of batches that are not urgent. Then the phases of such batches follow
        those of urgent ones.

    Attributes
    ----------
    table
        One record of `isim.engine.residents.PHASE` a phase; the last is the eviction of a batch that is preempted.
    operation
        Which operation each phase belongs to; an eviction to none.
    starts
        By operation, its first phase.
    low_starts
        The same of batches that are not urgent: others where a gate is.

    Examples
    --------
    See `isim.engine.gpu.Gpu`, which hands them to the compiled loop.
    """

    def __init__(self, operations: Operations, eviction_s: float, gated: bool = False) -> None:
        all_s = np.column_stack([operations.gap_s, operations.duration_s]).ravel()
        lasting = np.flatnonzero(all_s > 0.0)
        every = np.tile(lasting, 2 if gated else 1)
        self.operation: npt.NDArray[np.int64] = every // 2
        self.table = np.zeros(len(every) + 1, dtype=PHASE)
        self.table["duration_s"] = [*all_s[every], eviction_s]
        works = every % 2
        self.table["runs"][:-1] = works
        self.table["held"][:-1] = (works == 0) & held_gaps(operations)[self.operation]
        self._first = np.zeros(len(operations.gap_s), dtype=np.bool_)
        """Which operations are the first of a batch."""
        self._first[[variant.first for variant in operations.variants.values()]] = True
        self.starts: list[int] = np.searchsorted(lasting // 2, np.arange(len(operations.gap_s) + 1)).tolist()
        self.low_starts = self.starts
        self.low = -1
        """The first phase of a batch that is not urgent; -1 without a gate."""
        if gated:
            self.low = len(lasting)
            self.low_starts = [self.low + start for start in self.starts]
            asked = operations.kinds == "kernel"
            self.table["asked"][self.low : -1] = (works == 1)[self.low :] & asked[self.operation[self.low :]]
            self.table["runs"] -= self.table["asked"]

    def span(self, first: int, last: int, low: bool = False) -> tuple[int, int]:
        """Return the first phase of a series of operations, and the phase after its last."""
        starts = self.low_starts if low else self.starts
        return starts[first], starts[last]

    def by_phase(self, traits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return, from one row an operation, one a phase: in a gap that of the one before, NaN before the first."""
        works = (self.table["runs"] + self.table["asked"])[:-1] == 1
        before = self.operation - ~works
        found = np.full((len(self.operation), traits.shape[1]), np.nan)
        known = works | ~self._first[self.operation]
        found[known] = traits[before[known]]
        return found
