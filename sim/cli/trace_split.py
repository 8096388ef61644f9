"""`isim trace split`: parts that together are the whole."""

import json
from pathlib import Path

import click

from isim.cli.parameters import Weights


@click.command("split")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--by", help="One part for each value of this column, such as model.")
@click.option("--shares", type=Weights(), help="Random parts: NAME=SHARE,...")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of random parts.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("-f", "--force", is_flag=True, help="Replace a folder that a split wrote.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing of what was written.")
def command(
    file: Path, by: str | None, shares: dict[str, float] | None, seed: int, output: Path, force: bool, quiet: bool
) -> None:
    """Write the parts of the trace FILE into a folder, with a list of them in split.json.

    \b
    isim trace split t.parquet --by model -o parts
    isim trace split t.parquet --shares train=4,test=1 --seed 1 -o parts
    """
    if (by is None) == (shares is None):
        raise click.UsageError("give either --by or --shares")
    from isim.traces.trace import Trace
    from isim.traces.transforms.split import file_names, split_at_random, split_by
    from isim.whole_folder import writing

    trace = Trace.read(file)
    parts = split_by(trace, by) if by is not None else split_at_random(trace, shares or {}, seed)
    names = file_names(parts)
    with writing(output, force, mark="split.json") as folder:
        for name, part in parts.items():
            part.write(folder / names[name])
        listed = {name: {"file": names[name], "requests": len(part)} for name, part in parts.items()}
        (folder / "split.json").write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")
    if not quiet:
        click.echo(f"isim: wrote {output}: {len(trace):,} requests in {len(parts)} parts", err=True)
