"""The simulated world: the clock, arrivals and where they go, what is open, and how it ends."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import NamedTuple

from isim.clock import ARRIVAL, Clock, Moment
from isim.contention.contract import ContentionModel
from isim.engine.batch import Batch
from isim.engine.predicting import Predicting
from isim.engine.routing import Routing
from isim.engine.server import Server
from isim.engine.surroundings import Listener, Served, Surroundings
from isim.operations import Operations
from isim.policies.policy import Policy, Request
from isim.sharing_modes import Sharing
from isim.workload import Workload


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Look for cyclic garbage rarely: a run makes none of its own, and looking takes a fifth of its time."""
    before = gc.get_threshold()
    gc.set_threshold(1_000_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Ending(NamedTuple):
    """How a simulation ended."""

    end_s: float
    """The last finish or refusal, or the horizon if something was still open then."""
    unfinished: int
    kernel_boundaries: int
    kept_back: int
    """Those of the unfinished that did not arrive."""


class Simulation:
    """Serve a workload on one simulated GPU, or on several behind a router.

    Parameters
    ----------
    operations
        What batches consist of, for every model of the workload.
    workload
        Where requests come from.
    policy
        Decides; freshly built.
    contention
        The simulated hardware's truth.
    slots
        Batches that may be resident at once on each GPU.
    listener
        Told of everything that happens.
    noise
        The factor on the duration of a batch, from its profiled dispersion and the request at its head; None for 1.
    horizon_s
        When to stop; None to run until the last request is served.
    policy_name
        How to name the policy in errors.
    sharing
        How the models' processes share each GPU; None for streams. `operations` are laid out for it.
    predicting
        What asks and teaches the predictor that the policy may ask; None for no predictor.
    further
        The GPUs after the first, which need not have the same models.
    routing
        Says which GPU serves a request; needed if there is more than one.

    Examples
    --------
    See `isim.experiment.Experiment.run`, which builds one from an experiment.
    """

    def __init__(
        self, operations: Operations, workload: Workload, policy: Policy, contention: ContentionModel, slots: int,
        listener: Listener, noise: Callable[[float, int], float] | None = None, horizon_s: float | None = None,
        policy_name: str = "", sharing: Sharing | None = None, predicting: Predicting | None = None,
        further: Sequence[Served] = (), routing: Routing | None = None,
    ) -> None:  # fmt: skip
        self._clock = Clock()
        self._workload = workload
        self._requests = iter(workload.open())
        self._upcoming: Request | None = None
        self._listener = listener
        self._horizon_s = horizon_s
        self.open = 0
        self._end_s = 0.0
        self._awaited: dict[int, Request] = {}
        around = Surroundings(self._clock, self, listener, contention, slots, noise, sharing or Sharing(), count())
        policy_name = policy_name or type(policy).__name__
        served = [Served(operations, policy, predicting), *further]
        if len(served) == 1:
            self._servers = [Server(0, served[0], workload.models, around, self._end, policy_name)]
            self._serve = self._servers[0].arrive
            return
        assert routing is not None
        self._servers = []
        like: dict[int, Server] = {}
        for gpu, each in enumerate(served):
            end, name = partial(self._end_at, gpu), f"{policy_name} of GPU {gpu}"
            server = Server(gpu, each, workload.models, around, end, name, like.get(id(each.operations)))
            like.setdefault(id(each.operations), server)
            self._servers.append(server)
        self._routing = routing
        routing.start(self._servers, slots)
        self._serve = self._route

    def run(self) -> Ending:
        """Run until the last request is served, or to the horizon.

        Raises
        ------
        PolicyError
            The policy raised, or decided something that cannot be.
        RouterError
            The router did.
        """
        self._arrive_next(Moment(self._arrive_next, 0.0))
        if self._horizon_s is not None:
            self._clock.stop_at(self._horizon_s)
        with _rare_garbage_collection():
            self._clock.run()
        unfinished = self.open
        if unfinished and self._horizon_s is not None:
            self._end_s = self._horizon_s
        # What is preempted and never goes on leaves later than the last request ends.
        self._end_s = max(self._end_s, *(server.changed_s for server in self._servers))
        for server in self._servers:
            server.stop(self._end_s)
        kept_back = 0
        for request in self._never_arrived():
            self._listener.arrived(request)
            kept_back += 1
        boundaries = sum(server.kernel_boundaries for server in self._servers)
        return Ending(self._end_s, unfinished + kept_back, boundaries, kept_back)

    def more_to_come(self) -> bool:
        """Return whether arrivals are known to come."""
        return self._upcoming is not None or bool(self._awaited)

    def anything_runs(self) -> bool:
        """Return whether a batch is resident on any GPU."""
        return any(server.residents for server in self._servers)

    def _never_arrived(self) -> Iterator[Request]:
        """Yield the requests that the horizon, or a parent that never ended, kept from arriving."""
        if self._upcoming is not None:
            yield self._upcoming
        yield from self._requests
        if self._workload.reacts:
            yield from self._workload.kept_back(self._awaited.values())

    def _arrive_next(self, moment: Moment) -> None:
        """Walk the open arrivals; there is never more than one in the clock's queue."""
        request = self._upcoming
        self._upcoming = following = next(self._requests, None)
        if following is not None:
            self._clock.again(moment, following.arrived_s, ARRIVAL)
        if request is not None:
            self._arrive(request)

    def _arrive(self, request: Request) -> None:
        self.open += 1
        self._listener.arrived(request)
        self._serve(request)

    def _route(self, request: Request) -> None:
        self._servers[self._routing.choose(request)].arrive(request)

    def _end(self, requests: tuple[Request, ...], how: Batch | int, now_s: float) -> None:
        self._listener.ended(requests, how)
        self.open -= len(requests)
        self._end_s = now_s
        if self._workload.reacts:
            for request in requests:
                for following in self._workload.follow_up(request, now_s):
                    self._arm(following)

    def _end_at(self, gpu: int, requests: tuple[Request, ...], how: Batch | int, now_s: float) -> None:
        self._routing.ended(gpu, requests)
        self._end(requests, how, now_s)

    def _arm(self, request: Request) -> None:
        self._awaited[request.request_id] = request
        self._clock.at(request.arrived_s, ARRIVAL, lambda _: self._arrive_awaited(request))

    def _arrive_awaited(self, request: Request) -> None:
        del self._awaited[request.request_id]
        self._arrive(request)
