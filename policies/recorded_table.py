"""Read what hardware measured of requests: a table with the columns of a run's requests.parquet."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from isim.errors import IsimError

OUTCOMES = ("on-time", "late", "rejected", "dropped", "unfinished")
_NUMBERS = ("request_id", "batch_id", "arrived_s", "dispatched_s", "finished_s", "deadline_s")
_ALWAYS = ("request_id", "model", "arrived_s", "finished_s")

Floats = npt.NDArray[np.float64]


class RecordedRequests(NamedTuple):
    """Columns of measured requests, in the order of the file; times in seconds on one clock, NaN where null."""

    request_id: npt.NDArray[np.int64]
    model: tuple[str, ...]
    arrived_s: Floats
    dispatched_s: Floats
    finished_s: Floats
    outcome: tuple[str, ...]
    batch_id: npt.NDArray[np.int64]
    """-1 where a request was in no batch."""


def read_recorded(path: str | Path, error: type[IsimError], needed: Sequence[str] = ()) -> RecordedRequests:
    """Read and check a table of measured requests, Parquet or CSV.

    Needed are `request_id`, `model`, `arrived_s` and `finished_s`. Without `outcome` a finished request is on time
    unless its `deadline_s` is earlier, and one that did not finish is unfinished.

    Parameters
    ----------
    path
        The file; a name that ends in `.csv` is CSV.
    error
        What to raise.
    needed
        Further columns without which the table is of no use.

    Raises
    ------
    IsimError
        As `error`: the file cannot be read, or its content is wrong; all problems at once.
    """
    table = _read(Path(path), error)
    has = table.column_names
    if missing := [name for name in (*_ALWAYS, *needed) if name not in has]:
        found = f"no column {', '.join(map(repr, missing))} (has: {', '.join(has)})"
        raise error(f"{path}: {found}; name the columns as those of requests.parquet in docs/data-formats.md")
    if not table.num_rows:
        raise error(f"{path}: no requests (found 0 rows); give what was measured")
    numbers = {name: _numbers(path, table, name, error) for name in _NUMBERS}
    model = tuple(table["model"].to_pylist())
    finished_s, deadline_s = numbers["finished_s"], numbers["deadline_s"]
    if "outcome" in has:
        outcome = tuple(table["outcome"].to_pylist())
    else:
        late = finished_s > deadline_s
        outcome = tuple(np.where(np.isnan(finished_s), "unfinished", np.where(late, "late", "on-time")).tolist())
    if problems := list(_problems(numbers, model, outcome)):
        raise error(*(f"{path}: {problem}" for problem in problems))
    batch_id = np.where(np.isnan(numbers["batch_id"]), -1, numbers["batch_id"]).astype(np.int64)
    times_s = (numbers["arrived_s"], numbers["dispatched_s"], finished_s)
    return RecordedRequests(numbers["request_id"].astype(np.int64), model, *times_s, outcome, batch_id)


def _read(path: Path, error: type[IsimError]) -> Any:
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    try:
        if path.name.removesuffix(".gz").endswith(".csv"):
            kinds = {"model": pa.string(), "outcome": pa.string()}
            return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=kinds, strings_can_be_null=True))
        return pq.ParquetFile(path).read()
    except FileNotFoundError:
        raise error(f"{path}: no such file; give a table of measured requests (Parquet or CSV)") from None
    except (OSError, pa.ArrowException) as raised:
        what = (str(raised).splitlines() or [""])[0]
        raise error(f"{path}: not a readable table ({what}); give Parquet, or CSV named .csv") from None


def _numbers(path: str | Path, table: Any, name: str, error: type[IsimError]) -> Floats:
    """Return a column as floats, NaN where null or absent."""
    import pyarrow as pa

    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    column = table[name]
    try:
        return np.array(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    except (pa.ArrowException, ValueError) as raised:
        what = (str(raised).splitlines() or [""])[0]
        raise error(f"{path}: column {name} does not hold numbers (found {column.type}: {what}); correct it") from None


def _problems(numbers: dict[str, Floats], model: Sequence[Any], outcome: Sequence[Any]) -> Any:
    """Yield what is wrong with the values, one sentence each."""
    ids, arrived_s = numbers["request_id"], numbers["arrived_s"]
    dispatched_s, finished_s = numbers["dispatched_s"], numbers["finished_s"]

    def first(bad: npt.NDArray[np.bool_]) -> int | None:
        return int(bad.argmax()) if bad.any() else None

    if (row := first(~np.isfinite(ids) | (ids != np.round(ids)))) is not None:
        yield f"request_id is not a whole number (found {ids[row]} in row {row}); number the requests"
    elif len(np.unique(ids)) < len(ids):
        twice = int(np.sort(ids)[:-1][np.diff(np.sort(ids)) == 0][0])
        yield f"a request stands there twice (found request_id {twice}); keep one row a request"
    if (row := first(np.array([not isinstance(name, str) or not name for name in model]))) is not None:
        yield f"a request has no model (found {model[row]!r} in row {row}); name it"
    if (row := first(~np.isfinite(arrived_s))) is not None:
        yield f"arrived_s is not a time (found {arrived_s[row]} in row {row}); give seconds"
    if (row := first(dispatched_s < arrived_s)) is not None:
        yield f"dispatched before it arrived (found {dispatched_s[row]} s in row {row}); correct the clock"
    if (row := first((finished_s < arrived_s) | (finished_s < dispatched_s))) is not None:
        yield f"finished before it began (found {finished_s[row]} s in row {row}); correct the clock"
    if (row := first(np.array([each not in OUTCOMES for each in outcome]))) is not None:
        yield f"no such outcome (found {outcome[row]!r} in row {row}); give {', '.join(OUTCOMES)}"
    else:
        done = np.isin(np.array(outcome), OUTCOMES[:2])
        if (row := first(done != np.isfinite(finished_s))) is not None:
            yield (
                f"outcome and finished_s disagree (found {outcome[row]!r}, {finished_s[row]} s in row {row}); "
                "those on time and late have finished, others have not"
            )
