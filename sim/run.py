"""The run folder: what it holds, and how it is read."""

import json
import platform
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from isim import __version__
from isim.building.gpu_list import named_profiles
from isim.doubtful_settings import fitted_elsewhere, without_effect
from isim.errors import RunError
from isim.run_description import description_problems
from isim.run_schema import BATCHES, OVERLAPS, REQUESTS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer[Any]]

SCHEMA_VERSION = "1"
DESCRIPTION = "run.json"
TABLES = {"requests": REQUESTS, "batches": BATCHES, "overlaps": OVERLAPS}


class Run:
    """Hold a run folder and what its `run.json` says; made by `Experiment.run` or `read`.

    Parameters
    ----------
    folder
        Where the run lies.
    description
        The content of `run.json`.
    temporary
        What removes the folder when the run is no longer needed.

    Examples
    --------
    >>> from isim.experiment import Experiment
    >>> made = Experiment.from_flags(rate_rps=100.0, duration_s=0.5).run()
    >>> run = Run.read(made.folder)  # as `made`, which lives as long as it is held
    >>> run.summary["total"]["requests"], run.table("requests", ["latency_s"]).num_rows
    (43, 43)
    >>> run.own_slo, run.warnings
    ({}, [])
    >>> sorted(path.name for path in run.folder.iterdir())
    ['batches.parquet', 'overlaps.parquet', 'requests.parquet', 'run.json']
    """

    def __init__(
        self, folder: Path, description: dict[str, Any], temporary: "TemporaryDirectory[str] | None" = None
    ) -> None:
        self.folder = folder
        self.description = {"schema": SCHEMA_VERSION, **description}
        self._temporary = temporary

    @classmethod
    def read(cls, folder: str | Path) -> Self:
        """Read a run folder; of its tables only what they hold, to see that they are there and of this run.

        Raises
        ------
        RunError
            It is not a run folder, of a version this isim does not know, or a file is missing, damaged or of
            another run.
        """
        folder = Path(folder)
        try:
            description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        except FileNotFoundError:
            if (folder / "compare.json").is_file():
                runs = sorted(folder.glob(f"*/seed-*/{DESCRIPTION}"))
                such_as = f", or give the folder of one of its runs, such as {runs[0].parent}" if runs else ""
                raise RunError(
                    f"{folder}: holds a comparison, not a run (found compare.json); see it with 'isim report {folder}'"
                    f"{such_as}"
                ) from None
            found = f"no {DESCRIPTION}" if folder.is_dir() else "no such folder"
            raise RunError(f"{folder}: not a run folder ({found}); give what 'isim run -o' wrote") from None
        except NotADirectoryError:
            raise RunError(f"{folder}: not a run folder (a file); give what 'isim run -o' wrote") from None
        except OSError as error:
            raise RunError(f"{folder}: cannot be read ({error.strerror}); correct its permissions") from None
        except ValueError as error:
            raise RunError(f"{folder / DESCRIPTION}: not JSON ({error}); simulate again") from None
        schema = description.get("schema") if isinstance(description, dict) else None
        if schema != SCHEMA_VERSION:
            raise RunError(
                f"{folder / DESCRIPTION}: a run of another version (schema {schema!r}, known: {SCHEMA_VERSION!r}); "
                "simulate again, or use the isim that wrote it"
            )
        if missing := [f"{name}.parquet" for name in TABLES if not (folder / f"{name}.parquet").is_file()]:
            raise RunError(f"{folder}: incomplete ({' and '.join(missing)} missing); simulate again")
        if problems := description_problems(description):
            raise RunError(*(f"{folder / DESCRIPTION}: {problem}" for problem in problems))
        _check_tables(folder, description["summary"]["total"]["requests"])
        return cls(folder, description)

    def table(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """Read one of the tables: `requests`, `batches` or `overlaps`.

        Parameters
        ----------
        columns
            Those needed; all if left out.

        Raises
        ------
        RunError
            The file is not readable Parquet.
        """
        return read_table(self.folder / f"{name}.parquet", columns)

    @property
    def summary(self) -> dict[str, Any]:
        """The figures of docs/metrics.md: `total`, and `models` by name."""
        summary: dict[str, Any] = self.description["summary"]
        return summary

    @property
    def gpus(self) -> int:
        """How many GPUs there were."""
        given = self.description["parameters"].get("gpus", 1)
        return len(named_profiles(given)) or int(given)

    @property
    def own_slo(self) -> dict[str, dict[str, Any]]:
        """By model how many requests carry objectives of their own, as `isim.building.objectives.own_slo` says it."""
        found = (self.description["inputs"].get("trace") or {}).get("own_slo")
        return found if isinstance(found, dict) else {}

    @property
    def warnings(self) -> list[str]:
        """What a reader of the figures should know, one sentence each."""
        total, parameters = self.summary["total"], self.description["parameters"]
        after, unfinished = self.description["ending"]["arrivals_after_horizon"], total["unfinished"]
        found = []
        slo_s, trace = parameters.get("slo_s", {}), parameters.get("trace") or "the trace"
        if beaten := [model for model in self.own_slo if model in slo_s or "*" in slo_s]:
            found.append(
                f"{trace}: requests of {', '.join(beaten)} carry objectives of their own, which count for them instead "
                "of those of --slo; remove column slo_ns to use --slo"
            )
        if after:
            found.append(
                f"{after} of {total['requests']} requests arrive after the horizon and count as unfinished; "
                "raise the horizon or shorten the trace"
            )
        if unfinished and parameters["horizon_s"] is None:
            found.append(
                f"{unfinished} of {total['requests']} requests were never served: policy {parameters['policy']} still "
                "held them back when nothing more could happen; check when it dispatches"
            )
        contention, mode = self.description["contention"], self.description["sharing"]["mode"]
        found += fitted_elsewhere(parameters["contention"], contention.get("fitted_sharing"), mode)
        return [*found, *without_effect(self.description)]

    def write_description(self) -> None:
        """Write `run.json` into the folder."""
        text = json.dumps(self.description, indent=2, sort_keys=True, allow_nan=False)
        (self.folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read columns of a table of a run folder.

    Raises
    ------
    RunError
        The file is missing, not readable Parquet, or lacks a column.

    Examples
    --------
    >>> read_table(Path("nowhere/requests.parquet"))
    Traceback (most recent call last):
    isim.errors.RunError: nowhere/requests.parquet: no such file; simulate again
    """
    try:
        return _opened(path, columns or []).read(columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from None


def _opened(path: Path, columns: list[str]) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path)
    except FileNotFoundError:
        raise RunError(f"{path}: no such file; simulate again") from None
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from None
    has = file.schema_arrow.names
    if missing := [name for name in columns if name not in has]:
        raise RunError(f"{path}: no column {missing[0]!r} (has: {', '.join(has)}); simulate again")
    return file


def _unreadable(path: Path, error: Exception) -> RunError:
    return RunError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]}); simulate again")


def _check_tables(folder: Path, counted: int) -> None:
    """Check that each table can be opened and has its columns, and that the requests are those of the summary."""
    rows: dict[str, int] = {}
    problems: list[str] = []
    for name, schema in TABLES.items():
        try:
            rows[name] = _opened(folder / f"{name}.parquet", schema.names).metadata.num_rows
        except RunError as error:
            problems += error.problems
    if rows.get("requests", counted) != counted:
        found = f"{rows['requests']} rows, and {DESCRIPTION} counts {counted} requests"
        problems.append(f"{folder / 'requests.parquet'}: not of this run ({found}); simulate again")
    if problems:
        raise RunError(*problems)


def left_s(folder: Path, batch_id: Ints, finished_s: Floats, end_s: float) -> Floats:
    """Return when each batch left the GPU: at its finish, when it was preempted, or at the end of the run.

    Parameters
    ----------
    batch_id, finished_s
        Columns of the run's batches, NaN where null.
    end_s
        When the run ended.

    Raises
    ------
    RunError
        The table of preemptions cannot be read.
    """
    left = np.where(np.isnan(finished_s), end_s, finished_s)
    if not (folder / "preemptions.parquet").is_file():
        return left
    table = read_table(folder / "preemptions.parquet", ["batch_id", "left_s"])
    table = table.filter(table["left_s"].is_valid()).sort_by("batch_id")
    known = np.asarray(table["batch_id"].to_numpy())
    place = np.searchsorted(known, batch_id)
    at = np.flatnonzero(np.append(known, -1)[place] == batch_id)
    left[at] = np.asarray(table["left_s"].to_numpy())[place[at]]
    return left


def versions() -> dict[str, str]:
    """Return the versions on which the bits of a result depend.

    Examples
    --------
    >>> sorted(versions())
    ['isim', 'numba', 'numpy', 'pyarrow', 'python', 'simpy']
    """
    packages = ("numba", "numpy", "pyarrow", "simpy")
    return {"isim": __version__, "python": platform.python_version(), **{name: version(name) for name in packages}}
