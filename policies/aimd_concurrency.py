"""As many batches at once as the tail of their durations allows."""

import math
from collections.abc import Iterable

from isim.policies.greedy import Greedy
from isim.policies.limited_view import LimitedView
from isim.policies.parameters import check_parameters, number, whole
from isim.policies.policy import Decision, Event, Finish, View


class AimdConcurrency:
    """Batch greedily, and steer the number of batches at once by the tail of the time from dispatch to finish.

    After every `window` finished requests, the number grows by `inc` if a high percentile of (finished - dispatched) /
    SLO among them is at most `target`, else it is multiplied by `dec`. It stays between 1 and the server's slots.
    Waiting in the queue does not count, as a sender's buffer does not in TCP: fewer batches at once would lengthen it.

    Parameters
    ----------
    inc
        Batches added after a good window, more than 0; a part of one counts when parts add up.
    dec
        Factor after a bad window, more than 0 and less than 1.
    window
        Requests, at least 1.
    target
        The part of the SLO that a batch may take from dispatch to finish, more than 0.
    percentile
        More than 0, at most 1; the nearest rank.
    max_batch
        Most samples in a batch; each model's largest profiled size if left out. A larger request is refused.

    Raises
    ------
    PolicyError
        A parameter is out of range, or, at the first decision on a model, larger than any size profiled of it.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> policy = AimdConcurrency(window=2)
    >>> print(rehearse(policy, [("a", 0.0), ("b", 0.0), ("c", 0.011)], solo_s=0.010, slots=2, slo_s=0.030))
    0 ms: a 0
    10 ms: b 1
    20 ms: c 2
    >>> policy.concurrency
    2.0

    References
    ----------
    D. M. Chiu and R. Jain, "Analysis of the increase and decrease algorithms for congestion avoidance in computer
    networks", Computer Networks and ISDN Systems 17(1), 1989: why additive up and multiplicative down.
    """

    def __init__(
        self,
        inc: float = 1.0,
        dec: float = 0.5,
        window: int = 100,
        target: float = 1.0,
        percentile: float = 0.99,
        max_batch: int | None = None,
    ) -> None:
        check_parameters(
            "aimd-concurrency",
            number("inc", inc, 0.0, above_least=True),
            number("dec", dec, 0.0, 1.0 - 1e-9, above_least=True),
            whole("window", window, required=True),
            number("target", target, 0.0, above_least=True),
            number("percentile", percentile, 0.0, 1.0, above_least=True),
            whole("max_batch", max_batch),
        )
        self.inc = inc
        self.dec = dec
        self.window = window
        self.target = target
        self.percentile = percentile
        self.max_batch = max_batch
        self.concurrency = 1.0
        """Batches at once, before rounding down."""
        self._greedy = Greedy(max_batch)
        self._shares: list[float] = []

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Learn from a finished batch, then fill the free slots below the limit."""
        if isinstance(event, Finish):
            batch = event.observation
            self._shares += [batch.duration_s / (request.deadline_s - request.arrived_s) for request in batch.requests]
            if len(self._shares) >= self.window:
                self._steer(view.free_slots + len(view.residents))
        return self._greedy.decide(LimitedView(view, math.floor(self.concurrency)), event)

    def _steer(self, slots: int) -> None:
        tail = sorted(self._shares)[math.ceil(self.percentile * len(self._shares)) - 1]
        grown = self.concurrency + self.inc if tail <= self.target else self.concurrency * self.dec
        self.concurrency = min(max(grown, 1.0), float(slots))
        self._shares = []
