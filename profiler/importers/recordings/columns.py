"""Import any CSV table of co-located executions, with its columns and units stated by the caller, never guessed."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from isim.errors import ProfileError
from isim.profiler.importers.kernel_row import DURATION_UNITS_NS
from isim.profiler.importers.recordings.csv_table import CsvTable, Line, raise_problems, read_tables
from isim.profiler.importers.recordings.experiment import Campaign, Execution, Experiment
from isim.profiler.recording_schema import SHARINGS

COLUMNS = ("experiment", "member", "model", "batch_size", "duration", "throughput", "solo", "share", "sharing", "start")
THROUGHPUT_UNITS = ("samples/s", "batches/s")
SHARE_UNITS: Mapping[str, float] = {"ratio": 1.0, "percent": 0.01}


def read_columns(
    paths: Sequence[str | Path],
    *,
    columns: Mapping[str, str],
    duration_unit: str | None = None,
    throughput_unit: str | None = None,
    share_unit: str | None = None,
    sharing: str | None = None,
    facts: Mapping[str, object] | None = None,
) -> Campaign:
    """Read tables with one row a member, or, if `start` is among the columns, one row an execution.

    Parameters
    ----------
    columns
        Which column of the files holds which of `COLUMNS`: experiment, model, batch_size and one of duration and
        throughput are needed. `solo` has the unit of that one. Without `member`, the rows of an experiment are its
        members in turn; without `share`, each has the whole GPU. An experiment with one member is measured alone.
    duration_unit, throughput_unit
        `ns`, `us`, `ms` or `s`, also that of `start`; `samples/s` or `batches/s`.
    share_unit
        `ratio` or `percent`.
    sharing
        The mode of all experiments, in place of a column.
    facts
        What the footer says besides: source, licence, device.

    Raises
    ------
    ProfileError
        Anything is wrong with the files or what was said of them; all problems at once.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "c.csv"
    >>> _ = path.write_text("run,net,n,rate\\n1,a,4,200\\n2,a,4,100\\n2,b,1,50\\n")
    >>> mapping = {"experiment": "run", "model": "net", "batch_size": "n", "throughput": "rate"}
    >>> campaign = read_columns([path], columns=mapping, throughput_unit="samples/s", sharing="mps")
    >>> [[execution.duration_ns for execution in one.executions] for one in campaign.experiments]
    [[20000000.0], [40000000.0, 20000000.0]]
    """
    problems = list(_request_problems(columns, duration_unit, throughput_unit, share_unit, sharing))
    if problems:
        raise ProfileError(*(f"csv: {problem}" for problem in problems))
    tables, experiments = read_tables(paths), list[Experiment]()
    reader = _Reader(columns, duration_unit, throughput_unit, SHARE_UNITS[share_unit or "ratio"], sharing)
    for table in tables:
        try:
            experiments += reader.experiments(table)
        except ProfileError as error:
            problems.extend(error.problems)
    raise_problems(tables, problems)
    stated = {"columns": dict(columns), "duration_unit": duration_unit, "throughput_unit": throughput_unit}
    files = [table.facts for table in tables]
    return Campaign(experiments, {"format": "csv", **(facts or {}), **stated, "share_unit": share_unit, "files": files})


def _request_problems(
    columns: Mapping[str, str],
    duration_unit: str | None,
    throughput_unit: str | None,
    share_unit: str | None,
    sharing: str | None,
) -> Iterator[str]:
    for name in columns:
        if name not in COLUMNS:
            yield f"a recording takes no {name!r} (takes: {', '.join(COLUMNS)}); correct the columns"
    for name in ("experiment", "model", "batch_size"):
        if name not in columns:
            yield f"nothing says which column holds the {name}; state {name}=COLUMN"
    if ("duration" in columns) == ("throughput" in columns):
        yield "state the column of either duration or throughput"
    for what, unit, units, needed in (
        ("durations", duration_unit, DURATION_UNITS_NS, {"duration", "start"} & set(columns)),
        ("throughputs", throughput_unit, THROUGHPUT_UNITS, "throughput" in columns),
        ("SM shares", share_unit, SHARE_UNITS, "share" in columns),
    ):
        if (unit is None and needed) or (unit is not None and unit not in units):
            yield f"no unit of {what} (found {unit!r}); state one of {', '.join(units)}"
    if ("sharing" in columns) == (sharing is not None):
        yield "state the sharing mode either of all experiments or by a column"
    if sharing is not None and sharing not in SHARINGS:
        yield f"unknown sharing mode (found {sharing!r}); state one of {', '.join(SHARINGS)}"


class _Reader:
    """Read tables whose columns mean the same."""

    def __init__(
        self,
        columns: Mapping[str, str],
        duration_unit: str | None,
        throughput_unit: str | None,
        share_unit: float,
        sharing: str | None,
    ) -> None:
        self._columns = columns
        self._measure = "duration" if "duration" in columns else "throughput"
        self._unit_ns = DURATION_UNITS_NS[duration_unit or "s"]
        self._by_sample = throughput_unit == "samples/s"
        self._share_unit = share_unit
        self._sharing = sharing

    def experiments(self, table: CsvTable) -> Iterator[Experiment]:
        """Yield the experiments of a table in order of their first row."""
        rows: dict[str, list[tuple[Line, Execution]]] = {}
        for line in table.lines(*self._columns.values()):
            earlier = rows.setdefault(table.text(line, self._columns["experiment"]), [])
            execution = self._execution(table, line, len(earlier))
            if "start" not in self._columns and any(row.member == execution.member for _, row in earlier):
                table.reject(line, self._columns["member"], "a member twice in one experiment")
            earlier.append((line, execution))
        for label, lines in rows.items():
            statistic = "execution" if "start" in self._columns else "mean"
            sharing = self._sharing_of(table, [line for line, _ in lines])
            yield Experiment(label, sharing, tuple(execution for _, execution in lines), statistic)

    def _execution(self, table: CsvTable, line: Line, position: int) -> Execution:
        columns = self._columns
        batch_size = table.whole(line, columns["batch_size"])
        start = table.positive(line, columns["start"], or_zero=True) if "start" in columns else None
        return Execution(
            table.whole(line, columns["member"], at_least=0) if "member" in columns else position,
            table.text(line, columns["model"]),
            batch_size,
            self._duration_ns(table, line, self._measure, batch_size),
            table.share(line, columns["share"], self._share_unit) if "share" in columns else 1.0,
            self._duration_ns(table, line, "solo", batch_size) if "solo" in columns else None,
            (start or 0.0) * self._unit_ns,
        )

    def _duration_ns(self, table: CsvTable, line: Line, name: str, batch_size: int) -> float | None:
        value = table.positive(line, self._columns[name])
        if value is None or self._measure == "duration":
            return None if value is None else value * self._unit_ns
        return (batch_size if self._by_sample else 1) / value * 1e9

    def _sharing_of(self, table: CsvTable, lines: list[Line]) -> str:
        if self._sharing is not None:
            return self._sharing
        column = self._columns["sharing"]
        for line in lines:
            if line[1][column] not in SHARINGS:
                table.reject(line, column, f"none of {', '.join(SHARINGS)}")
            elif line[1][column] != lines[0][1][column]:
                table.reject(line, column, "another sharing mode in one experiment")
        return lines[0][1][column]
