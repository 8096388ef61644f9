"""`isim report`: a page, or a timeline, of a run or a comparison."""

from pathlib import Path

import click

from isim.cli.parameters import Seconds


@click.command("report")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Page to write (HTML).  [default: FOLDER.html]")
@click.option("--timeline", type=click.Path(path_type=Path), help="Write a timeline for Perfetto (JSON) instead.")
@click.option("--from", "from_s", type=Seconds(zero=True), help="Begin the timeline here, such as 10s.  [0s]")
@click.option("--to", "to_s", type=Seconds(), help="End the timeline here.  [end of the run]")
@click.option("--kernels", is_flag=True, help="Show in the timeline also when each kernel ran.")
@click.option("-f", "--force", is_flag=True, help="Replace an existing file.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing to standard error but errors.")
def command(
    folder: Path, output: Path | None, timeline: Path | None, from_s: float | None, to_s: float | None, kernels: bool,
    force: bool, quiet: bool,
) -> None:  # fmt: skip
    """Write a page about FOLDER, a run folder or what 'isim compare -o' wrote.

    The page is one file that needs no network. A timeline is for a run; open it at https://ui.perfetto.dev.

    \b
    isim report runs/example-1 -o report.html
    isim report cmp/ -o comparison.html
    isim report runs/example-1 --timeline t.json --from 10s --to 12s --kernels
    """
    from isim.report.report import write_report, write_run_timeline

    if timeline is not None and output is not None:
        raise click.UsageError("--timeline goes without -o/--output; call it twice")
    if timeline is None and (from_s is not None or to_s is not None or kernels):
        raise click.UsageError("--from, --to and --kernels are for --timeline; add it")
    if timeline is not None:
        written = timeline
        write_run_timeline(folder, timeline, force, from_s or 0.0, float("inf") if to_s is None else to_s, kernels)
    else:
        from isim.cli.tables import run_facts

        written = output if output is not None else folder.with_name(f"{folder.resolve().name}.html")
        write_report(folder, written, force, run_facts)
    if not quiet:
        click.echo(f"isim: wrote {written}", err=True)
