"""A simulated run against what hardware measured of the same requests: latency, attainment, throughput."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from isim.errors import RunError
from isim.policies.recorded_table import read_recorded
from isim.run import Run

Floats = npt.NDArray[np.float64]

_PERCENTILES = (50, 90, 95, 99)
LATENCIES = ("latency_mean_s", *(f"latency_p{percent}_s" for percent in _PERCENTILES))
_SHARES = ("attainment", "refused")
_SAME_S = 1e-6
"""Arrivals this near are the same."""


class _Served(NamedTuple):
    """How each request ended; times in seconds, NaN where it did not finish."""

    request_id: npt.NDArray[np.int64]
    model: npt.NDArray[Any]
    arrived_s: Floats
    finished_s: Floats
    outcome: npt.NDArray[Any]

    def at(self, rows: Any) -> "_Served":
        """Return some of the rows."""
        return _Served._make(column[rows] for column in self)


def validate_run(run: Run, recorded: str | Path) -> dict[str, Any]:
    """Return figures of a run beside the measured ones, in all and by model, and how far they are apart.

    Both sides are computed from their requests by the same formulas. Errors of latency and throughput are relative to
    the measured value (0.1 is ten per cent); those of shares are differences, simulated minus measured. `mape` is the
    mean absolute error of the mean latency and its percentiles, over all requests; `worst_model_mape` the largest of
    the models' own. Requests that both sides finished, with the same id, model and arrival, are compared one by one.

    Parameters
    ----------
    run
        What was simulated.
    recorded
        Path of the measured requests, Parquet or CSV with the columns of requests.parquet.

    Raises
    ------
    RunError
        A table cannot be used, no request finished, or the two are not of the same models.
    """
    simulated, measured = _simulated(run), _measured(recorded)
    names = sorted(set(measured.model.tolist()))
    if others := sorted(set(simulated.model.tolist()) ^ set(names)):
        raise RunError(
            f"{recorded}: not the models of {run.folder} (only in one of them: {', '.join(others)}); compare a run "
            "with what was measured of the same requests"
        )
    for where, served in ((run.folder, simulated), (recorded, measured)):
        if np.isnan(served.finished_s).all():
            raise RunError(f"{where}: no request finished (of {len(served.model)}); there is nothing to compare")
    of_model = {name: _beside(simulated, measured, simulated.model == name, measured.model == name) for name in names}
    total = _beside(simulated, measured, slice(None), slice(None))
    figures = total["figures"]
    return {
        "mape": total["mape"],
        "worst_model_mape": max((each["mape"] for each in of_model.values() if each["mape"] is not None), default=None),
        "throughput_ape": abs(figures["throughput_rps"]["error"]),
        "attainment_error": abs(figures["attainment"]["error"]),
        "refused_error": abs(figures["refused"]["error"]),
        **{f"{name.removesuffix('_s')}_ape": abs(figures[name]["error"]) for name in LATENCIES},
        **_one_by_one(simulated, measured),
        "total": total,
        "models": of_model,
    }


def _beside(simulated: _Served, measured: _Served, some: Any, others: Any) -> dict[str, Any]:
    here, there = simulated.at(some), measured.at(others)
    pair = _figures(here, _length_s(simulated)), _figures(there, _length_s(measured))
    figures = {
        name: {"simulated": pair[0][name], "measured": value, "error": _error(name, pair[0][name], value)}
        for name, value in pair[1].items()
    }
    errors = [abs(error) for name in LATENCIES if (error := figures[name]["error"]) is not None]
    return {
        "requests": [len(here.model), len(there.model)],
        "mape": float(np.mean(errors)) if errors else None,
        "figures": figures,
    }


def _error(figure: str, simulated: float | None, measured: float | None) -> float | None:
    if simulated is None or measured is None:
        return None
    if figure in _SHARES:
        return simulated - measured
    return simulated / measured - 1 if measured else None


def _figures(served: _Served, length_s: float) -> dict[str, float | None]:
    latency_s = (served.finished_s - served.arrived_s)[~np.isnan(served.finished_s)]
    values: list[float | None] = [None] * len(LATENCIES)
    if len(latency_s):
        values = [float(latency_s.mean()), *np.percentile(latency_s, _PERCENTILES).tolist()]
    return {
        **dict(zip(LATENCIES, values, strict=True)),
        "attainment": float(np.mean(served.outcome == "on-time")),
        "refused": float(np.mean(np.isin(served.outcome, ["rejected", "dropped"]))),
        "throughput_rps": len(latency_s) / length_s,
    }


def _length_s(served: _Served) -> float:
    """Return the time from the first arrival to the last finish or arrival, of all models."""
    last_s = max(float(np.nanmax(served.finished_s)), float(served.arrived_s.max()))
    return max(last_s - float(served.arrived_s.min()), 1e-9)


def _one_by_one(simulated: _Served, measured: _Served) -> dict[str, Any]:
    _, here, there = np.intersect1d(simulated.request_id, measured.request_id, return_indices=True)
    one, other = simulated.at(here), measured.at(there)
    same = (one.model == other.model) & (np.abs(one.arrived_s - other.arrived_s) <= _SAME_S)
    same &= ~np.isnan(one.finished_s) & ~np.isnan(other.finished_s) & (other.finished_s > other.arrived_s)
    if not same.any():
        return {"requests_matched": 0, "request_mape": None, "request_p90_ape": None}
    one, other = one.at(same), other.at(same)
    errors = np.abs((one.finished_s - one.arrived_s) / (other.finished_s - other.arrived_s) - 1)
    return {
        "requests_matched": int(same.sum()),
        "request_mape": float(errors.mean()),
        "request_p90_ape": float(np.percentile(errors, 90)),
    }


def _simulated(run: Run) -> _Served:
    table = run.table("requests", ["request_id", "model", "arrived_s", "finished_s", "outcome"])
    columns = [np.array(table[name].to_pylist(), dtype=object) for name in ("model", "outcome")]
    ids, arrived_s, finished_s = (table[name].to_numpy() for name in ("request_id", "arrived_s", "finished_s"))
    return _Served(ids, columns[0], arrived_s, np.asarray(finished_s, dtype=np.float64), columns[1])


def _measured(path: str | Path) -> _Served:
    found = read_recorded(path, RunError)
    names, outcomes = np.array(found.model, dtype=object), np.array(found.outcome, dtype=object)
    return _Served(found.request_id, names, found.arrived_s, found.finished_s, outcomes)
