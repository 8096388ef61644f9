"""Answers that are asked for again and again."""

from collections.abc import Callable, Hashable, Sequence

_MOST = 4096
"""Answers that are kept; with execution noise hardly one is asked for twice."""


class Remembered:
    """Keep durations found for the same question, and forget all of them once there are too many.

    Examples
    --------
    >>> remembered = Remembered()
    >>> remembered.get("a", lambda: [0.5]), remembered.get("a", lambda: [0.7])
    ([0.5], [0.5])
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[float, ...]] = {}

    def get(self, question: Hashable, find_s: Callable[[], Sequence[float]]) -> list[float]:
        """Return the answer to a question, seconds, found if it is not known."""
        known = self._known.get(question)
        if known is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[question] = known = tuple(find_s())
        return [*known]
