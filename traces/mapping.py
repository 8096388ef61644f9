"""Deal the requests of one stream to several models, as studies of serving do with traces that name none."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.streams import stream
from isim.traces.trace import Trace


def map_models(
    trace: Trace, weights: Mapping[str, float], how: str = "stripes", *, by: str | None = None, seed: int = 0
) -> Trace:
    """Return the trace with its requests dealt to models; arrivals and all other columns stay as they are.

    Parameters
    ----------
    weights
        Names and weights > 0 of the models. Stripes deal equally and take equal weights only.
    how
        `stripes`: the i-th source goes to model i modulo their number. `weights`: each goes to a random one.
    by
        The column whose distinct values are the sources, in order of first appearance, such as `tenant`: all requests
        of one go to one model. By default each request is its own.
    seed
        Of the random choice.

    Raises
    ------
    TraceError
        There is no such way or column, or the weights do not fit.

    Examples
    --------
    >>> trace = Trace.from_columns(arrival_ns=[0, 1, 2], model="llm", duration_ns=3)
    >>> map_models(trace, {"resnet50": 1, "bert": 1}).table["model"].to_pylist()
    ['resnet50', 'bert', 'resnet50']
    """
    names, shares = list(weights), np.array(list(weights.values()), dtype=float)
    given = ", ".join(f"{name}={weight:g}" for name, weight in weights.items())
    if not names or not (np.isfinite(shares) & (shares > 0)).all():
        raise TraceError(f"mapping: every model needs a weight > 0 (found {given or 'no models'}); give it one")
    sources = _sources(trace, by)
    count = int(sources.max()) + 1
    if how == "stripes":
        if (shares != shares[0]).any():
            raise TraceError(f"mapping: stripes deal equally (found {given}); make the weights equal or map by weights")
        codes = np.arange(count) % len(names)
    elif how == "weights":
        codes = stream(seed, "mapping").choice(len(names), size=count, p=shares / shares.sum())
    else:
        raise TraceError(f"mapping: no way called {how!r}; choose stripes or weights")
    mapping = {"how": how, "by": by or "request", "models": dict(weights), "seed": seed if how == "weights" else None}
    model = pa.DictionaryArray.from_arrays(codes[sources].astype(np.int32), pa.array(names))
    return trace.revised({"op": "map", "params": mapping}, {"mapping": mapping}, model=model)


def _sources(trace: Trace, by: str | None) -> npt.NDArray[np.int64]:
    """Number each request's source in order of first appearance."""
    if by is None:
        return np.arange(len(trace))
    if by not in trace.table.column_names:
        raise TraceError(f"mapping: no column {by!r} (has: {', '.join(trace.table.column_names)}); choose one of these")
    values = trace.table[by].to_pandas()
    if values.isna().any():
        raise TraceError(f"mapping: column {by!r} is empty in {values.isna().sum()} rows; choose another column")
    codes: npt.NDArray[np.int64] = values.factorize()[0]
    return codes
