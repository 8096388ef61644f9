"""Change the rate of a trace by fitting it and drawing anew."""

from isim.traces.expand import expand
from isim.traces.fit.fit import fit
from isim.traces.trace import Trace
from isim.traces.transforms.draw_columns import draw_columns


def scale_fit(
    trace: Trace,
    factor: float,
    seed: int,
    *,
    law: str = "gamma",
    method: str = "mle",
    window_ns: int | None = None,
    cv_factor: float = 1.0,
) -> Trace:
    """Return new requests at `factor` times the rate, from the laws fitted to each model and window.

    What a request holds is drawn from those of its model; sessions and ids are not kept.

    Parameters
    ----------
    factor, cv_factor
        Multiply the rate and the CV of every window, > 0.
    seed
        Of the new requests.
    law, method, window_ns
        As of `fit`.

    Raises
    ------
    TraceError
        As `fit` and `expand`.

    Examples
    --------
    >>> import numpy as np
    >>> trace = Trace.from_columns(arrival_ns=np.arange(1000) * 10**7, model="bert")
    >>> len(scale_fit(trace, 2, seed=1))
    2000
    """
    rates = fit(trace, law, method=method, window_ns=window_ns).rates
    drawn = expand(rates, seed=seed, rate_factor=factor, cv_factor=cv_factor).collected()
    return draw_columns(drawn, trace, seed)
