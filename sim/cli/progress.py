"""Show on a terminal that something is going on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Yield what shows a line about the present step; it shows nothing if standard error is not a terminal."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False, markup=False)
    if quiet or not console.is_terminal:
        yield lambda text: None
        return
    # Rarely refreshed: it takes its turns from the simulation.
    with console.status("", refresh_per_second=4) as status:
        yield status.update
