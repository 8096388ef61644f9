"""`isim trace merge`: several traces as one."""

from pathlib import Path

import click

from isim.cli.trace_output import save, written_options


@click.command("merge")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--in-turn", is_flag=True, help="Let each start where the one before ends.")
@written_options
def command(files: tuple[Path, ...], in_turn: bool, output: Path, force: bool, quiet: bool) -> None:
    """Write all requests of the traces FILES as one trace, side by side or in turn.

    \b
    isim trace merge a.parquet b.parquet -o both.parquet
    """
    from isim.traces.trace import Trace
    from isim.traces.transforms.merge import merge

    save(merge([Trace.read(file) for file in files], in_turn), {}, output, force, quiet)
