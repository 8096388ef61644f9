"""Say what is kept of a sweep that does not come to its end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click


@contextmanager
def kept(output: Path | None) -> Iterator[None]:
    """Say where the finished simulations lie, if something goes wrong and there are any."""
    try:
        yield
    except BaseException:
        if output is not None and (unfinished := output.with_name(f"{output.name}.unfinished")).is_dir():
            click.echo(
                f"isim: what has finished is kept in {unfinished}; the same command goes on from there", err=True
            )
        raise
