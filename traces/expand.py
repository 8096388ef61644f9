"""Make requests of rates: each window holds arrivals of its own law."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.ordered import Moved, ordered
from isim.traces.parquet_file import GROUP_ROWS
from isim.traces.rates import Rates
from isim.traces.schema import MOST_REQUESTS
from isim.traces.streams import stream
from isim.traces.trace_stream import TraceStream
from isim.traces.window_law import Window, WindowLaw

METHODS = ("recorded", "poisson", "gamma", "count", "even")
_Draw = Callable[[slice], tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]


def expand(
    rates: Rates,
    method: str = "recorded",
    *,
    seed: int,
    cv: float | None = None,
    rate_factor: float = 1.0,
    cv_factor: float = 1.0,
) -> TraceStream:
    """Return a trace drawn from rates, a chunk at a time.

    Parameters
    ----------
    method
        `poisson`: at the window's rate. `count`: exactly the counted number, uniform in the window. `even`: the same
        number at equal distances. `gamma`: gaps of the window's CV. `recorded`: of the window's own `dist` and CV.
        In the last two a gap that is under way when a window ends goes on in the next, at its rate.
    seed
        Of all draws. By `gamma` and `recorded`, a model's and tenant's arrivals do not depend on the others.
    cv
        Instead of the CV of the windows, > 0.
    rate_factor, cv_factor
        Multiply every window's rate and CV. A count that is no longer whole is rounded at random, without bias.

    Raises
    ------
    TraceError
        There is no such method, a number is out of range, or the windows lack what the method needs.

    Examples
    --------
    >>> rates = Rates.from_columns(start_ns=[0, 10**9], width_ns=10**9, model="bert", count=[2, 3])
    >>> expand(rates, "even", seed=0).collected().arrival_ns / 1e9
    array([0.25      , 0.75      , 1.16666667, 1.5       , 1.83333333])
    """
    _check(rates, method, cv, rate_factor, cv_factor)
    params = {"method": method, "cv": cv, "rate_factor": rate_factor, "cv_factor": cv_factor}
    old = rates.footer
    footer = {
        **old,
        "kind": "requests",
        "history": [*old.get("history", []), {"op": "expand", "params": params, "seed": seed}],
    }
    footer.pop("time_resolution_ns", None)  # the new times are finer than what was counted

    def opened() -> Iterator[pa.Table]:
        if method in ("recorded", "gamma"):
            draw = _by_law(rates, method, seed, cv, rate_factor, cv_factor)
        else:
            draw = _by_count(rates, method, seed, rate_factor)
        return _numbered(_chunks(rates, draw, rates.rate_rps * rate_factor))

    return TraceStream(footer, opened, "rates")


def _check(rates: Rates, method: str, cv: float | None, rate_factor: float, cv_factor: float) -> None:
    problems = []
    if method not in METHODS:
        problems.append(f"no method called {method!r}; choose one of {', '.join(METHODS)}")
    for name, value in (("cv", cv), ("rate factor", rate_factor), ("CV factor", cv_factor)):
        if value is not None and not 0 < value < math.inf:
            problems.append(f"the {name} must be > 0 and finite (found {value:g}); correct it")
    if method == "gamma" and cv is None and "cv" not in rates.table.column_names:
        problems.append("the windows have no CV; give one, or expand by 'poisson' or 'count'")
    most = float(np.max(rates.rate_rps * rates.numbers("width_ns"), initial=0.0)) / 1e9 * rate_factor
    if MOST_REQUESTS < most < math.inf:
        problems.append(f"a window holds {most:.3g} requests, too many to draw (at most 2^31); lower the factor")
    laws = set(rates.text("dist").dictionary.to_pylist())
    if method == "recorded" and cv_factor != 1 and laws & {"mmpp", "on-off"}:
        problems.append(f"bursts of {', '.join(sorted(laws))} have no CV to multiply; fit 'gamma', or leave it out")
    if problems:
        raise TraceError(*(f"expand: {problem}" for problem in problems))


def _chunks(rates: Rates, draw: _Draw, rate_rps: npt.NDArray[np.float64]) -> Iterator[Moved]:
    """Draw so many windows at once that they hold about a row group, and all windows of one start together."""
    starts_ns = rates.table["start_ns"].to_numpy()
    model, tenant = rates.text("model"), rates.text("tenant")
    expected = np.cumsum(rate_rps * rates.numbers("width_ns") / 1e9)
    first = 0
    while first < len(rates):
        done = expected[first - 1] if first else 0.0
        end = max(int(np.searchsorted(expected, done + GROUP_ROWS)), first + 1)
        end = int(np.searchsorted(starts_ns, starts_ns[end - 1], side="right"))
        arrival_ns, window = draw(slice(first, end))
        order = np.argsort(arrival_ns, kind="stable")
        columns = {"arrival_ns": arrival_ns[order], "model": model.take(pa.array(window[order]))}
        columns["request_id"] = np.arange(len(order)) + first  # ascending within a chunk, which is all that counts
        if "tenant" in rates.table.column_names:
            columns["tenant"] = tenant.take(pa.array(window[order]))
        first = end
        yield Moved(pa.table(columns), int(starts_ns[end]) if end < len(rates) else 2**63 - 1)


def _numbered(chunks: Iterator[Moved]) -> Iterator[pa.Table]:
    sent = 0
    for chunk in ordered(chunks):
        yield chunk.set_column(2, "request_id", pa.array(np.arange(sent, sent + len(chunk))))
        sent += len(chunk)


def _by_count(rates: Rates, method: str, seed: int, rate_factor: float) -> _Draw:
    """Draw how many arrive in each window, then where; all windows at once, from one stream."""
    rng = stream(seed, "expand")
    starts_ns, widths_ns = (rates.table[name].to_numpy() for name in ("start_ns", "width_ns"))
    expected = rates.rate_rps * widths_ns / 1e9 * rate_factor
    if "count" in rates.table.column_names:  # exact where it was counted: count / width * width may be a hair off
        counted = rates.numbers("count") * rate_factor
        expected = np.where(np.isnan(rates.numbers("rate_rps")) & ~np.isnan(counted), counted, expected)

    def draw(part: slice) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        mean = expected[part]
        near = np.where(np.abs(mean - np.rint(mean)) < 1e-9 * np.maximum(mean, 1), np.rint(mean), mean)
        rounded = np.floor(near) + (rng.random(len(mean)) < near - np.floor(near))
        counts = (rng.poisson(mean) if method == "poisson" else rounded).astype(np.int64)
        window = np.repeat(np.arange(part.start, part.stop), counts)
        if method == "even":
            rank = np.arange(len(window)) - np.repeat(np.cumsum(counts) - counts, counts)
            place = (rank + 0.5) / np.repeat(counts, counts)
        else:
            place = rng.random(len(window))
        offset_ns = np.minimum((place * widths_ns[window]).astype(np.int64), widths_ns[window] - 1)
        return starts_ns[window] + offset_ns, window

    return draw


def _by_law(rates: Rates, method: str, seed: int, cv: float | None, rate_factor: float, cv_factor: float) -> _Draw:
    """Go from window to window of every stream, each with random numbers of its own."""
    table, codes = rates.table, rates.streams
    model, tenant = (rates.text(name).to_pylist() for name in ("model", "tenant"))
    dist = rates.text("dist").to_pylist() if method == "recorded" else ["gamma"] * len(rates)
    # A window without a CV held too few arrivals to have one: those of a Poisson process are the least assumption.
    given = rates.numbers("cv") if cv is None else np.full(len(rates), cv)
    cvs = np.nan_to_num(given, nan=1.0)
    numbers = {name: rates.numbers(name) for name in ("burst_ratio", "burst_share", "cycle_s")}
    starts_ns, widths_ns = (table[name].to_numpy() for name in ("start_ns", "width_ns"))
    rate_rps = rates.rate_rps * rate_factor
    laws: dict[int, WindowLaw] = {}

    def window(at: int) -> Window:
        spread = 1.0 if dist[at] == "poisson" and cv is None else float(cvs[at])
        bursts = {name: float(column[at]) for name, column in numbers.items()}
        return Window(dist[at] or "gamma", float(rate_rps[at]), widths_ns[at] / 1e9, spread * cv_factor, **bursts)

    def draw(part: slice) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        arrivals = []
        for at in range(part.start, part.stop):
            code = int(codes[at])
            if code not in laws:
                laws[code] = WindowLaw(stream(seed, "expand", model[at], tenant[at] or ""))
            offset_ns = (laws[code].arrivals_s(window(at)) * 1e9).astype(np.int64)
            arrivals.append(starts_ns[at] + np.minimum(offset_ns, widths_ns[at] - 1))
        counts = [len(times) for times in arrivals]
        return np.concatenate(arrivals), np.repeat(np.arange(part.start, part.stop), counts)

    return draw
