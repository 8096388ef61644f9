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
    launch_s
        What a kernel of a batch that is not urgent pays to be asked about, where a gate is; None where none is. Then
        the phases of such batches follow those of urgent ones.

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

    def __init__(self, operations: Operations, eviction_s: float, launch_s: float | None = None) -> None:
        parts = [_Part(operations.gap_s, operations.duration_s)]
        if launch_s is not None:
            asked = operations.kinds == "kernel"
            parts.append(_Part(operations.gap_s + np.where(asked, launch_s, 0.0), operations.duration_s))
        count = sum(len(part.lasting) for part in parts)
        self.operation: npt.NDArray[np.int64] = np.concatenate([part.lasting // 2 for part in parts])
        self.table = np.zeros(count + 1, dtype=PHASE)
        self.table["duration_s"] = np.concatenate([*(part.durations_s for part in parts), [eviction_s]])
        works = np.concatenate([part.lasting % 2 for part in parts])
        self.table["runs"][:-1] = works
        self.table["held"][:-1] = (works == 0) & held_gaps(operations)[self.operation]
        self._first = np.zeros(len(operations.gap_s), dtype=np.bool_)
        """Which operations are the first of a batch."""
        self._first[[variant.first for variant in operations.variants.values()]] = True
        self.starts = parts[0].starts
        self.low_starts = self.starts
        self.low = -1
        """The first phase of a batch that is not urgent; -1 without a gate."""
        if launch_s is not None:
            self.low = len(parts[0].lasting)
            self.low_starts = [self.low + start for start in parts[1].starts]
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


class _Part:
    """The phases of all batches of one class."""

    def __init__(self, gap_s: npt.NDArray[np.float64], duration_s: npt.NDArray[np.float64]) -> None:
        all_s = np.column_stack([gap_s, duration_s]).ravel()
        self.lasting = np.flatnonzero(all_s > 0.0)
        self.durations_s = all_s[self.lasting]
        self.starts: list[int] = np.searchsorted(self.lasting // 2, np.arange(len(gap_s) + 1)).tolist()
