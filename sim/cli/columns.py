"""What `--columns` accepts: which column of a foreign table holds what."""

from typing import Any

import click


class Columns(click.ParamType[dict[str, str]]):
    """Names of columns, `WHAT=COLUMN,...`, each WHAT once.

    Examples
    --------
    >>> Columns()("model=net, batch_size=n")
    {'model': 'net', 'batch_size': 'n'}
    """

    name = "WHAT=COLUMN,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, str]:
        if isinstance(value, dict):
            return value
        columns: dict[str, str] = {}
        for entry in value.split(","):
            name, equals, column = (part.strip() for part in entry.partition("="))
            if not (name and equals and column):
                self.fail(f"cannot read {entry!r}; write {self.name}", param, ctx)
            if name in columns:
                self.fail(f"{name!r} stands there twice; name one column", param, ctx)
            columns[name] = column
        return columns
