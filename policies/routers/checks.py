"""Check what every router must hold, as a user's own router is checked before its first run.

Each check drives fresh routers through short seeded rehearsals and raises an `AssertionError` that names the check, the
time and the choice.
"""

import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from isim.errors import IsimError
from isim.plugins import parameters_not_kept
from isim.policies.checks import Scenario
from isim.policies.policy import Request
from isim.policies.predictors.predictor import Prediction
from isim.policies.rehearsal import FixedProfile
from isim.policies.routers.rehearsal import RehearsedFleet, send_all
from isim.policies.routers.router import Router

MakeRouter = Callable[[], Router]

_SIZES = (1, 2, 4, 8)
_FAST = FixedProfile(_SIZES, fixed_s=0.004, per_sample_s=0.001)
_SLOW = FixedProfile(_SIZES, fixed_s=0.009, per_sample_s=0.002)


class SlowedDown:
    """A predictor that says that each co-runner costs a fifth."""

    def predict(self, target: Any, co_runners: Any, so_far: Any = ()) -> Prediction:
        """Return the slowdown beside so many."""
        return Prediction(1.2 ** len(co_runners))


class FleetScenario(NamedTuple):
    """Random requests for a rehearsal on several GPUs; models are called `model0`, `model1` and so on."""

    requests: Scenario
    gpus: int
    slots: int = 1
    lacking: bool = False
    """Whether the models after the first are on fewer GPUs each, the last on one only."""
    slower: bool = False
    """Whether every second GPU takes longer."""
    predictor: Any = None

    def fleet(self) -> RehearsedFleet:
        """Return its GPUs, idle."""
        every = range(self.requests.models)
        models = [
            [f"model{model}" for model in every if not self.lacking or gpu + model < self.gpus]
            for gpu in range(self.gpus)
        ]
        profiles = [_SLOW if self.slower and gpu % 2 else _FAST for gpu in range(self.gpus)]
        return RehearsedFleet(profiles, models, self.slots, self.predictor)

    def draw(self) -> list[Request]:
        """Draw the requests."""
        return self.requests.draw(_FAST.solo_s("", 1))


SCENARIOS = (
    FleetScenario(Scenario("one request after another", seed=1, requests=12, models=1, slots=2, load=0.02), gpus=2),
    FleetScenario(Scenario("three busy GPUs", seed=2, requests=149, models=2, slots=3, load=0.9), gpus=3),
    FleetScenario(
        Scenario("bursts in overload", seed=3, requests=150, models=3, slots=6, load=2.0, most_samples=8, burst=30),
        gpus=3, slots=2,
    ),
    FleetScenario(
        Scenario("models on some GPUs only", seed=4, requests=150, models=3, slots=3, load=0.7), gpus=3, lacking=True
    ),
    FleetScenario(
        Scenario("two kinds of GPU with a predictor", seed=5, requests=150, models=3, slots=8, load=0.6, slo_s=0.05),
        gpus=4, slots=2, slower=True, predictor=SlowedDown(),
    ),
    FleetScenario(Scenario("many GPUs", seed=6, requests=300, models=3, slots=64, load=0.8), gpus=64),
)  # fmt: skip
_BUSY = SCENARIOS[1]


def check_router(make_router: MakeRouter) -> None:
    """Run every check on the routers that `make_router` builds.

    Parameters
    ----------
    make_router
        Called without arguments, many times; returns a fresh router each time.

    Raises
    ------
    AssertionError
        A check failed; the message starts with the check's name.

    Examples
    --------
    >>> from isim.policies.routers.power_of_two import PowerOfTwo
    >>> check_router(lambda: PowerOfTwo(choices=3))
    """
    for check in ROUTER_CHECKS:
        check(make_router)


def check_parameters_are_stored(make_router: MakeRouter) -> None:
    """The constructor stores its parameters under their own names, so that a run can record them."""
    router = make_router()
    for name in parameters_not_kept(router):
        _fail("check_parameters_are_stored", f"parameter {name} is not kept; set self.{name} = {name} in __init__")


def check_routes(make_router: MakeRouter) -> None:
    """Every request is sent to one of the GPUs that serve its model, named by its number."""
    for scenario in SCENARIOS:
        router = make_router()

        def choose(fleet: RehearsedFleet, request: Request, router: Router = router) -> int:
            gpu = _ask("check_routes", router, fleet, request)
            if type(gpu) is not int or gpu not in fleet.able[request.model]:
                text = f"chose {gpu!r} for {request.model}, which GPUs {fleet.able[request.model]} serve"
                _fail("check_routes", f"{text}; return one of fleet.able[request.model], an int", fleet.now_s)
            return gpu

        send_all(choose, scenario.fleet(), scenario.draw())


