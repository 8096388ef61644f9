"""Static batching: batches of one size."""

import math

from isim.policies.dynamic import Dynamic
from isim.policies.parameters import check_parameters, seconds, whole


class Static(Dynamic):
    """Send a model's requests only when they fill a batch, or when the oldest has waited long enough.

    This is the dynamic batcher with one preferred size and, unless told otherwise, no bound on the delay: without
    `max_delay_s` a last batch that never fills is never sent.

    Parameters
    ----------
    batch_size
        Samples in a batch, at least 1. A request that holds more is refused at its arrival; requests of several
        samples that do not add up to the size exactly go in the largest batch below it.
    max_delay_s
        Send what waits when the oldest request has waited this long, seconds, at least 0. Never if left out.

    Raises
    ------
    PolicyError
        A parameter is out of range, or, at the first decision on a model, larger than any size profiled of it.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> arrivals = [("a", 0.0), ("a", 0.001), ("a", 0.002)]
    >>> print(rehearse(Static(batch_size=2, max_delay_s=0.050), arrivals, solo_s=0.01))
    1 ms: a 0 1
    52 ms: a 2
    """

    _name = "static"
    _size_parameter = "batch_size"

    def __init__(self, batch_size: int, max_delay_s: float | None = None) -> None:
        size, delay = whole("batch_size", batch_size, required=True), seconds("max_delay_s", max_delay_s)
        check_parameters("static", size, delay)
        super().__init__(max_batch=batch_size, max_queue_delay_s=math.inf if max_delay_s is None else max_delay_s)
        self.batch_size = batch_size
        self.max_delay_s = max_delay_s
