"""Proteus-like deferred batching: wait as long as what waits can be in time."""

import math
from typing import ClassVar

from isim.policies.deadlines import batch_solo_s
from isim.policies.deferred import Deferred, Opening
from isim.policies.policy import Request, View


class Proteus(Deferred):
    """Hold a model's requests back until the last moment at which all of them can be in time as one batch.

    An arrival moves that moment forward; if all that wait, the new one included, can no longer be in time together, as
    many as can are sent at once. A full batch is sent at once too. Of several models the one with the earliest deadline
    goes first. Made for one model on its own device: with several, batches held to their last moment find the slots
    taken. The idea only; scaling of accuracy is left out.

    Parameters
    ----------
    max_batch
        Most samples in a batch; each model's largest profiled size if left out. A larger request is refused.
    slowdown
        Factor on profiled durations, at least 1.

    Raises
    ------
    PolicyError
        A parameter is out of range, or, at the first decision on a model, larger than any size profiled of it.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> arrivals = [("a", 0.0), ("a", 0.004), ("a", 0.016), ("a", 0.045)]
    >>> print(rehearse(Proteus(), arrivals, solo_s=0.010, slo_s=0.030))
    20 ms: a 0 1 2
    65 ms: a 3

    References
    ----------
    S. Ahmad et al., "Proteus: A high-throughput inference-serving system with accuracy scaling", ASPLOS 2024, section
    on adaptive batching.
    """

    _name: ClassVar[str] = "proteus"

    def opening(self, view: View, batch: tuple[Request, ...], more_wait: bool) -> Opening:
        """Return the last moment of what waits for more, and now for a batch that can get no larger."""
        due_s = batch[0].deadline_s
        samples = sum(request.samples for request in batch)
        if more_wait or samples >= self._limits.of(view, batch[0].model) or due_s == math.inf:
            return Opening(view.now_s, due_s)
        return Opening(due_s - batch_solo_s(view.profile, batch) * self.slowdown, due_s)
