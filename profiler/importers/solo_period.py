"""Fit kernels that were recorded one by one to the time that their batch takes alone."""

from typing import Any

from isim.errors import ProfileError

LONGEST_S = 1e6


def fit_to_period(kernels: list[dict[str, Any]], solo_period_s: float | None, where: str) -> tuple[float, list[str]]:
    """Put what the solo period exceeds the kernels by before the first one, or scale the kernels down to it.

    Raises
    ------
    ProfileError
        The solo period is longer than any batch takes.

    Returns
    -------
    scale, notes
        What the durations were multiplied by, and what to tell of it.

    Examples
    --------
    >>> kernels = [{"duration_ns": 700, "gap_ns": 0}, {"duration_ns": 200, "gap_ns": 0}]
    >>> fit_to_period(kernels, 1e-6, "bert"), kernels[0]["gap_ns"]
    ((1.0, []), 100)
    """
    if solo_period_s is None:
        return 1.0, []
    if not solo_period_s <= LONGEST_S:
        raise ProfileError(
            f"{where}: the solo period is longer than a batch takes (found {solo_period_s:g} s, at most "
            f"{LONGEST_S:g} s); state what was measured"
        )
    period_ns, kernels_ns = round(solo_period_s * 1e9), sum(kernel["duration_ns"] for kernel in kernels)
    if kernels_ns <= period_ns:
        kernels[0]["gap_ns"] = period_ns - kernels_ns
        return 1.0, []
    scale = period_ns / kernels_ns
    for kernel in kernels:
        kernel["duration_ns"] = round(kernel["duration_ns"] * scale)
    note = (
        f"{where}: kernels take {kernels_ns / 1e6:.3f} ms, more than the solo period of {period_ns / 1e6:.3f} ms; "
        f"their durations were scaled by {scale:.4f}"
    )
    return scale, [note]
