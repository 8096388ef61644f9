"""Import Abacus' measurements of layer ranges on an A100: PyTorch FP16 in processes under MPS, launched together."""

from collections.abc import Sequence
from pathlib import Path

from isim.profiler.importers.recordings.csv_table import CsvTable, Line, raise_problems, read_tables
from isim.profiler.importers.recordings.experiment import Campaign, Execution, Experiment

_MEMBER = ("model", "start", "end", "bs", "seq_len")
_LAYERS = {
    "bert": 12,
    "inception_v3": 14,
    "resnet50": 18,
    "resnet101": 35,
    "resnet152": 52,
    "vgg16": 19,
    "vgg19": 22,
}
FACTS = {
    "format": "abacus",
    "device": {"name": "A100"},
    "stack": "PyTorch 1.8 eager FP16; one process a model, launched together through pipes, 100 times",
    "source": "Abacus (SC'21), github.com/Raphael-Hao/Abacus",
    "licence": "none stated: all rights reserved by the authors",
}


def read_abacus(paths: Sequence[str | Path]) -> Campaign:
    """Read tables of layer ranges, `pairs/*.csv`, of any number of members.

    The range from `start` to before `end` of each model runs once; what was measured is when the last one had
    finished, of which the mean is taken. Whole models are imported: one beside empty ranges is a measurement alone,
    several are a makespan, which counts for no member. Tables with parts of models have no name in a profile.

    Raises
    ------
    ProfileError
        Anything is wrong with the files; all problems at once.

    Examples
    --------
    >>> _ = Path("pairs.csv").write_text("model,start,end,bs,seq_len,mean\\nvgg16,0,19,8,0,12500\\n")
    >>> [alone] = read_abacus(["pairs.csv"]).experiments
    >>> alone.executions[0].model, alone.executions[0].duration_ns
    ('vgg16', 12500000.0)
    """
    tables, experiments, problems = read_tables(paths), list[Experiment](), list[str]()
    lines = 0
    for table in tables:
        suffixes = ["", *(f"_{count}" for count in range(2, 9) if f"model_{count}" in table.header)]
        columns = [f"{column}{suffix}" for suffix in suffixes for column in _MEMBER]
        if missing := [name for name in (*columns, "mean") if name not in table.header]:
            problems.append(
                f"{table.path}: no layer ranges with makespans (no column {', '.join(missing)}); name another table"
            )
            continue
        for line in table.lines():
            lines += 1
            if experiment := _experiment(table, line, suffixes):
                experiments.append(experiment)
    raise_problems(tables, problems)
    note = f"left out, layers of a model and not the whole: {lines - len(experiments)} of {lines} rows"
    facts = {**FACTS, "rows_of_layers": lines - len(experiments), "files": [table.facts for table in tables]}
    return Campaign(experiments, facts, notes=(note,) if lines > len(experiments) else ())


def _experiment(table: CsvTable, line: Line, suffixes: list[str]) -> Experiment | None:
    ran = [suffix for suffix in suffixes if line[1][f"start{suffix}"] != line[1][f"end{suffix}"]]
    whole = [_whole(table, line, suffix) for suffix in ran]  # each is looked at, so that every wrong cell is found
    if not ran or not all(whole):
        return None
    mean_us = table.positive(line, "mean")
    executions = tuple(
        Execution(
            member,
            _model(table, line, suffix),
            table.whole(line, f"bs{suffix}"),
            None if mean_us is None else mean_us * 1e3,
            counted=len(ran) == 1,
        )
        for member, suffix in enumerate(ran)
    )
    label = f"{Path(table.path).name} line {line[0]}"
    return Experiment(label, "mps", executions, "mean" if len(ran) == 1 else "makespan")


def _whole(table: CsvTable, line: Line, suffix: str) -> bool:
    if line[1][f"model{suffix}"] not in _LAYERS:
        table.reject(line, f"model{suffix}", f"none of the models ({', '.join(_LAYERS)})")
        return False
    start, end = (table.whole(line, f"{name}{suffix}", at_least=0) for name in ("start", "end"))
    return start == 0 and end == _LAYERS[line[1][f"model{suffix}"]]


def _model(table: CsvTable, line: Line, suffix: str) -> str:
    """Return the model, a text model with its sequence length: each length is a workload of its own."""
    length = table.whole(line, f"seq_len{suffix}", at_least=0)
    return line[1][f"model{suffix}"] + (f"-seq{length}" if length else "")
