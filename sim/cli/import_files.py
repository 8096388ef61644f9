"""`isim import profile FORMAT`: files of a known profiler, one or several batches, as one profile."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from isim.cli.batch_file import Batch, BatchType
from isim.cli.import_output import output_options, say
from isim.errors import ProfileError
from isim.profiler.importers.cut import Cut
from isim.profiler.importers.known_formats import PROFILE_FORMATS

_EXAMPLES = {
    "nsys": """SQLite exports of Nsight Systems, or its report nvtx_gpu_proj_trace as Parquet.

    \b
    nsys profile --trace=cuda,nvtx --cuda-graph-trace=node -o run python infer.py
    nsys export --type sqlite -o run.sqlite run.nsys-rep
    isim import profile nsys bert@8=run.sqlite --cut range=infer --skip 3 -o bert.parquet""",
    "kineto": """traces of torch.profiler, JSON or compressed JSON.

    \b
    isim import profile kineto bert@8=trace.json.gz --cut 'range=ProfilerStep#*' -o bert.parquet""",
    "ncu": """what Nsight Compute printed as CSV: the raw or the details page.

    \b
    ncu --csv --page raw --print-units base --set basic --log-file run.csv python infer.py
    isim import profile ncu bert@8=run.csv@81.4ms --cut whole -o bert.parquet""",
    "ncu-rep": """reports of Nsight Compute; needs isim-serving[ncu].

    \b
    ncu --set basic -o run python infer.py
    isim import profile ncu-rep bert@8=run.ncu-rep@81.4ms --cut whole -o bert.parquet""",
    "trtexec": """layer times of TensorRT's trtexec.

    \b
    trtexec --onnx=bert.onnx --separateProfileRun --exportProfile=layers.json --exportTimes=times.json
    isim import profile trtexec bert@8=layers.json --times bert@8=times.json -o bert.parquet""",
    "onnxruntime": """profiles of an ONNX Runtime session on the CPU.

    \b
    isim import profile onnxruntime bert@8=onnxruntime_profile.json --skip 3 -o bert.parquet""",
}
_CUT_HELP = "What of a file is one batch: whole, range=NAME, kernel=NAME or repeats=N."


class CutType(click.ParamType[Cut]):
    """A way to cut a file into batches.

    Examples
    --------
    >>> str(CutType()("stream=7,range=infer*"))
    'stream=7,range=infer*'
    """

    name = "CUT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Cut:
        if isinstance(value, Cut):
            return value
        try:
            return Cut.read(value)
        except ProfileError as error:
            self.fail(str(error).removeprefix("cut: "), param, ctx)


_OPTIONS: dict[str, Any] = {
    "cut": click.option("--cut", type=CutType(), help=_CUT_HELP),
    "skip": click.option("--skip", type=click.IntRange(min=0), help="Batches to leave out at the beginning."),
    "gpu": click.option("--gpu", type=click.IntRange(min=0), help="Number of the GPU, where a file holds several."),
    "launched_by": click.option(
        "--launched-by",
        type=click.Choice(["range-thread", "any-thread"]),
        help="Whose launches a range holds, where other threads launched meanwhile.",
    ),
    "counters": click.option(
        "--counters", multiple=True, type=BatchType(), help="A file of ncu with the counters of this batch; repeatable."
    ),
    "times": click.option(
        "--times", multiple=True, type=BatchType(), help="A file of --exportTimes of this batch; repeatable."
    ),
    "above_peak": click.option(
        "--above-peak",
        type=click.Choice(["error", "clip"]),
        help="Utilisations up to 10 % above peak; error if unsaid.",
    ),
}


def format_commands() -> Iterator[click.Command]:
    """Yield the command of each format, with the options that it takes."""
    for form, takes in PROFILE_FORMATS.items():
        names = tuple(name for name in _OPTIONS if name in takes.options)
        yield _command(form, f"Import {_EXAMPLES[form]}\n", names, "solo_period_s" in takes.options)


def _command(form: str, description: str, names: tuple[str, ...], solo: bool) -> click.Command:
    def run(batches: tuple[Batch, ...], output: Path, force: bool, quiet: bool, as_json: bool, **said: Any) -> None:
        about = {name: said.pop(name) for name in ("device", "source", "licence")}
        _import(None if form == "auto" else form, batches, said, about)(output, force, quiet, as_json)

    decorated: Any = run
    for option in reversed((*(_OPTIONS[name] for name in names), *_COMMON)):
        decorated = option(decorated)
    metavar = "MODEL@BATCH=FILE[@SOLO]..." if solo else "MODEL@BATCH=FILE..."
    decorated = click.argument("batches", nargs=-1, required=True, type=BatchType(), metavar=metavar)(decorated)
    command: click.Command = click.command(form, help=description)(decorated)
    return command


_COMMON = (
    click.option("--device", help="Name of the device, where the files do not say it."),
    click.option("--source", help="Where the files come from."),
    click.option("--licence", help="Terms the files are under."),
    output_options,
)


def _import(
    form: str | None, batches: tuple[Batch, ...], said: dict[str, Any], about: dict[str, str | None]
) -> Callable[[Path, bool, bool, bool], None]:
    from isim.cli.profile import report
    from isim.profiler.importers.combine import combine
    from isim.profiler.importers.detect import detect
    from isim.profiler.importers.formats import Told, read_batch

    beside = {name: _by_batch(name, said.pop(name, ()), batches) for name in ("counters", "times")}
    read, forms, problems = [], list[str](), list[str]()
    for batch in batches:
        key = batch.model, batch.batch_size
        counters, times = beside["counters"].get(key), beside["times"].get(key)
        try:
            found = form or detect(batch.path)
            if found not in PROFILE_FORMATS:
                raise ProfileError(f"{batch.path}: holds no kernels; import it with 'isim import profile {found} FILE'")
            told = Told(**said, counters=counters, times=times, solo_period_s=batch.solo_period_s)
            read.append(read_batch(found, batch.path, batch.model, batch.batch_size, told))
            forms.append(found)
        except ProfileError as error:
            problems.extend(problem for problem in error.problems if problem not in problems)
    if problems:
        raise ProfileError(*problems)
    kinds = list(dict.fromkeys(forms))
    method = "; ".join(PROFILE_FORMATS[kind].method for kind in kinds)
    profile = combine(read, backend=", ".join(kinds), method=method, **about)

    def save(output: Path, force: bool, quiet: bool, as_json: bool) -> None:
        profile.write(output, force)
        say((note for batch in read for note in batch.notes), quiet)
        report(profile, output, as_json, quiet)

    return save


def _by_batch(name: str, files: tuple[Batch, ...], batches: tuple[Batch, ...]) -> dict[tuple[str, int], Path]:
    known = [(batch.model, batch.batch_size) for batch in batches]
    result: dict[tuple[str, int], Path] = {}
    for file in files:
        key = file.model, file.batch_size
        if key not in known or key in result:
            what = "is given twice" if key in result else "belongs to no batch that is imported"
            raise click.UsageError(f"--{name} {file.model}@{file.batch_size}={file.path} {what}")
        if file.solo_period_s is not None:
            raise click.UsageError(
                f"--{name} {file.model}@{file.batch_size}: state the solo period with the batch itself"
            )
        result[key] = file.path
    return result


auto = _command(
    "auto",
    """Import files whose format is told from their content; `isim import profile FORMAT --help` describes each.

    \b
    isim import profile auto bert@8=run.sqlite --cut range=infer -o bert.parquet""",
    tuple(_OPTIONS),
    True,
)
