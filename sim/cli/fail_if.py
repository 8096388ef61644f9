"""`--fail-if`: a condition on a figure of a report."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import click

CHANGE = "minus_baseline_"
"""Before the name of a figure: its difference to the baseline."""
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
        known = dict(_flat(figures))
        value = known.get(self.figure)
        if not isinstance(value, int | float):
            what = "no value here" if self.figure in known else "no such figure"
            near = difflib.get_close_matches(self.figure, known, 1)
            advice = f"did you mean {near[0]}? " if near and self.figure not in known else ""
            raise click.BadParameter(
                f"{what} (found {self.figure!r}); {advice}choose of {', '.join(self._listed(known))}", param_hint=_FLAG
            )
        return value

    def _listed(self, known: Mapping[str, Any]) -> list[str]:
        """Return the figures there are, as far inside others as the one asked for leads."""
        parts = self.figure.split(".")
        groups = (".".join([*parts[:depth], ""]) for depth in range(len(parts) - 1, 0, -1))
        inside = next((group for group in groups if any(name.startswith(group) for name in known)), "")
        found = []
        for name, value in known.items():
            head, dot, _ = name.removeprefix(inside).partition(".")
            if name.startswith(inside) and isinstance(value, int | float):
                found.append(f"{CHANGE}*" if head.startswith(CHANGE) else f"{inside}{head}{'.*' if dot else ''}")
        return list(dict.fromkeys(found))

    @staticmethod
    def _refuse(text: str) -> "Condition":
        raise click.BadParameter(
            f"not a condition (found {text!r}); write FIGURE > NUMBER, {_NUMBER}", param_hint=_FLAG
        )


@contextmanager
def and_then(leave: Callable[[], None]) -> Iterator[None]:
    """Show an answer, and then leave with the verdict on it, also if who was to read the answer has gone.

    Parameters
    ----------
    leave
        Exits with 3 if the verdict is "no".

    Examples
    --------
    >>> with and_then(lambda: print("no")):
    ...     print("the answer")
    the answer
    no
    """
    try:
        yield
    except (BrokenPipeError, SystemExit):  # rich makes the one of the other
        leave()
        raise
    leave()


def _flat(figures: Mapping[str, Any], inside: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{inside}{name}.")
        elif value is None or isinstance(value, int | float):
            yield f"{inside}{name}", value


_FLAG = "--fail-if"
_NUMBER = "a bare number in the unit of the figure's name (0.01 for 10ms, 0.1 for 10%)"
