"""When enough replications have run: a target for the half-width of intervals."""

import re
from typing import NamedTuple, Self

from isim.comparison.comparison import Comparison
from isim.comparison.pairs import RANKING
from isim.errors import FlagError
from isim.statistics import interval

_TARGET = re.compile(r"\s*([a-z0-9_]+)\s*<=?\s*([0-9.eE+-]+)\s*(%?)\s*")


class HalfWidth(NamedTuple):
    """How narrow the intervals of a figure are to be, and how many replications may be spent on it."""

    figure: str
    limit: float
    """In the figure's unit, or as a part of the mean."""
    relative: bool
    most: int = 100
    """Replications after which to stop all the same."""

    @classmethod
    def parse(cls, text: str, most: int = 100) -> Self:
        """Read a target such as `attainment <= 0.002` or `latency_p99_s <= 5%`.

        Raises
        ------
        FlagError
            It is not one.

        Examples
        --------
        >>> HalfWidth.parse("latency_p99_s <= 5%")
        HalfWidth(figure='latency_p99_s', limit=0.05, relative=True, most=100)
        """
        match = _TARGET.fullmatch(text)
        try:
            limit = float(match[2]) if match else 0.0
        except ValueError:
            limit = 0.0
        if match is None or not 0 < limit < float("inf"):
            raise FlagError(
                f"half-width: not a target (found {text!r}); write FIGURE <= NUMBER, such as 'attainment <= 0.002' "
                "or 'latency_p99_s <= 5%'"
            )
        if match[1] not in RANKING:
            raise FlagError(f"half-width: no such figure (found {match[1]!r}); choose of {', '.join(RANKING)}")
        return cls(match[1], limit / 100 if match[3] else limit, bool(match[3]), most)

    def __str__(self) -> str:
        limit = f"{self.limit:.3%}" if self.relative else f"{self.limit:g}"
        return f"{self.figure} <= {limit}"

    def reached(self, found: Comparison) -> bool:
        """Return whether the interval of every variant is as narrow as wanted."""
        for variant in found.variants:
            values = found.values(variant, self.figure)
            # Not that of the comparison, which ends where the figure does.
            whole = interval(values) if values is not None else None
            if whole is None or whole.high is None:
                return False
            if whole.high - whole.mean > self.limit * (abs(whole.mean) if self.relative else 1.0):
                return False
        return True