def check_fleet_is_unchanged(make_router: MakeRouter) -> None:
    """Choosing changes nothing that the fleet shows; only the front end keeps its books."""
    for scenario in SCENARIOS:
        router = make_router()

        def choose(fleet: RehearsedFleet, request: Request, router: Router = router) -> int:
            before = _contents(fleet)
            gpu: int = _ask("check_fleet_is_unchanged", router, fleet, request)
            if _contents(fleet) != before:
                text = "the fleet was changed; copy what is to be counted on"
                _fail("check_fleet_is_unchanged", text, fleet.now_s)
            return gpu

        send_all(choose, scenario.fleet(), scenario.draw())


def check_repeatable(make_router: MakeRouter) -> None:
    """Two fresh routers choose the same of the same: all luck comes from a seed, nothing is shared."""
    for scenario in SCENARIOS:
        cure = "draw luck from a seed that is a parameter, and share nothing between routers"
        _compare("check_repeatable", scenario, make_router(), make_router(), f"with a second fresh router; {cure}")


def check_pickles(make_router: MakeRouter) -> None:
    """A router, fresh or used, survives pickling and then chooses the same, so that runs can be spread."""
    for used in (False, True):
        router = make_router()
        if used:
            send_all(_asked("check_pickles", router), _BUSY.fleet(), _BUSY.draw())
        try:
            copy = pickle.loads(pickle.dumps(router))
        except Exception as error:
            text = f"{type(error).__name__}: {error}; keep lambdas, locks and open files out of the router"
            _fail("check_pickles", text, cause=error)
        _compare("check_pickles", _BUSY, router, copy, "with the unpickled copy; let it keep all its state")


def check_fleet_is_not_kept(make_router: MakeRouter) -> None:
    """The router holds on to neither the fleet nor a view, which are live and belong to the front end."""
    router, fleet = make_router(), _BUSY.fleet()
    send_all(_asked("check_fleet_is_not_kept", router), fleet, _BUSY.draw())
    watched: dict[str, Callable[[], object]] = {"the fleet": weakref.ref(fleet)}
    watched |= {f"the view of GPU {gpu}": weakref.ref(view) for gpu, view in enumerate(fleet.servers)}
    del fleet
    gc.collect()
    for name, reference in watched.items():
        if reference() is not None:
            _fail("check_fleet_is_not_kept", f"the router still holds {name} after the run; copy what it needs instead")


def check_memory_is_bounded(make_router: MakeRouter) -> None:
    """Ten times the requests do not make the router ten times as large: nothing is kept a request."""
    sizes = []
    for times in (4, 40):
        router, requests = make_router(), _BUSY.requests._replace(requests=times * _BUSY.requests.requests)
        scenario = _BUSY._replace(requests=requests)
        send_all(_asked("check_memory_is_bounded", router), scenario.fleet(), scenario.draw())
        sizes.append(len(pickle.dumps(router)))
    if sizes[1] > 2 * sizes[0] + 4096:
        text = f"the router grew from {sizes[0]} to {sizes[1]} bytes with 10 times the requests"
        _fail("check_memory_is_bounded", f"{text}; forget those that were sent")


ROUTER_CHECKS: tuple[Callable[[MakeRouter], None], ...] = (
    check_parameters_are_stored,
    check_routes,
    check_fleet_is_unchanged,
    check_repeatable,
    check_pickles,
    check_fleet_is_not_kept,
    check_memory_is_bounded,
)


def _compare(check: str, scenario: FleetScenario, router: Router, other: Router, what: str) -> None:
    requests = scenario.draw()
    one, two = (send_all(_asked(check, each), scenario.fleet(), requests) for each in (router, other))
    for request, gpu, another in zip(requests, one, two, strict=True):
        if gpu != another:
            _fail(check, f"GPU {gpu} for request {request.request_id} became {another} {what}", request.arrived_s)


def _asked(check: str, router: Router) -> Callable[[RehearsedFleet, Request], int]:
    return lambda fleet, request: _ask(check, router, fleet, request)


def _ask(check: str, router: Router, fleet: RehearsedFleet, request: Request) -> Any:
    try:
        return router.route(fleet, request)
    except IsimError:
        raise  # says what to do by itself
    except Exception as error:
        text = f"route raised {type(error).__name__} ({error}) on {request!r:.200}"
        _fail(check, f"{text}; it must return the number of a GPU for every request", fleet.now_s, error)


def _contents(fleet: RehearsedFleet) -> object:
    views = [
        (view.now_s, view.free_slots, {model: tuple(queue) for model, queue in view.queues.items()}, [*view.residents])
        for view in fleet.servers
    ]
    return fleet.now_s, fleet.slots, {**fleet.able}, [*fleet.open_requests], [*fleet.open_work_ns], views


def _fail(check: str, what: str, time_s: float | None = None, cause: Exception | None = None) -> NoReturn:
    when = "" if time_s is None else f" at {time_s:.9g} s"
    raise AssertionError(f"{check}{when}: {what}") from cause
