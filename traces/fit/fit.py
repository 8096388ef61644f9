"""Fit a law to the gaps of a trace, model by model and window by window; the result is a file of rates."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.fit.gamma_fit import fit_gamma
from isim.traces.fit.gap_fit import Floats, GapFit
from isim.traces.fit.mmpp_fit import fit_mmpp
from isim.traces.fit.on_off_fit import fit_on_off
from isim.traces.fit.poisson_fit import fit_poisson
from isim.traces.rates import Rates
from isim.traces.trace import Trace

LAWS: Mapping[str, Callable[[Floats], GapFit]] = {
    "poisson": fit_poisson,
    "gamma": fit_gamma,
    "on-off": fit_on_off,
    "mmpp": fit_mmpp,
}
LEAST_GAPS = 10


class WindowFit(NamedTuple):
    """The fits of one window of one stream."""

    model: str
    tenant: str | None
    start_ns: int
    width_ns: int
    requests: int
    gap_cv: float | None
    """As counted; None of fewer than two gaps."""
    fits: tuple[GapFit, ...]
    """The one that was asked for first; empty of fewer than `LEAST_GAPS` gaps."""


class Fitted(NamedTuple):
    """Rates, and what each window's fits were like."""

    rates: Rates
    windows: list[WindowFit]


def fit(
    trace: Trace, law: str = "gamma", *, method: str = "mle", window_ns: int | None = None, by_tenant: bool = False
) -> Fitted:
    """Return the law of the gaps of each model in each window, as rates.

    The rate of a window is what was counted, whatever the law. A gap belongs to the window in which it ends; one of 0
    counts as half a tick of the trace's clock. A window of fewer than 10 gaps is taken to be Poisson; so is one that
    bursts describe no better than that, by Akaike's criterion.

    Parameters
    ----------
    law
        One of `LAWS`.
    method
        `mle` (maximum likelihood) or, of `gamma`, `moments`.
    window_ns
        Length of the windows; the whole trace if left out.
    by_tenant
        Fit every tenant of a model on its own.

    Raises
    ------
    TraceError
        There is no such law, method or window, or the trace was observed for no time.

    Examples
    --------
    >>> arrival_ns = np.random.default_rng(1).integers(0, 10**10, 1000)
    >>> trace = Trace.from_columns(arrival_ns=np.sort(arrival_ns), model="bert", duration_ns=10**10)
    >>> table = fit(trace, window_ns=5 * 10**9).rates.table
    >>> table["count"].to_pylist(), table["cv"].to_numpy().round(1).tolist()
    ([507, 493], [1.0, 1.0])
    """
    window_ns = trace.duration_ns if window_ns is None else window_ns
    problems = []
    if law not in LAWS:
        problems.append(f"no law called {law!r}; choose one of {', '.join(LAWS)}")
    if method not in ("mle", "moments") or (method == "moments" and law not in ("gamma", "poisson")):
        problems.append(f"{law} is not fitted by {method!r}; choose 'mle', or 'moments' of gamma")
    if trace.duration_ns <= 0 or window_ns <= 0:
        problems.append(f"nothing to fit in {min(trace.duration_ns, window_ns)} ns; give a window > 0")
    if by_tenant and "tenant" not in trace.table.column_names:
        problems.append("the trace names no tenants; fit by model only")
    if problems:
        raise TraceError(*(f"fit: {problem}" for problem in problems))
    windows = list(_windows(trace, law, method, window_ns, by_tenant))
    params = {"law": law, "method": method, "window_ns": window_ns, "by_tenant": by_tenant}
    old = trace.footer
    footer = {**old, "kind": "rates", "history": [*old.get("history", []), {"op": "fit", "params": params}]}
    return Fitted(_rates(windows, footer, by_tenant), windows)


def _windows(trace: Trace, law: str, method: str, window_ns: int, by_tenant: bool) -> Iterator[WindowFit]:
    half_tick_s = max(int(trace.footer.get("time_resolution_ns", 1)), 1) / 2e9
    for model, tenant, arrival_ns in _streams(trace, by_tenant):
        gaps_s = np.maximum(np.diff(arrival_ns) / 1e9, half_tick_s)
        # An arrival at the very end of the observed time belongs to the last window: there is none after it.
        which = np.minimum(arrival_ns // window_ns, max(-(-trace.duration_ns // window_ns) - 1, 0))
        starts = np.flatnonzero(np.diff(which, prepend=-1))
        for first, end in zip(starts, [*starts[1:], len(arrival_ns)], strict=True):
            start_ns = int(which[first]) * window_ns
            width_ns = min(window_ns, trace.duration_ns - start_ns)
            own_s = gaps_s[max(first - 1, 0) : end - 1]
            gap_cv = float(own_s.std() / own_s.mean()) if len(own_s) > 1 else None
            fits = tuple(_fits(own_s, law, method)) if len(own_s) >= LEAST_GAPS else ()
            yield WindowFit(model, tenant, start_ns, width_ns, int(end - first), gap_cv, fits)


def _streams(trace: Trace, by_tenant: bool) -> Iterator[tuple[str, str | None, npt.NDArray[np.int64]]]:
    codes = trace.model_codes.astype(np.int64)
    tenants: list[str | None] = [None]
    if by_tenant:
        column: Any = trace.table["tenant"].combine_chunks()
        tenants = [None, *column.dictionary.to_pylist()]
        codes = codes * len(tenants) + column.indices.fill_null(-1).to_numpy() + 1
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    for part in np.split(order, starts[1:]):
        model, tenant = divmod(int(codes[part[0]]), len(tenants))
        yield trace.models[model], tenants[tenant], trace.arrival_ns[part]


def _fits(gaps_s: Floats, law: str, method: str) -> Iterator[GapFit]:
    if law == "gamma":
        other = "moments" if method == "mle" else "mle"
        yield from (fit_gamma(gaps_s, method), fit_gamma(gaps_s, other))
    elif law != "poisson":
        yield LAWS[law](gaps_s)
    yield fit_poisson(gaps_s)


def _rates(windows: list[WindowFit], footer: Mapping[str, Any], by_tenant: bool) -> Rates:
    rows = []
    for window in windows:
        chosen = window.fits[0] if window.fits else None
        if chosen is not None and chosen.law in ("on-off", "mmpp") and chosen.aic >= window.fits[-1].aic:
            chosen = window.fits[-1]
        found = dict(chosen.parameters) if chosen else {}
        rows.append(
            {
                "start_ns": window.start_ns,
                "width_ns": window.width_ns,
                "model": window.model,
                "count": window.requests,
                "rate_rps": window.requests / (window.width_ns / 1e9),
                "cv": chosen.cv if chosen else 1.0,
                "dist": chosen.law if chosen else "poisson",
                **{name: found.get(name) for name in ("shape", "scale_s", "burst_ratio", "burst_share", "cycle_s")},
                **({"tenant": window.tenant} if by_tenant else {}),
            }
        )
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return Rates.from_table(pa.table(columns), footer)
