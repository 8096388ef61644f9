"""Ask a router where each request goes, and keep the books that it may look at."""

import inspect
from collections.abc import Iterator, Sequence

from isim.engine.server import Server
from isim.engine.view import LiveView
from isim.errors import IsimError, RouterError
from isim.fault_line import fault
from isim.policies.policy import Request, View
from isim.policies.routers.router import Router


class _Views(Sequence[View]):
    """What every server shows, as of now: a server's own view stands at the last event there."""

    def __init__(self, views: Sequence[LiveView], fleet: "Routing") -> None:
        self._views = views
        self._fleet = fleet

    def __len__(self) -> int:
        return len(self._views)

    def __getitem__(self, gpu):  # type: ignore[no-untyped-def]
        if isinstance(gpu, slice):
            return [self[each] for each in range(*gpu.indices(len(self._views)))]
        view = self._views[gpu]
        view._now_s = self._fleet.now_s
        return view


class Routing:
    """Stand between arrivals and servers; to the router it is the fleet.

    What it knows is what a front end knows by itself: what it sent where, and what came back.

    Parameters
    ----------
    router
        Freshly built.
    spec
        How to name it in errors.
    """

    def __init__(self, router: Router, spec: str) -> None:
        self._router = router
        self._route = router.route
        self._spec = spec
        self.now_s = 0.0
        self._work_ns: list[int] | None = None

    def start(self, servers: Sequence[Server], slots: int) -> None:
        """Take the servers, empty, and how many batches the GPU of each holds at once."""
        self.servers = _Views([server.view for server in servers], self)
        self.slots = slots
        self.open_requests = [0] * len(servers)
        self._by_samples = [{model: server.by_samples(model) for model in server.models} for server in servers]
        models = dict.fromkeys(model for server in servers for model in server.models)
        self.able = {model: tuple(gpu for gpu, own in enumerate(self._by_samples) if model in own) for model in models}
        self._able = {model: frozenset(gpus) for model, gpus in self.able.items()}

    @property
    def open_work_ns(self) -> Sequence[int]:
        """By GPU, how long what is open there would run, each request alone.

        It is kept from the first time on that it is looked at: most routers never do.
        """
        if self._work_ns is None:
            self._work_ns = [
                sum(self._alone_ns(gpu, request) for request in _open_at(view)) for gpu, view in enumerate(self.servers)
            ]
        return self._work_ns

    def choose(self, request: Request) -> int:
        """Return the number of the GPU that serves a request.

        Raises
        ------
        RouterError
            The router raised, or chose what cannot be.
        """
        self.now_s = request.arrived_s
        try:
            gpu = self._route(self, request)
        except IsimError:
            raise
        except (Exception, SystemExit) as error:
            source = inspect.getsourcefile(type(self._router))
            raise RouterError(
                f"router {self._spec} at {self.now_s:.9g} s raised {fault(error, source)}; correct that line"
            ) from error
        if type(gpu) is not int or gpu not in self._able[request.model]:
            able = ", ".join(map(str, self.able[request.model]))
            raise RouterError(
                f"router {self._spec} at {self.now_s:.9g} s: no GPU that serves {request.model} (found {gpu!r}, "
                f"it is served by: {able}); return one of fleet.able[request.model]"
            )
        self.open_requests[gpu] += 1
        if self._work_ns is not None:
            self._work_ns[gpu] += self._alone_ns(gpu, request)
        return gpu

    def ended(self, gpu: int, requests: Sequence[Request]) -> None:
        """Take requests out of the books."""
        self.open_requests[gpu] -= len(requests)
        if self._work_ns is not None:
            self._work_ns[gpu] -= sum([self._alone_ns(gpu, request) for request in requests])

    def _alone_ns(self, gpu: int, request: Request) -> int:
        """Return how long a request runs alone: a whole number, so that what is added can be taken away."""
        solo_s: float = self._by_samples[gpu][request.model][request.samples].solo_s
        return int(solo_s * request.work * 1e9 + 0.5)


def _open_at(view: View) -> Iterator[Request]:
    for queue in view.queues.values():
        yield from queue
    for batch in view.residents:
        yield from batch.requests
