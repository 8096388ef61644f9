"""Say how well fits describe the gaps, all windows of a model together."""

from typing import Any

import numpy as np

from isim.traces.fit.fit import Fitted, WindowFit


def goodness(fitted: Fitted) -> list[dict[str, Any]]:
    """Return a row for each model and law: how far the law is from the gaps, over the windows that it was fitted to.

    The CVs and the KS distance are means over windows, weighted by their gaps; the AIC is their sum.

    Examples
    --------
    >>> from isim.traces.fit.fit import fit
    >>> from isim.traces.make import make_trace
    >>> trace = make_trace("gamma:cv=2", rate_rps=100, duration_ns=10**10, models={"bert": 1}, seed=1)
    >>> for row in goodness(fit(trace)):
    ...     print(row["law"], row["method"], *(round(row[key], 1) for key in ("cv_counted", "cv_fitted", "ks")))
    gamma mle 2.0 2.0 0.0
    gamma moments 2.0 2.0 0.0
    poisson mle 2.0 1.0 0.3
    """
    rows: dict[tuple[str, str, str], list[tuple[WindowFit, int]]] = {}
    for window in fitted.windows:
        for place, found in enumerate(window.fits):
            rows.setdefault((window.model, found.law, found.method), []).append((window, place))
    table = []
    for (model, law, method), windows in rows.items():
        fits = [window.fits[place] for window, place in windows]
        gaps = np.array([window.requests for window, _ in windows])
        counted = [window.gap_cv or 0.0 for window, _ in windows]
        table.append(
            {
                "model": model,
                "law": law,
                "method": method,
                "windows": len(windows),
                "gaps": int(gaps.sum()),
                "cv_counted": float(np.average(counted, weights=gaps)),
                "cv_fitted": float(np.average([found.cv for found in fits], weights=gaps)),
                "ks": float(np.average([found.ks for found in fits], weights=gaps)),
                "aic": float(sum(found.aic for found in fits)),
            }
        )
    return table


def windows_of(fitted: Fitted) -> list[dict[str, Any]]:
    """Return every window and every fit of it, for JSON.

    Examples
    --------
    >>> from isim.traces.fit.fit import fit
    >>> from isim.traces.make import make_trace
    >>> trace = make_trace("poisson", rate_rps=10, duration_ns=4 * 10**9, models={"bert": 1}, seed=1)
    >>> [(each["requests"], len(each["fits"])) for each in windows_of(fit(trace, window_ns=2 * 10**9))]
    [(18, 3), (24, 3)]
    """
    return [
        {
            **{name: value for name, value in window._asdict().items() if name != "fits"},
            "fits": [{**found._asdict(), "aic": found.aic} for found in window.fits],
        }
        for window in fitted.windows
    ]
