"""Bring the rise and fall of recorded rates into a range of rates and a time that suit an experiment."""

import math
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.rates import Rates


def shape(
    rates: Rates, sum_ns: int, to_ns: int, lowest_rps: float, highest_rps: float, models: Mapping[str, float]
) -> Rates:
    """Return rates that rise and fall as the sum of all streams does, between two rates and as fast as wanted.

    All requests of each `sum_ns` are added up; the sums are mapped linearly, the least to `lowest_rps` and the
    greatest to `highest_rps`, and each lasts `to_ns`. Loki does so with Azure's functions: hours become seconds of
    100 to 500 requests.

    Parameters
    ----------
    models
        Names and weights > 0 of the models among which the rate is divided.

    Raises
    ------
    TraceError
        A number is out of range, or there are fewer than two different sums.

    References
    ----------
    Ahmad et al., Loki: A System for Serving ML Inference Pipelines with Hardware and Accuracy Scaling, HPDC 2024.

    Examples
    --------
    >>> rates = Rates.from_columns(start_ns=[0, 60, 120], width_ns=60, model="f", count=[10, 30, 20])
    >>> shape(rates, 60, 10**9, 100, 500, {"bert": 1}).rate_rps
    array([100., 500., 300.])
    """
    problems = []
    if sum_ns <= 0 or to_ns <= 0:
        problems.append(f"the times must be > 0 (found {sum_ns} and {to_ns} ns); correct them")
    if not 0 <= lowest_rps < highest_rps < math.inf:
        problems.append(
            f"the rates must be 0 <= lowest < highest (found {lowest_rps:g}, {highest_rps:g}); correct them"
        )
    if not models or not all(0 < weight < math.inf for weight in models.values()):
        problems.append(f"every model needs a weight > 0 (found {dict(models)}); give it one")
    elif math.isinf(sum(models.values())):
        problems.append(f"the weights add up to no finite number (found {dict(models)}); make them smaller")
    if not problems:
        starts_ns, widths_ns = (rates.table[name].to_numpy() for name in ("start_ns", "width_ns"))
        wide = (starts_ns // sum_ns) != ((starts_ns + widths_ns - 1) // sum_ns)
        if wide.any():
            problems.append(f"{int(wide.sum())} windows reach over a sum's end; sum over a multiple of their width")
        requests = rates.rate_rps * widths_ns / 1e9
        parts = max(-(-rates.duration_ns // sum_ns), 1)
        sums = np.bincount(starts_ns // sum_ns, requests, minlength=parts)
        if sums.min() == sums.max():
            problems.append(f"all {parts} sums are {sums[0]:g}, which have no shape; sum over a shorter time")
    if problems:
        raise TraceError(*(f"shape: {problem}" for problem in problems))
    rate_rps = lowest_rps + (sums - sums.min()) / (sums.max() - sums.min()) * (highest_rps - lowest_rps)
    whole = math.fsum(models.values())
    names = sorted(models)
    params = {"sum_ns": sum_ns, "to_ns": to_ns, "lowest_rps": lowest_rps, "highest_rps": highest_rps}
    footer = {key: value for key, value in rates.footer.items() if key in ("source", "history")}
    history = [*footer.pop("history", []), {"op": "shape", "params": {**params, "models": dict(models)}}]
    codes = np.repeat(np.arange(len(names), dtype=np.int32), parts)
    return Rates.from_columns(
        start_ns=np.tile(np.arange(parts) * to_ns, len(names)),
        width_ns=to_ns,
        model=pa.DictionaryArray.from_arrays(codes, pa.array(names)),
        rate_rps=np.concatenate([rate_rps * models[name] / whole for name in names]),
        footer={**footer, "history": history},
    )
