"""Import the measurements of Gpulet: PyTorch under MPS, throughput alone and of a victim beside an aggressor."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from isim.profiler.importers.recordings.csv_table import CsvTable, Line, raise_problems, read_tables
from isim.profiler.importers.recordings.experiment import Campaign, Execution, Experiment

_SOLO = ("model", "batch", "mps_percent", "throughput_per_s")
_PAIRS = ("victim", "victim_batch", "mps_percent", "aggressor", "aggressor_batch", "throughput_per_s")
FACTS = {
    "format": "gpulet",
    "device": {"name": None},  # its source does not state it
    "stack": "PyTorch",
    "source": "github.com/0909wlgur/Gpulet",
    "licence": "none stated: all rights reserved by the authors",
    "sm_share_of_aggressors": "what the victim leaves, as the source's program that writes the experiments has it",
}


def read_gpulet(paths: Sequence[str | Path]) -> Campaign:
    """Read `solo.csv` and `pairs.csv`, told apart by their columns.

    An aggressor has a row that does not count: it ran all the while at the SMs that the victim left, unmeasured.

    Raises
    ------
    ProfileError
        Anything is wrong with the files; all problems at once.

    Examples
    --------
    >>> _ = Path("solo.csv").write_text("model,batch,mps_percent,throughput_per_s\\nvgg16,8,100,400\\n")
    >>> pair = "vgg16,8,50,lenet,4,250"
    >>> _ = Path("pairs.csv").write_text(",".join(_PAIRS) + "\\n" + pair)
    >>> campaign = read_gpulet(["solo.csv", "pairs.csv"])
    >>> [(each.label, each.members) for each in campaign.experiments]
    [('line 2, vgg16 alone', 1), ('line 2, vgg16 beside lenet', 2)]
    """
    tables, experiments, problems = read_tables(paths), list[Experiment](), list[str]()
    for table in tables:
        if set(_SOLO) <= set(table.header):
            experiments += _alone(table)
        elif set(_PAIRS) <= set(table.header):
            experiments += _beside(table)
        else:
            has = ", ".join(table.header)
            problems.append(
                f"{table.path}: no throughputs alone or of victims (has: {has}); name solo.csv or pairs.csv"
            )
    raise_problems(tables, problems)
    return Campaign(experiments, {**FACTS, "files": [table.facts for table in tables]})


def _alone(table: CsvTable) -> Iterator[Experiment]:
    for line in table.lines():
        execution = _execution(table, line, "model", "batch")
        yield Experiment(f"line {line[0]}, {execution.model} alone", "mps", (execution,))


def _beside(table: CsvTable) -> Iterator[Experiment]:
    for line in table.lines():
        victim = _execution(table, line, "victim", "victim_batch")
        if victim.sm_share == 1:
            table.reject(line, "mps_percent", "leaves the aggressor no SM")
        model, batch_size = table.text(line, "aggressor"), table.whole(line, "aggressor_batch")
        aggressor = Execution(1, model, batch_size, None, round(1 - victim.sm_share, 12), counted=False)
        yield Experiment(f"line {line[0]}, {victim.model} beside {model}", "mps", (victim, aggressor))


def _execution(table: CsvTable, line: Line, model: str, batch: str) -> Execution:
    per_s, batch_size = table.positive(line, "throughput_per_s"), table.whole(line, batch)
    duration_ns = None if per_s is None else batch_size / per_s * 1e9
    return Execution(0, table.text(line, model), batch_size, duration_ns, table.share(line, "mps_percent"))
