"""What a GPU does with a contention model that grants no speed."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit
from worlds import kernel, profile_of, simulate

from isim.contention.contract import SPEEDS
from isim.errors import ContentionError
from isim.operations import Operations
from isim.policies.fcfs import Fcfs
from isim.traces.trace import Trace
from isim.workload import Replay


@njit(SPEEDS)
def _no_number(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    for k in range(count):
        speed[k] = np.nan


class NoNumber:
    """Grant kernels that run together a speed that is no number."""

    name = "no-number"
    speeds: Any = staticmethod(_no_number)
    parameters: npt.NDArray[np.float64] = np.zeros(1)

    def demand(self, operations: Operations) -> npt.NDArray[np.float64]:
        return np.zeros((len(operations.duration_s), 1))


def test_a_batch_that_never_finishes_is_the_contention_models_fault() -> None:
    profile = profile_of({(model, 1): [kernel(1_000_000)] for model in "ab"})
    requests = Replay(Trace.from_columns(arrival_ns=[0, 500_000], model=["a", "b"]))
    with pytest.raises(ContentionError, match=r"contention no-number at 0\.0005 s: a@1, b@1 would never finish"):
        simulate(profile, requests, Fcfs(), NoNumber(), slots=2)
