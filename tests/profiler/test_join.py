"""Counters find their kernels by what both runs know of them, or are counted as unmatched."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from isim.profiler.device.contract import KernelCounters
from isim.profiler.join import joined

NAMES = {"void ns::gemm<float>(int)": "gemm", "add(float*)": "add", "copy[v1](int)": "copy"}
KERNELS = st.lists(st.tuples(st.sampled_from(sorted(NAMES)), st.sampled_from([80, 160])), max_size=12)


def row(name: str, grid: int, kind: str = "kernel") -> dict[str, Any]:
    return {"kind": kind, "name": name, "grid": grid, "block": 256, "duration_ns": 10}


@given(kernels=KERNELS, copies=st.integers(0, 3))
def test_the_same_kernels_match_whatever_they_are_called(kernels: list[tuple[str, int]], copies: int) -> None:
    rows = [row("memcpy", 0, "memcpy_h2d")] * copies + [row(*kernel) for kernel in kernels]
    counters = [KernelCounters(NAMES[name], grid, 256, {"sm": i / 100}) for i, (name, grid) in enumerate(kernels)]
    result = joined(rows, counters)
    assert [one.get("sm") for one in result.rows] == [None] * copies + [i / 100 for i in range(len(kernels))]
    assert (result.matched, result.without_counters, result.unused_counters) == (len(kernels), {}, {})


@given(kernels=KERNELS, lost=st.integers(0, 11))
def test_a_kernel_that_one_run_lacks_shifts_nothing(kernels: list[tuple[str, int]], lost: int) -> None:
    if lost >= len(kernels):
        return
    counters = [KernelCounters(name, grid, 256, {"sm": i / 100}) for i, (name, grid) in enumerate(kernels)]
    result = joined([row(*kernel) for kernel in kernels], counters[:lost] + counters[lost + 1 :])
    for i, kernel in enumerate(kernels):
        # Which of several equal kernels was lost is unknown, so none of them is given counters.
        assert result.rows[i].get("sm") == (None if kernel == kernels[lost] else i / 100)
    same = kernels.count(kernels[lost])
    assert result.matched == len(kernels) - same
    assert sum(result.without_counters.values()) == same
    assert sum(result.unused_counters.values()) == same - 1


def test_another_grid_is_another_kernel() -> None:
    result = joined([row("gemm", 80)], [KernelCounters("gemm", 160, 256, {"sm": 0.5})])
    assert (result.matched, result.without_counters, result.unused_counters) == (0, {"gemm": 1}, {"gemm": 1})
