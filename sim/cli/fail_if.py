"""`--fail-if`: a condition on a figure of a report."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import click

_CONDITION = re.compile(r"\s*([a-z0-9_]+(?:\.[^\s<>=]+)*)\s*(<=|>=|<|>)\s*([0-9.eE+-]+)\s*")


class Condition(NamedTuple):
    """A figure, how it is compared, and with what.

    Examples
    --------
    >>> condition = Condition.parse("mape > 0.1")
    >>> condition.holds({"mape": 0.2}), condition.holds({"mape": 0.05})
    (True, False)
    """

    figure: str
    """One inside another is named after it: `by_size.3.mape`."""
    sign: str
    limit: float

    @classmethod
    def parse(cls, text: str | None) -> "Condition | None":
        """Read a condition such as `mape > 0.1`; None without one.

        Raises
        ------
        click.BadParameter
            It is not one.
        """
        if text is None:
            return None
        found = _CONDITION.fullmatch(text)
        try:
            return cls(found[1], found[2], float(found[3])) if found else cls._refuse(text)
        except ValueError:
            return cls._refuse(text)

    def holds(self, figures: Mapping[str, Any]) -> bool:
        """Return whether it holds of the figures.

        Raises
        ------
        click.BadParameter
            There is no such figure, or it is not a number.
        """
        value = self._value(figures)
        return {
            "<": value < self.limit,
            ">": value > self.limit,
            "<=": value <= self.limit,
            ">=": value >= self.limit,
        }[self.sign]

    def leave_if(self, holds: bool, figures: Mapping[str, Any]) -> None:
        """Say that it holds and exit with 3, if it does."""
        if holds:
            said = f"{self.figure} {self.sign} {self.limit:g} (found {self._value(figures):.4g})"
            click.echo(f"isim: {said}", err=True)
            raise SystemExit(3)

    def _value(self, figures: Mapping[str, Any]) -> float:
        inside: Any = figures
        for name in self.figure.split("."):
            inside = inside.get(name) if isinstance(inside, Mapping) else None
        if not isinstance(inside, int | float):
            names = ", ".join(name for name, each in figures.items() if isinstance(each, int | float))
            raise click.BadParameter(f"no such figure (found {self.figure!r}); choose of {names}", param_hint=_FLAG)
        return inside

    @staticmethod
    def _refuse(text: str) -> "Condition":
        raise click.BadParameter(f"not a condition (found {text!r}); write FIGURE > NUMBER", param_hint=_FLAG)


_FLAG = "--fail-if"
