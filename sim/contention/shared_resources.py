"""The demands of an operation on each resource that kernels and copies share."""

import numpy as np

from isim.contention.contract import Floats
from isim.operations import Operations


def shared_demands(operations: Operations, contention: str) -> Floats:
    """Return the demand of every operation on SMs, tensor pipes, L2, DRAM and the link in each direction.

    Columns `sm` and `l2`, `dram` are needed; `memory` stands for L2 and DRAM where only the composite was measured. A
    kernel whose `tensor` is null asks nothing of the tensor pipes. A copy asks only for the link of its direction (all
    of it where `pcie` is null).

    Returns
    -------
    demand
        (operations, 6), 0..1.

    Raises
    ------
    ContentionError
        A needed column is null.
    """
    tensor = np.where(np.isnan(operations.columns["tensor"]) | operations.is_copy, 0.0, operations.columns["tensor"])
    columns = [
        operations.needed("sm", None, contention),
        tensor,
        operations.needed("l2", "memory", contention),
        operations.needed("dram", "memory", contention),
        operations.link("memcpy_h2d"),
        operations.link("memcpy_d2h"),
    ]
    return np.ascontiguousarray(np.column_stack(columns))
