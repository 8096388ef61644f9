"""`isim import recording nsys|kineto`: a timeline in which several models ran side by side, as a recording."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isim.cli.import_output import output_options, say
from isim.errors import ProfileError
from isim.profiler.importers.cut import Cut
from isim.profiler.recording_schema import SHARINGS

if TYPE_CHECKING:
    from isim.profiler.importers.timeline_recording import KernelOverlap, Member

_SHOWN = 10
_HELP = """Import FILE, {what}, in which several models ran side by side.

    Each --member names a model, its batch size, and what one execution of it is: range=NAME, kernel=NAME or repeats=N,
    after stream=N, or process=N, if it had one of its own. Executions beside which no other member ran say how long it
    takes alone. It prints as well which kernels of different streams ran at the same time, and for how long.

    \b
    isim import recording {form} {file} --member resnet50@4=range=resnet --member bert@8=range=bert \\
        --sharing streams -o c.parquet"""
_FORMS = {
    "nsys": ("an SQLite export of Nsight Systems", "run.sqlite"),
    "kineto": ("a trace of torch.profiler", "trace.json.gz"),
}


class MemberType(click.ParamType["Member"]):
    """A member of a co-location, `MODEL@BATCH=CUT`.

    Examples
    --------
    >>> member = MemberType()("bert@8=stream=7,range=infer")
    >>> member.model, member.batch_size, str(member.cut)
    ('bert', 8, 'stream=7,range=infer')
    """

    name = "MODEL@BATCH=CUT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Member":
        from isim.profiler.importers.timeline_recording import Member

        if isinstance(value, Member):
            return value
        batch, _, cut = value.partition("=")
        model, _, size = batch.rpartition("@")
        if not (model and size.isdecimal() and int(size)):
            self.fail(f"not a member (found {value!r}); write {self.name}, such as bert@8=range=infer", param, ctx)
        try:
            return Member(model, int(size), Cut.read(cut))
        except ProfileError as error:
            self.fail(str(error).removeprefix("cut: "), param, ctx)


def timeline_commands() -> Iterator[click.Command]:
    """Yield the command of each format."""
    for form, (what, file) in _FORMS.items():
        yield _command(form, _HELP.format(what=what, form=form, file=file))


def _command(form: str, description: str) -> click.Command:
    @click.command(form, help=description)
    @click.argument("file", type=click.Path(path_type=Path))
    @click.option("--member", "members", multiple=True, required=True, type=MemberType(), help="At least two of them.")
    @click.option("--sharing", required=True, type=click.Choice(SHARINGS), help="How they shared the GPU.")
    @click.option("--skip", type=click.IntRange(min=0), default=0, help="Executions of each to leave out at first.")
    @click.option("--gpu", type=click.IntRange(min=0), help="Number of the GPU, where the file holds several.")
    @click.option(
        "--launched-by", type=click.Choice(["range-thread", "any-thread"]), help="Whose launches a range holds."
    )
    @click.option("--licence", help="Terms the file is under.")
    @output_options
    def run(
        file: Path,
        members: tuple["Member", ...],
        sharing: str,
        output: Path,
        force: bool,
        quiet: bool,
        as_json: bool,
        **said: Any,
    ) -> None:
        from isim.profiler.importers.formats import read_timeline
        from isim.profiler.importers.timeline_recording import kernel_overlaps, timeline_recording

        timeline = read_timeline(file, form)
        recording = timeline_recording(timeline, members, sharing, **said)
        recording.write(output, force)
        say([*timeline.notes, f"wrote {output} (imported, {len(recording.table)} executions)"], quiet)
        _answer(output, recording.footer["overlap_share"], kernel_overlaps(timeline), as_json)

    command: click.Command = run
    return command


def _answer(output: Path, share: float, pairs: "list[KernelOverlap]", as_json: bool) -> None:
    if as_json:
        overlaps = [pair._asdict() for pair in pairs]
        answer = {"output": str(output), "origin": "imported", "overlap_share": share, "kernel_overlaps": overlaps}
        click.echo(json.dumps(answer, indent=2))
        return
    click.echo(f"two or more streams ran kernels in {share:.1%} of the busy time")
    for pair in pairs[:_SHOWN]:
        click.echo(f"{pair.overlap_ns / 1e3:12.1f} us  {pair.times:6d} times  {pair.first} || {pair.second}")
    if len(pairs) > _SHOWN:
        click.echo(f"and {len(pairs) - _SHOWN} more pairs of kernels; --json lists all")
