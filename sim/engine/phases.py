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

    Attributes
    ----------
    table
        One record of `isim.engine.residents.PHASE` a phase; the last is the eviction of a batch that is preempted.
    operation
        Which operation each phase belongs to; an eviction to none.
    starts
        By operation, its first phase.

    Examples
    --------
    See `isim.engine.gpu.Gpu`, which hands them to the compiled loop.
    """

    def __init__(self, operations: Operations, eviction_s: float) -> None:
        duration_s = np.column_stack([operations.gap_s, operations.duration_s]).ravel()
        lasting = np.flatnonzero(duration_s > 0.0)
        self.operation: npt.NDArray[np.int64] = lasting // 2
        self.table = np.zeros(len(lasting) + 1, dtype=PHASE)
        self.table["duration_s"] = [*duration_s[lasting], eviction_s]
        self.table["runs"][:-1] = lasting % 2
        self.table["held"][:-1] = (lasting % 2 == 0) & held_gaps(operations)[self.operation]
        self.starts: list[int] = np.searchsorted(self.operation, np.arange(len(operations.gap_s) + 1)).tolist()

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Return the first phase of a series of operations, and the phase after its last."""
        return self.starts[first], self.starts[last]
