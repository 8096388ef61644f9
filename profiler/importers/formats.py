"""Read one batch of a file of any format, with what that format needs to be told and nothing else."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isim.errors import ProfileError
from isim.profiler.device.contract import KernelCounters
from isim.profiler.importers.batch import ImportedBatch
from isim.profiler.importers.cut import Cut
from isim.profiler.importers.kineto import read_kineto
from isim.profiler.importers.known_formats import PROFILE_FORMATS
from isim.profiler.importers.ncu import read_ncu_csv
from isim.profiler.importers.ncu_batch import ncu_batch
from isim.profiler.importers.ncu_metrics import Counted, to_columns
from isim.profiler.importers.ncu_report import REPORT_MAGIC, read_ncu_report
from isim.profiler.importers.nsys import read_nsys
from isim.profiler.importers.nsys_projection import read_nsys_projection
from isim.profiler.importers.onnxruntime import read_onnxruntime
from isim.profiler.importers.source import sha256_of
from isim.profiler.importers.timeline import Timeline
from isim.profiler.importers.timeline_batch import timeline_batch
from isim.profiler.importers.trtexec import read_trtexec, read_trtexec_times

_COUNTED = ("ncu", "ncu-rep")
_SAID_AS = {"launched_by": "--launched-by", "solo_period_s": "solo period", "above_peak": "--above-peak"}


@dataclass(frozen=True, slots=True)
class Told:
    """What a user says of a file; None is left unsaid. Each format takes the options that `PROFILE_FORMATS` names.

    Parameters
    ----------
    cut, skip, gpu, launched_by
        What one execution of the batch is; see `executions`.
    counters
        A file of ncu with the same batch, whose counters are joined to the durations.
    times
        A file of trtexec with whole iterations.
    solo_period_s
        Measured time of the batch alone, in s.
    above_peak
        `clip` or `error`: utilisations above the peak by up to a tenth.

    Examples
    --------
    >>> Told(cut=Cut.read("whole"), skip=3).gpu is None
    True
    """

    cut: Cut | None = None
    skip: int | None = None
    gpu: int | None = None
    launched_by: str | None = None
    counters: Path | None = None
    times: Path | None = None
    solo_period_s: float | None = None
    above_peak: str | None = None


def read_batch(form: str, path: Path, model: str, batch_size: int, told: Told) -> ImportedBatch:
    """Return one batch of a file.

    Parameters
    ----------
    form
        One of `PROFILE_FORMATS`.

    Raises
    ------
    ProfileError
        The file cannot be read as this format, something needed was not said, or something was that it does not take.

    Examples
    --------
    >>> read_batch("kineto", Path("none.json"), "bert", 8, Told(cut=Cut("whole")))
    Traceback (most recent call last):
    isim.errors.ProfileError: none.json: no such file; name what the profiler wrote
    """
    takes = PROFILE_FORMATS[form].options
    problems = [
        f"{path}: {form} takes no {_SAID_AS.get(name, f'--{name}')}; leave it out"
        for name in Told.__slots__
        if getattr(told, name) is not None and name not in takes
    ]
    if "cut" in takes and told.cut is None:
        read_counted(path) if form in _COUNTED else read_timeline(path, form)  # what is no such file has no batch
        problems.append(f"{path}: the file does not say what of it is one batch; state it with --cut")
    if problems:
        raise ProfileError(*problems)
    skip, cut, above_peak = (
        told.skip or 0,
        _of_batch(told.cut or Cut("whole"), model, batch_size),
        told.above_peak or "error",
    )
    if form in _COUNTED:
        kernels, period_s = read_counted(path), told.solo_period_s
        return ncu_batch(
            path, kernels, model, batch_size, cut, skip=skip, solo_period_s=period_s, above_peak=above_peak
        )
    if form == "trtexec":
        times = None if told.times is None else read_trtexec_times(told.times)
        return read_trtexec(path, model, batch_size, times=times, solo_period_s=told.solo_period_s)
    if form == "onnxruntime":
        return read_onnxruntime(path, model, batch_size, skip=skip)
    counters, facts = _counters(told.counters, above_peak) if told.counters else (None, None)
    return timeline_batch(
        read_timeline(path, form),
        model,
        batch_size,
        cut,
        skip=skip,
        gpu=told.gpu,
        launched_by=told.launched_by,
        counters=counters,
        counters_facts=facts,
    )


def _counters(path: Path, above_peak: str) -> tuple[tuple[KernelCounters, ...], dict[str, Any]]:
    columns = to_columns(read_counted(path), str(path), above_peak=above_peak)
    return columns.counters(), {"file": path.name, "sha256": sha256_of(path), "metrics": columns.metrics}


def read_timeline(path: Path, form: str) -> Timeline:
    """Return the timeline of a file of `nsys` (SQLite or Parquet) or `kineto`.

    Raises
    ------
    ProfileError
        The file is none of this format.

    Examples
    --------
    >>> event = {"ph": "X", "cat": "kernel", "name": "gemm", "ts": 5, "dur": 4, "args": {"device": 0, "stream": 7}}
    >>> _ = Path("trace.json").write_text(str([event]).replace("'", '"'))
    >>> read_timeline(Path("trace.json"), "kineto").operations[0].kernel.name
    'gemm'
    """
    if form == "kineto":
        return read_kineto(path)
    return read_nsys_projection(path) if _begins(path, b"PAR1") else read_nsys(path)


def read_counted(path: Path) -> tuple[Counted, ...]:
    """Return the kernels of a file of ncu, CSV or a report.

    Raises
    ------
    ProfileError
        The file is neither.

    Examples
    --------
    >>> read_counted(Path("none.csv"))
    Traceback (most recent call last):
    isim.errors.ProfileError: none.csv: no such file; name what the profiler wrote
    """
    return read_ncu_report(path) if _begins(path, REPORT_MAGIC) else read_ncu_csv(path)


def _begins(path: Path, magic: bytes) -> bool:
    sha256_of(path)  # says what is wrong with the file itself
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _of_batch(cut: Cut, model: str, batch_size: int) -> Cut:
    return replace(cut, name=cut.name.replace("{model}", model).replace("{batch}", str(batch_size)))
