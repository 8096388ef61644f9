"""What the commands that import a profile or a recording share: where to, and what is said of it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags that say where it writes and how much it prints."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table."),
        click.option("-q", "--quiet", is_flag=True, help="Print nothing to standard error but errors."),
        click.option("-f", "--force", is_flag=True, help="Replace an existing file."),
        click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Parquet file to write."),
    ):
        command = option(command)
    return command


def say(lines: Iterable[str], quiet: bool) -> None:
    """Print each line to standard error, unless nothing is to be said."""
    for line in () if quiet else dict.fromkeys(lines):
        click.echo(f"isim: {line}", err=True)
