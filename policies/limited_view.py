"""A view on fewer slots than there are."""

from collections.abc import Mapping, Sequence
from typing import Any

from isim.policies.policy import Request, Resident, SoloProfile, View


class LimitedView:
    """Show a policy at most `limit` slots; all else as it is.

    Parameters
    ----------
    view
        The server's.
    limit
        Batches at once.
    """

    def __init__(self, view: View, limit: int) -> None:
        self._view = view
        self.free_slots = max(0, min(view.free_slots, limit - len(view.residents)))

    @property
    def now_s(self) -> float:
        """The time."""
        return self._view.now_s

    @property
    def queues(self) -> Mapping[str, Sequence[Request]]:
        """Waiting requests."""
        return self._view.queues

    @property
    def residents(self) -> Sequence[Resident]:
        """Batches on the GPU."""
        return self._view.residents

    @property
    def profile(self) -> SoloProfile:
        """Durations alone."""
        return self._view.profile

    @property
    def predictor(self) -> Any:
        """The predictor of the run."""
        return self._view.predictor

    def arrival_rate_rps(self, model: str) -> float:
        """Return the rate of arrivals."""
        return self._view.arrival_rate_rps(model)
