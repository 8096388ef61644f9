"""Deal the sources of requests to models, as studies of serving do with traces that name none."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from isim.errors import TraceError
from isim.traces.streams import stream

WAYS = ("stripes", "blocks", "weights")
ORDERS = ("file", "popularity")


def deal(
    requests: npt.NDArray[np.int64], weights: Mapping[str, float], how: str, order: str, seed: int
) -> npt.NDArray[np.int32]:
    """Return for each source the place of its model among `weights`.

    Parameters
    ----------
    requests
        How many requests each source sent, in the order in which the sources first appear.
    weights
        Names and weights > 0 of the models. Stripes and blocks deal equally and take equal weights only.
    how
        `stripes`: source i of n goes to model i modulo m. `blocks`: to model floor(m i / n). `weights`: to a random
        one.
    order
        Of the sources: that of the `file`, or by `popularity`, the busiest first; equally busy ones as in the file.
    seed
        Of the random choice.

    Raises
    ------
    TraceError
        There is no such way or order, or the weights do not fit.

    Examples
    --------
    >>> deal(np.array([1, 5, 3, 4]), {"a": 1, "b": 1}, "blocks", "popularity", 0).tolist()
    [1, 0, 1, 0]
    """
    check_deal(weights, how, order)
    codes = deal_part(0, len(requests), len(requests), weights, how, stream(seed, "mapping"))
    if order == "popularity":
        ranked = np.empty_like(codes)
        ranked[np.argsort(-requests, kind="stable")] = codes
        return ranked
    return codes


def deal_part(
    first: int, count: int, total: int, weights: Mapping[str, float], how: str, rng: np.random.Generator
) -> npt.NDArray[np.int32]:
    """Return what `deal` does for so many of `total` sources from `first` on; parts in turn make the whole.

    Examples
    --------
    >>> deal_part(3, 2, 6, {"a": 1, "b": 1, "c": 1}, "blocks", np.random.default_rng()).tolist()
    [1, 2]
    """
    shares = np.array(list(weights.values()), dtype=float)
    if how == "weights":
        return rng.choice(len(shares), size=count, p=shares / shares.sum()).astype(np.int32)
    rank = np.arange(first, first + count)
    return (rank % len(shares) if how == "stripes" else rank * len(shares) // total).astype(np.int32)


def check_deal(weights: Mapping[str, float], how: str, order: str) -> None:
    """Refuse a way of dealing that there is not, or weights that do not fit it.

    Raises
    ------
    TraceError
        As `deal`.

    Examples
    --------
    >>> check_deal({"a": 1, "b": 2}, "stripes", "file")
    Traceback (most recent call last):
    isim.errors.TraceError: mapping: stripes deal equally (found a=1, b=2); make the weights equal or map by weights
    """
    names, shares = list(weights), np.array(list(weights.values()), dtype=float)
    given = ", ".join(f"{name}={weight:g}" for name, weight in weights.items())
    problems = []
    if not names or not (np.isfinite(shares) & (shares > 0)).all():
        problems.append(f"every model needs a weight > 0 (found {given or 'no models'}); give it one")
    elif math.isinf(sum(weights.values())):
        problems.append(f"the weights add up to no finite number (found {given}); make them smaller")
    elif how in ("stripes", "blocks") and (shares != shares[0]).any():
        problems.append(f"{how} deal equally (found {given}); make the weights equal or map by weights")
    if how not in WAYS:
        problems.append(f"no way called {how!r}; choose {', '.join(WAYS[:-1])} or {WAYS[-1]}")
    if order not in ORDERS:
        problems.append(f"no order called {order!r}; choose {' or '.join(ORDERS)}")
    if problems:
        raise TraceError(*(f"mapping: {problem}" for problem in problems))


def zipf_weights(models: Mapping[str, float], exponent: float) -> dict[str, float]:
    """Return weights in proportion to 1 / rank^exponent, in the order of the models; their own weights are ignored.

    Raises
    ------
    TraceError
        The exponent is negative or not finite.

    Examples
    --------
    >>> zipf_weights({"a": 1, "b": 1, "c": 1}, 1)
    {'a': 1.0, 'b': 0.5, 'c': 0.3333333333333333}
    """
    if not 0 <= exponent < float("inf"):
        raise TraceError(f"mapping: the exponent of Zipf's law must be >= 0 (found {exponent:g}); correct it")
    return {name: rank**-exponent for rank, name in enumerate(models, start=1)}
