"""How batches of one model fare beside those of another."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isim.run import Run

_MOST = 24
_SHARES = (5, 25, 50, 75, 95)
_ALONE = "alone"


def slowdown_by_pair(run: Run) -> list[tuple[str, list[float], str]]:
    """Return, of each model and its co-runner, percentiles 5 to 95 of the slowdown, the most frequent pairs first.

    A batch counts for the model with whose batches it shared the GPU for longest (the first by name of several), or as
    alone.
    """
    batches = run.table("batches", ["batch_id", "model", "slowdown"])
    order = np.argsort(batches["batch_id"].to_numpy(), kind="stable")
    text: Any = batches["model"].cast(pa.string())
    names = sorted(text.unique().to_pylist())
    model = np.asarray(pc.index_in(text, pa.array(names, pa.string())).to_numpy())[order]
    ids = batches["batch_id"].to_numpy()[order]
    slowdown = np.asarray(batches["slowdown"].to_numpy(), dtype=np.float64)[order]
    beside = _longest_beside(run, ids, model, len(names))
    measured = ~np.isnan(slowdown)
    labels = [*names, _ALONE]
    rows = []
    for pair in np.unique(model[measured] * len(labels) + beside[measured]).tolist():
        of_pair = measured & (model * len(labels) + beside == pair)
        values = slowdown[of_pair]
        name = f"{names[pair // len(labels)]} beside {labels[pair % len(labels)]}".replace("beside alone", "alone")
        rows.append((len(values), (name, np.percentile(values, _SHARES).tolist(), f"{len(values):,} batches")))
    rows.sort(key=lambda row: -row[0])
    return sorted((row for _, row in rows[:_MOST]), key=lambda row: -row[1][-1])


def _longest_beside(
    run: Run, ids: npt.NDArray[np.int64], model: npt.NDArray[np.int64], models: int
) -> npt.NDArray[np.int64]:
    """Return of each batch the model it was beside for longest; the number of models if it was alone."""
    overlaps = run.table("overlaps", ["start_s", "finish_s", "batch_ids"])
    lists: Any = overlaps["batch_ids"].combine_chunks()
    offsets = np.asarray(lists.offsets.to_numpy())
    row = np.searchsorted(ids, np.asarray(lists.flatten().to_numpy()))
    count = np.diff(offsets)
    length_s = overlaps["finish_s"].to_numpy() - overlaps["start_s"].to_numpy()
    beside_s = np.zeros(len(ids) * models)
    for residents in np.unique(count[count > 1]).tolist():
        first = offsets[:-1][count == residents]
        time_s = length_s[count == residents]
        for one in range(residents):
            for other in range(residents):
                if one != other:
                    key = row[first + one] * models + model[row[first + other]]
                    beside_s += np.bincount(key, time_s, minlength=len(beside_s))
    # To the nanosecond, so that rounding decides nothing: of equals the first by name.
    table = beside_s.reshape(len(ids), models).round(9)
    return np.where(table.max(axis=1, initial=0.0) > 0, table.argmax(axis=1) if models else 0, models)
