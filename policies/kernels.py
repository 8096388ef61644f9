"""What a profile holds of the operations of a batch."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Kernels(NamedTuple):
    """The operations of a batch in launch order, as the profile holds them; one element each, shape (operations,)."""

    gap_s: Floats
    """Time before each in which the GPU does nothing for the batch."""
    duration_s: Floats
    resources: Mapping[str, Floats]
    """By resource (`sm`, `memory`, `tensor`, `l2`, `dram`, `pcie`, `sm_needed`): 0..1 of peak; NaN = not measured."""
