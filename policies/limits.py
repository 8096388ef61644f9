"""The most samples that a policy puts in one batch, model by model."""

from isim.policies.fitting import size_limit, too_large
from isim.policies.policy import Arrival, Event, Reject, View


class Limits:
    """Remember each model's limit, and refuse a request that no batch can hold.

    Parameters
    ----------
    policy
        How to name the policy in errors.
    max_batch
        What was asked for; None for each model's largest profiled size.
    """

    def __init__(self, policy: str, max_batch: int | None) -> None:
        self._policy = policy
        self._max_batch = max_batch
        self._limits: dict[str, int] = {}

    def of(self, view: View, model: str) -> int:
        """Return the most samples a batch of the model may hold.

        Raises
        ------
        PolicyError
            More was asked for than was profiled.
        """
        limit = self._limits.get(model)
        if limit is None:
            self._limits[model] = limit = size_limit(view, model, self._max_batch, self._policy)
        return limit

    def refusal(self, view: View, event: Event) -> tuple[Reject, ...]:
        """Return the rejection of a request that has just arrived and is too large, or nothing."""
        if not isinstance(event, Arrival):
            return ()
        request = event.request
        limit = self.of(view, request.model)
        return (too_large(request, limit),) if request.samples > limit else ()
