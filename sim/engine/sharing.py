"""What the processes of one GPU may hold of it, as the compiled loop is told."""

import numpy as np
import numpy.typing as npt

from isim.engine import kernel_loop
from isim.operations import Operations
from isim.sharing_modes import Sharing

HELD_SHARE = 0.25
"""A process keeps its turn through a gap of at most this part of its batch.

Two BERT processes on a V100 slow each other by 2.06 though a tenth of each batch is time of the host, so that this gap
is not given away; two ViT processes, whose gap is seven tenths, slow each other by 1.05. Anything between is as good.
"""


def loop_mode(sharing: Sharing) -> int:
    """Return what the compiled loop calls a mode; one slot is all that makes `exclusive` differ from `streams`."""
    if sharing.mode == "time-slicing":
        return kernel_loop.TURNS
    return kernel_loop.PARTITIONS if sharing.shares else kernel_loop.STREAMS


def held_gaps(operations: Operations) -> npt.NDArray[np.bool_]:
    """Return, by operation, whether a process keeps its turn through the gap before it."""
    held = np.zeros(len(operations.gap_s), dtype=np.bool_)
    for variant in operations.variants.values():
        own = slice(variant.first, variant.last)
        held[own] = operations.gap_s[own] <= HELD_SHARE * variant.solo_s
    return held
