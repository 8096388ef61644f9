"""A rate that is linear in pieces, integrated and inverted without approximation."""

from typing import Self

import numpy as np

from isim.traces.generators.process import Floats


class LinearRate:
    """Hold a rate that runs from `left` to `right` in each piece; after the last piece it stays, or starts anew.

    Parameters
    ----------
    edges_s
        Where pieces start and end, in seconds, ascending from 0; one more than pieces.
    left, right
        The rate at the start and just before the end of each piece, at least 0, in units of the mean.
    repeats
        Whether the pieces come again and again.

    Examples
    --------
    >>> ramp = LinearRate(np.array([0.0, 10.0]), np.array([0.0]), np.array([2.0]))
    >>> ramp.time_s(np.array([2.5, 10.0]))
    array([ 5., 10.])
    >>> ramp.area_s(np.array([5.0, 10.0]))
    array([ 2.5, 10. ])
    >>> levels = np.array([1.0, 3.0])
    >>> LinearRate.of_mean_1(np.array([0.0, 1.0, 2.0]), levels, levels).area_s(np.array([1.0]))
    array([0.5])
    """

    def __init__(self, edges_s: Floats, left: Floats, right: Floats, repeats: bool = False) -> None:
        self._edges_s = edges_s
        self._left = left
        self._slope = (right - left) / np.diff(edges_s)
        self._areas_s = np.concatenate([[0.0], np.cumsum((left + right) / 2 * np.diff(edges_s))])
        self._last = float(right[-1])
        self._repeats = repeats

    @classmethod
    def of_mean_1(cls, edges_s: Floats, left: Floats, right: Floats, repeats: bool = False) -> Self:
        """Return the curve of this shape whose mean over all pieces is 1; the levels are relative to each other."""
        mean = float(np.sum((left + right) / 2 * np.diff(edges_s)) / edges_s[-1])
        return cls(edges_s, left / mean, right / mean, repeats)

    def area_s(self, time_s: Floats) -> Floats:
        """Return the rate integrated from 0 to each time, in seconds at the mean rate."""
        turns, time_s = self._turn(time_s, self._edges_s[-1])
        piece = np.clip(np.searchsorted(self._edges_s, time_s, side="right") - 1, 0, len(self._left) - 1)
        into_s = np.minimum(time_s, self._edges_s[-1]) - self._edges_s[piece]
        inside = self._areas_s[piece] + into_s * (self._left[piece] + self._slope[piece] * into_s / 2)
        return np.asarray(turns * self._areas_s[-1] + inside + np.maximum(time_s - self._edges_s[-1], 0) * self._last)

    def time_s(self, area_s: Floats) -> Floats:
        """Return when the integral reaches each value."""
        turns, area_s = self._turn(area_s, self._areas_s[-1])
        piece = np.clip(np.searchsorted(self._areas_s, area_s, side="right") - 1, 0, len(self._left) - 1)
        left, width_s = self._left[piece], np.diff(self._edges_s)[piece]
        missing = np.maximum(np.minimum(area_s, self._areas_s[-1]) - self._areas_s[piece], 0)
        # The root of left x + slope x^2 / 2 = missing, in the form that loses no digits and needs no case for slope 0.
        root = left + np.sqrt(np.maximum(left**2 + 2 * self._slope[piece] * missing, 0))
        into_s = np.minimum(np.divide(2 * missing, root, out=np.zeros_like(root), where=root > 0), width_s)
        beyond = np.maximum(area_s - self._areas_s[-1], 0)
        after_s = np.divide(beyond, self._last, out=np.zeros_like(beyond), where=beyond > 0)
        return np.asarray(turns * self._edges_s[-1] + self._edges_s[piece] + into_s + after_s)

    def _turn(self, position: Floats, whole: float) -> tuple[Floats, Floats]:
        """Return how often the pieces have been passed, and the position in the present turn."""
        if not self._repeats:
            return np.zeros_like(position), position
        turns = np.floor(position / whole)
        return turns, np.maximum(position - turns * whole, 0)
