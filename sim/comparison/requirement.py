"""What a variant must keep at a load to sustain it."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from isim.comparison.pairs import HIGHER_IS_BETTER, LOWER_IS_BETTER
from isim.comparison.ranges import bounds
from isim.errors import FlagError

_TEXT = re.compile(r"\s*([a-z0-9_]+)\s*(>=|<=)\s*([0-9.eE+-]+)\s*")


class Requirement(NamedTuple):
    """A figure and its limit, such that more load breaks it sooner or later."""

    figure: str
    sign: str
    limit: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a requirement such as `attainment >= 0.99` or `latency_p99_s <= 0.05`.

        Raises
        ------
        FlagError
            It is not one.

        Examples
        --------
        >>> Requirement.parse("attainment >= 0.99").met({"attainment": 0.992})
        True
        """
        match = _TEXT.fullmatch(text)
        try:
            limit = float(match[3]) if match else float("nan")
        except ValueError:
            limit = float("nan")
        if match is None or not abs(limit) < float("inf"):
            raise FlagError(
                f"capacity: not a requirement (found {text!r}); write FIGURE >= NUMBER or FIGURE <= NUMBER, a bare "
                "number in the unit of the figure's name, such as 'attainment >= 0.99' (0 to 1) or "
                "'latency_p99_s <= 0.01' (seconds)"
            )
        figures = {">=": ("attainment",), "<=": LOWER_IS_BETTER}[match[2]]
        if match[1] not in figures:
            both = " or ".join(f"{name} >=" for name in HIGHER_IS_BETTER[:1])
            raise FlagError(
                f"capacity: nothing that more load breaks (found '{match[1]} {match[2]}'); write {both}, or one of "
                f"{', '.join(LOWER_IS_BETTER)} with <="
            )
        least, most = bounds(match[1])
        if not least <= limit <= most:
            raise FlagError(
                f"capacity: a limit that the figure cannot reach (found {text!r}); write one from {least:g} to {most:g}"
            )
        return cls(match[1], match[2], limit)

    def __str__(self) -> str:
        return f"{self.figure} {self.sign} {self.limit:g}"

    def met(self, figures: Mapping[str, Any]) -> bool:
        """Return whether the figures keep it; a figure that nothing finished to make does not."""
        value = figures.get(self.figure)
        if value is None:
            return False
        return bool(value >= self.limit if self.sign == ">=" else value <= self.limit)
