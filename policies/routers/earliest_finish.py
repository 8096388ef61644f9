"""The GPU where a request should finish first."""

from isim.policies.policy import Request
from isim.policies.predictors.members import Members
from isim.policies.predictors.predictor import CoRunner
from isim.policies.routers.router import Fleet


class EarliestFinish:
    """Send each request to the GPU where it should finish first, by the predictor's word on who runs there now.

    It is taken to wait until what is open there has run, as many batches at once as the GPU holds, and then to run;
    all of it slower than alone by the factor that the GPU's predictor gives for the request beside the present
    residents (1 without a predictor). Batching is left out of account: it shortens all queues alike. It asks about
    every GPU at every request, which takes longer the more there are.

    References
    ----------
    Topcuoglu, Hariri, Wu, *Performance-effective and low-complexity task scheduling for heterogeneous computing*, IEEE
    Trans. Parallel and Distributed Systems 13, 2002: earliest finish time.
    """

    def __init__(self) -> None:
        self._members: dict[int, Members] = {}

    def route(self, fleet: Fleet, request: Request) -> int:
        """Return the GPU with the earliest expected finish, the one with fewest open requests if equal."""
        return min(
            fleet.able[request.model],
            key=lambda gpu: (self._left_s(fleet, gpu, request), fleet.open_requests[gpu]),
        )

    def _left_s(self, fleet: Fleet, gpu: int, request: Request) -> float:
        view = fleet.servers[gpu]
        members = self._members.setdefault(gpu, Members())
        own = members.of(view.profile, request.model, request.samples)
        slowdown = 1.0
        if view.predictor is not None and view.residents:
            beside = [
                CoRunner(members.of(view.profile, other.model, other.batch_size), fleet.now_s - other.dispatched_s)
                for other in view.residents
            ]
            slowdown = max(1.0, view.predictor.predict(own, beside).slowdown)
        return (fleet.open_work_ns[gpu] / 1e9 / fleet.slots + own.solo_s * request.work) * slowdown
