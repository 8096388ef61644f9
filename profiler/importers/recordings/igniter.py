"""Import the measurements of iGniter on a V100: TensorRT under MPS, mean latencies alone and beside others."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from isim.profiler.importers.recordings.csv_table import CsvTable, Line, raise_problems, read_tables
from isim.profiler.importers.recordings.experiment import Campaign, Execution, Experiment

_COLUMNS = ("model", "batch", "mps_percent", "latency_ms")
FACTS = {
    "format": "igniter",
    "device": {"name": "Tesla V100 (p3.2xlarge)"},
    "stack": "TensorRT 8.0.1 FP32, trtexec",
    "source": "iGniter, github.com/icloud-ecnu/igniter",
    "licence": "none stated: all rights reserved by the authors",
}


def read_igniter(paths: Sequence[str | Path]) -> Campaign:
    """Read `solo.csv` and `pairs.csv`, told apart by their columns; each member has columns ending in its number.

    Raises
    ------
    ProfileError
        Anything is wrong with the files; all problems at once.

    Examples
    --------
    >>> _ = Path("solo.csv").write_text("model,batch,mps_percent,latency_ms\\nvgg19,8,100,12.5\\n")
    >>> [alone] = read_igniter(["solo.csv"]).experiments
    >>> alone.executions[0].duration_ns
    12500000.0
    """
    tables, experiments, problems = read_tables(paths), list[Experiment](), list[str]()
    for table in tables:
        if set(_COLUMNS) <= set(table.header):
            experiments += _alone(table)
        elif members := [name[6:] for name in table.header if re.fullmatch(r"model_[1-9]\d*", name)]:
            experiments += _beside(table, members)
        else:
            has = ", ".join(table.header)
            problems.append(
                f"{table.path}: no latencies alone or beside others (has: {has}); name solo.csv or pairs.csv"
            )
    raise_problems(tables, problems)
    return Campaign(experiments, {**FACTS, "files": [table.facts for table in tables]})


def _alone(table: CsvTable) -> Iterator[Experiment]:
    for line in table.lines():
        execution = _execution(table, line, 0, "")
        yield Experiment(f"line {line[0]}, {execution.model} alone", "mps", (execution,))


def _beside(table: CsvTable, members: list[str]) -> Iterator[Experiment]:
    for line in table.lines(*(f"{column}_{name}" for name in members for column in _COLUMNS)):
        executions = tuple(_execution(table, line, member, f"_{name}") for member, name in enumerate(members))
        models = " + ".join(execution.model for execution in executions)
        yield Experiment(f"line {line[0]}, {models}", "mps", executions)


def _execution(table: CsvTable, line: Line, member: int, suffix: str) -> Execution:
    latency_ms = table.positive(line, f"latency_ms{suffix}")
    return Execution(
        member,
        table.text(line, f"model{suffix}"),
        table.whole(line, f"batch{suffix}"),
        None if latency_ms is None else latency_ms * 1e6,
        table.share(line, f"mps_percent{suffix}"),
    )
