"""Import Echo-slowdown's kernels of a backward pass, alone and while NCCL communicates on another stream."""

from pathlib import Path

from isim.profiler.importers.recordings.csv_table import CsvTable, Line, raise_problems
from isim.profiler.importers.recordings.experiment import Campaign, Execution, Experiment

_COLUMNS = ("id", "kShortName", "ground_truth", "duration", "overlap_ratio")
FACTS = {
    "format": "echo-slowdown",
    "device": {"name": None, "sms": 108},  # its source does not state the name
    "stack": "PyTorch; backward pass of GPT-2 and collectives of NCCL on two streams of one process",
    "source": "github.com/NetX-lab/Echo-slowdown",
    "licence": "MIT",
}


def read_echo_slowdown(path: str | Path) -> Campaign:
    """Read the table of kernels: nanoseconds alone (`ground_truth`) and in a pass with NCCL (`duration`).

    Each kernel is a model of its own, named by its number. Where a kernel overlapped, NCCL is a second member that
    does not count: for how long it was there is known, its own duration alone is not. Where it did not, the second
    measurement of the kernel is an experiment with one member, and its slowdown shows the repeatability.

    Raises
    ------
    ProfileError
        Anything is wrong with the file; all problems at once.
    """
    table = CsvTable(path)
    experiments = [_experiment(table, line) for line in table.lines(*_COLUMNS)]
    raise_problems([table])
    return Campaign(experiments, {**FACTS, "files": [table.facts]})


def _experiment(table: CsvTable, line: Line) -> Experiment:
    label = f"{table.whole(line, 'id'):04d}-{table.text(line, 'kShortName')}"
    solo_ns, duration_ns = table.positive(line, "ground_truth"), table.positive(line, "duration")
    kernel = Execution(0, label, 1, duration_ns, solo_ns=solo_ns)
    overlap = _ratio(table, line)
    if not overlap or duration_ns is None:
        return Experiment(label, "streams", (kernel,), "execution")
    nccl = Execution(1, "nccl", 1, overlap * duration_ns, counted=False)
    return Experiment(label, "streams", (kernel, nccl), "execution")


def _ratio(table: CsvTable, line: Line) -> float:
    try:
        overlap = float(line[1]["overlap_ratio"])
        if 0 <= overlap <= 1:
            return overlap
    except ValueError:
        pass
    table.reject(line, "overlap_ratio", "not a ratio from 0 to 1")
    return 0.0
