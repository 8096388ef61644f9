"""What the flags of several commands accept: durations, rates, weights, objectives, modes and pictures."""

import difflib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from isim.errors import IsimError
from isim.units import parse_rate_rps, parse_seconds

EVERY_MODEL = "*"
"""The key under which `Slo` files an objective that names no model."""


class _Positive(click.ParamType[float]):
    """A positive, finite quantity with its unit."""

    example: str

    def __init__(self, zero: bool = False) -> None:
        self._zero = zero
        """Whether it may be 0."""

    def parse(self, text: str) -> float:
        raise NotImplementedError

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        try:
            quantity = self.parse(value)
        except IsimError as error:
            self.fail(str(error).partition(": ")[2], param, ctx)  # click names the flag itself
        if not (0 < quantity < math.inf or (self._zero and quantity == 0)):
            what = "negative or not finite" if self._zero else "not positive and finite"
            self.fail(f"{what} (found {value!r}); write one such as {self.example}", param, ctx)
        return quantity


class Seconds(_Positive):
    """A duration such as `5ms` or `2s`, in seconds.

    Examples
    --------
    >>> Seconds()("5ms")
    0.005
    """

    name = "duration"
    example = "5ms"

    def parse(self, text: str) -> float:
        return parse_seconds(text)


class Rate(_Positive):
    """A rate such as `200rps`, in requests per second.

    Examples
    --------
    >>> Rate()("1.5krps")
    1500.0
    """

    name = "rate"
    example = "200rps"

    def parse(self, text: str) -> float:
        return parse_rate_rps(text)


class Number(click.ParamType[float]):
    """A finite number in a range.

    Examples
    --------
    >>> Number(least=1)("2.5")
    2.5
    """

    name = "number"

    def __init__(self, more_than: float = -math.inf, least: float = -math.inf, most: float = math.inf) -> None:
        self._more_than, self._least, self._most = more_than, least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and self._more_than < number and self._least <= number <= self._most):
            limits = {"more than": self._more_than, "at least": self._least, "at most": self._most}
            said = " and ".join(f"{words} {limit:g}" for words, limit in limits.items() if math.isfinite(limit))
            self.fail(f"must be a number {said} (found {value!r}); correct it", param, ctx)
        return number


class RecordedSharing(click.ParamType[str]):
    """A sharing mode that a recording may be of.

    Parameters
    ----------
    shares
        Whether `mps:shares`, with members held to a part of the SMs, is one of them.

    Examples
    --------
    >>> RecordedSharing(shares=True)("mps:shares")
    'mps:shares'
    """

    name = "mode"

    def __init__(self, shares: bool) -> None:
        self._shares = shares

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from isim.profiler.recording_schema import SHARINGS

        modes = (*SHARINGS, "mps:shares") if self._shares else SHARINGS
        if value not in modes:
            near = difflib.get_close_matches(str(value), modes, 1)
            choose = f"did you mean {near[0]!r}?" if near else f"choose {', '.join(map(repr, modes))}"
            self.fail(f"no such choice (found {value!r}); {choose}", param, ctx)
        return str(value)


class SvgPath(click.ParamType[Path]):
    """Where to draw, by a name under which people look for SVG.

    Examples
    --------
    >>> SvgPath()("errors.svg").name
    'errors.svg'
    """

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path: Path = click.Path(path_type=Path, dir_okay=False).convert(value, param, ctx)
        if path.suffix.lower() != ".svg":
            self.fail(f"what is drawn is SVG (found {str(path)!r}); choose a name that ends in .svg", param, ctx)
        return path


class _PerModel(click.ParamType[dict[str, float]]):
    """Entries `MODEL=quantity` between commas, in the order written."""

    example: str

    def entry(self, model: str, quantity: str) -> tuple[str, float]:
        """Return the model and its quantity; `model` is empty where the entry has no `=`."""
        raise NotImplementedError

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, float]:
        if isinstance(value, dict):
            return value

        def refuse(why: str) -> NoReturn:
            self.fail(f"{why} (found {value!r}); write {self.name}, such as {self.example}", param, ctx)

        quantities: dict[str, float] = {}
        for text in value.split(","):
            model, equals, right = (part.strip() for part in text.rpartition("="))
            if not right or bool(equals) > bool(model):
                refuse("an entry is empty")
            try:
                model, quantity = self.entry(model, right)
            except (IsimError, ValueError):
                refuse(f"cannot read {right!r}")
            if not 0 < quantity < math.inf:
                refuse(f"{right!r} is not positive and finite")
            if model in quantities:
                refuse(f"{model!r} stands there twice")
            quantities[model] = quantity
        return quantities


class Weights(_PerModel):
    """Models and their weights; a bare model weighs 1.

    Examples
    --------
    >>> Weights()("resnet50=3,bert")
    {'resnet50': 3.0, 'bert': 1.0}
    """

    name = "MODEL=WEIGHT,..."
    example = "resnet50=3,bert=1"

    def entry(self, model: str, quantity: str) -> tuple[str, float]:
        return (model, float(quantity)) if model else (quantity, 1.0)


class Slo(_PerModel):
    """Objectives for the latency of models, in seconds; one without a model is filed under `EVERY_MODEL`.

    Examples
    --------
    >>> Slo()("50ms,bert=0.1s")
    {'*': 0.05, 'bert': 0.1}
    """

    name = "[MODEL=]DURATION,..."
    example = "50ms or resnet50=50ms,bert=100ms"

    def entry(self, model: str, quantity: str) -> tuple[str, float]:
        return model or EVERY_MODEL, parse_seconds(quantity)


def merged(ctx: click.Context, param: click.Parameter, values: Sequence[dict[str, float]]) -> dict[str, float]:
    """Merge the values of a flag that may be given several times; the callback of `multiple=True` options.

    Raises
    ------
    click.BadParameter
        Two of them name the same model.
    """
    quantities: dict[str, float] = {}
    for value in values:
        for model, quantity in value.items():
            if model in quantities:
                raise click.BadParameter(f"{model!r} was given twice; give every model once", ctx, param)
            quantities[model] = quantity
    return quantities
