"""A batch and the file that holds it, on the command line."""

from pathlib import Path
from typing import Any, NamedTuple

import click

from isim.errors import IsimError
from isim.units import parse_rate_rps, parse_seconds


class Batch(NamedTuple):
    """One table of the command line: whose batch it is, its file, and the measured solo period in s."""

    model: str
    batch_size: int
    path: Path
    solo_period_s: float | None


class BatchType(click.ParamType[Batch]):
    """A batch's table, `MODEL@BATCH=FILE[@SOLO]`; SOLO is a period such as 76ms or samples a second such as 98.3/s.

    Examples
    --------
    >>> BatchType()("bert@8=bert8.csv@100/s")
    Batch(model='bert', batch_size=8, path=PosixPath('bert8.csv'), solo_period_s=0.08)
    """

    name = "MODEL@BATCH=FILE[@SOLO]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Batch:
        if isinstance(value, Batch):
            return value
        if "=" not in value and "@" not in value:
            due = f"write {self.name}, such as bert@8={value}"
            self.fail(f"says not whose batch it holds (found {value!r}); {due}", param, ctx)
        batch, _, rest = value.partition("=")
        model, _, size = batch.rpartition("@")
        path, _, solo = rest.rpartition("@")
        if not solo[:1].isdigit():
            path, solo = rest, ""
        if not (model and path and size.isdecimal() and 0 < int(size) < 2**31):
            self.fail(f"not a batch's table (found {value!r}); write {self.name}, such as bert@8=bert8.csv", param, ctx)
        return Batch(model, int(size), Path(path), self._period_s(solo, int(size), param, ctx) if solo else None)

    def _period_s(self, solo: str, size: int, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            period_s = size / parse_rate_rps(solo) if "/" in solo else parse_seconds(solo)
        except (IsimError, ZeroDivisionError):
            period_s = 0.0
        if period_s <= 0:
            self.fail(f"not a solo period or throughput (found {solo!r}); write 76ms or 98.3/s", param, ctx)
        return period_s
