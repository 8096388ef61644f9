"""Show on a terminal how far a sweep is, and how long it will still take."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Yield what shows how many simulations are done, of how many; nothing if standard error is not a terminal."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False, markup=False)
    if quiet or not console.is_terminal:
        yield lambda done, total: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = [
        TextColumn("simulations"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        # Simulations are few and long: the mean over all of them, not over the last seconds.
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=console, transient=True, refresh_per_second=4, speed_estimate_period=1e6) as bar:
        shown = bar.add_task("", total=None)

        def tell(done: int, total: int) -> None:
            bar.update(shown, completed=done, total=total)

        yield tell
