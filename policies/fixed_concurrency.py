"""A fixed number of batches at once."""

from collections.abc import Iterable

from isim.policies.greedy import Greedy
from isim.policies.limited_view import LimitedView
from isim.policies.parameters import check_parameters, whole
from isim.policies.policy import Decision, Event, View


class FixedConcurrency:
    """Batch greedily, with no more than a fixed number of batches on the GPU at once.

    Parameters
    ----------
    limit
        Batches at once, at least 1; more than the server has slots changes nothing.
    max_batch
        Most samples in a batch; each model's largest profiled size if left out. A larger request is refused.

    Raises
    ------
    PolicyError
        A parameter is out of range, or, at the first decision on a model, larger than any size profiled of it.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> print(rehearse(FixedConcurrency(limit=1), [("a", 0.0), ("b", 0.001)], solo_s=0.010, slots=2))
    0 ms: a 0
    10 ms: b 1
    """

    def __init__(self, limit: int, max_batch: int | None = None) -> None:
        check_parameters("fixed-concurrency", whole("limit", limit, required=True), whole("max_batch", max_batch))
        self.limit = limit
        self.max_batch = max_batch
        self._greedy = Greedy(max_batch)

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Fill the free slots below the limit."""
        return self._greedy.decide(LimitedView(view, self.limit), event)
