"""Check what every policy must hold, as a user's own policy is checked before its first run.

Each check drives fresh policies through short seeded rehearsals and raises an `AssertionError` that names the check,
the time and the decision.
"""

import gc
import math
import pickle
import random
import weakref
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any, NamedTuple, NoReturn

from isim.errors import IsimError
from isim.plugins import parameters_not_kept
from isim.policies.policy import Arrival, Dispatch, Drop, Event, Policy, Preempt, Reject, Request, WakeAt
from isim.policies.rehearsal import FixedProfile, Rehearsal, RehearsalView

MakePolicy = Callable[[], Policy]

_EVENTS_PER_REQUEST = 200
"""Far more than any policy needs that does not wake up in vain."""


class Scenario(NamedTuple):
    """Random requests for a rehearsal."""

    name: str
    seed: int
    requests: int
    models: int
    slots: int
    load: float
    """Work that arrives, batched by one, over what the slots can do."""
    most_samples: int = 1
    slo_s: float = math.inf
    burst: int = 1
    """Requests that arrive at the same instant."""

    @property
    def most_events(self) -> int:
        """The events after which a policy that has not ended every request is taken to never do so."""
        return _EVENTS_PER_REQUEST * self.requests

    def rehearse(self, policy: Policy) -> Rehearsal:
        """Run the policy through the scenario, or until it has had far too many events."""
        profile = FixedProfile((1, 2, 4, 8, 16, 32, 64), fixed_s=0.004, per_sample_s=0.001)
        return Rehearsal(policy, self.draw(profile.solo_s("", 1)), self.slots, profile).run(self.most_events)

    def draw(self, service_s: float) -> list[Request]:
        """Draw the requests; times are whole microseconds."""
        luck = random.Random(self.seed)
        requests: list[Request] = []
        time_s = 0.0
        for request_id in range(self.requests):
            if request_id % self.burst == 0:
                time_s = round(time_s + luck.expovariate(self.load * self.slots / (service_s * self.burst)), 6)
            model = f"model{luck.randrange(self.models)}"
            samples = luck.randint(1, self.most_samples)
            priority = luck.randrange(3)
            requests.append(Request(request_id, model, time_s, time_s + self.slo_s, priority, samples, 1.0))
        return requests


SCENARIOS = (
    Scenario("one request after another", seed=1, requests=12, models=1, slots=1, load=0.02),
    Scenario("one busy model", seed=2, requests=120, models=1, slots=1, load=0.9, slo_s=0.03),
    Scenario("overload", seed=3, requests=150, models=2, slots=1, load=3.0, slo_s=0.02),
    Scenario("three models on three slots", seed=4, requests=150, models=3, slots=3, load=0.7),
    Scenario("bursts of many samples", seed=5, requests=150, models=3, slots=2, load=0.5, most_samples=8, burst=50),
)
_LOAD = Scenario("a long busy run", seed=6, requests=400, models=2, slots=2, load=1.2, slo_s=0.05)


def check_policy(make_policy: MakePolicy) -> None:
    """Run every check on the policies that `make_policy` builds.

    Parameters
    ----------
    make_policy
        Called without arguments, many times; returns a fresh policy each time.

    Raises
    ------
    AssertionError
        A check failed; the message starts with the check's name.

    Examples
    --------
    >>> from isim.policies.dynamic import Dynamic
    >>> check_policy(lambda: Dynamic(max_batch=4, max_queue_delay_s=0.002))
    """
    for check in POLICY_CHECKS:
        check(make_policy)


# What holds for every decision ------------------------------------------------------------------------------------


class Step(NamedTuple):
    """One decision of a call of `decide`; those before it have been carried out."""

    view: RehearsalView
    event: Event
    decision: Any
    before: object
    """What the view held before it was decided."""


Problem = tuple[object, str] | None
"""The decision at fault and what is wrong with it."""


def check_view_is_unchanged(step: Step) -> Problem:
    """Deciding changes nothing of the view; only the server carries decisions out."""
    if _contents(step.view) != step.before:
        return step.decision, "the view was changed; return decisions instead"
    return None


def check_decision_types(step: Step) -> Problem:
    """Every decision is one of the contract's, and names at least one request if it is about requests."""
    decision = step.decision
    if not isinstance(decision, Dispatch | Reject | Drop | WakeAt | Preempt):
        return decision, "not a decision; return Dispatch, Reject, Drop, WakeAt or Preempt"
    if not isinstance(decision, WakeAt | Preempt) and not (
        len(decision.requests) and all(isinstance(request, Request) for request in decision.requests)
    ):
        return decision, "no requests; name at least one from view.queues"
    return None


def check_only_queued_requests(step: Step) -> Problem:
    """Only requests that wait are dispatched, rejected or dropped, each once."""
    taken = set()
    for request in getattr(step.decision, "requests", ()):
        if request not in step.view.queues.get(request.model, ()):
            return step.decision, f"request {request.request_id} does not wait; choose from view.queues"
        if request in taken:
            return step.decision, f"request {request.request_id} is taken twice; it leaves the queue only once"
        taken.add(request)
    return None


def check_one_model_per_batch(step: Step) -> Problem:
    """All requests of a batch are of one model."""
    if isinstance(step.decision, Dispatch):
        models = sorted({request.model for request in step.decision.requests})
        if len(models) > 1:
            return step.decision, f"a batch of several models ({', '.join(models)}); dispatch one model a batch"
    return None


def check_batch_fits(step: Step) -> Problem:
    """A batch holds no more samples than the largest profiled size; nothing is extrapolated."""
    if isinstance(step.decision, Dispatch):
        requests = step.decision.requests
        samples = sum(request.samples for request in requests)
        largest = max(step.view.profile.batch_sizes(requests[0].model))
        if samples > largest:
            return step.decision, f"{samples} samples (largest profiled {largest}); take fewer requests"
    return None


def check_free_slots(step: Step) -> Problem:
    """No more batches are dispatched than slots are free."""
    if isinstance(step.decision, Dispatch) and not step.view.free_slots:
        return step.decision, "no slot is free; look at view.free_slots"
    return None


def check_wakes_in_future(step: Step) -> Problem:
    """The policy asks to be woken at a time that is not past."""
    decision = step.decision
    if isinstance(decision, WakeAt) and not step.view.now_s <= decision.time_s < math.inf:
        return decision, "not a time from now on; ask for view.now_s or later"
    return None


def check_rejects_at_arrival(step: Step) -> Problem:
    """A request is rejected only while its own arrival is decided; later it is dropped."""
    arrived = [step.event.request] if isinstance(step.event, Arrival) else []
    if isinstance(step.decision, Reject) and list(step.decision.requests) != arrived:
        return step.decision, "not the request whose arrival is decided; use Drop for others"
    return None


def check_preempts_residents(step: Step) -> Problem:
    """A batch is preempted once, while it is on the GPU."""
    decision = step.decision
    if isinstance(decision, Preempt):
        if decision.batch_id not in {batch.batch_id for batch in step.view.residents if not batch.preempted}:
            return decision, "no such batch, or preempted already; choose from view.residents, each batch once"
        if decision.mode not in ("reset", "kernel"):
            return decision, "no such mode; write 'reset' or 'kernel'"
    return None


DECISION_CHECKS: tuple[Callable[[Step], Problem], ...] = (
    check_view_is_unchanged,
    check_decision_types,
    check_only_queued_requests,
    check_one_model_per_batch,
    check_batch_fits,
    check_free_slots,
    check_wakes_in_future,
    check_rejects_at_arrival,
    check_preempts_residents,
)


def _contents(view: RehearsalView) -> object:
    waiting = {model: tuple(queue) for model, queue in view.queues.items()}
    return view.now_s, view.free_slots, waiting, tuple(view.residents)


_END: Any = "nothing decided"


class _Checked:
    """Put every decision of a policy through the checks, before it is carried out and the next is asked for."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def decide(self, view: Any, event: Event) -> Iterator[Any]:
        decisions: Iterator[Any] | None = None
        while True:
            before = _contents(view)
            try:
                decisions = iter(self._policy.decide(view, event)) if decisions is None else decisions
                decision = next(decisions, _END)
            except IsimError:
                raise  # says what to do by itself
            except Exception as error:
                text = f"decide raised {type(error).__name__} ({error}) on {event!r}"
                cure = "it must return an iterable of decisions on every event"
                _fail("check_decides", f"{text}; {cure}", view.now_s, error)
            step = Step(view, event, decision, before)
            for check in DECISION_CHECKS if decision is not _END else (check_view_is_unchanged,):
                problem = check(step)
                if problem is not None:
                    _fail(check.__name__, f"{problem[0]!r:.300}: {problem[1]}", view.now_s)
            if decision is _END:
                return
            yield decision


# What holds for a run ---------------------------------------------------------------------------------------------


def check_decides(make_policy: MakePolicy) -> None:
    """In every scenario, from the first event on, `decide` returns valid decisions (see `DECISION_CHECKS`)."""
    for scenario in SCENARIOS:
        scenario.rehearse(_Checked(make_policy()))


def check_every_request_ends(make_policy: MakePolicy) -> None:
    """Once arrivals stop, every request is served or refused, after a bounded number of events."""
    for scenario in SCENARIOS:
        rehearsal = scenario.rehearse(make_policy())
        left = [request.request_id for queue in rehearsal.view.queues.values() for request in queue]
        if left:
            last = f"{len(left)} requests wait for ever in scenario {scenario.name!r} (first {left[0]}"
            if rehearsal.events >= scenario.most_events:
                why = f"after {rehearsal.events} events); ask for fewer, later wake-ups"
            else:
                why = "and nothing more will happen); dispatch them, or ask for a wake-up with WakeAt"
            _fail("check_every_request_ends", f"{last}, {why}", rehearsal.view.now_s)


# What holds for the policy as an object ---------------------------------------------------------------------------


def check_parameters_are_stored(make_policy: MakePolicy) -> None:
    """The constructor stores its parameters under their own names, so that a run can record them."""
    policy = make_policy()
    for name in parameters_not_kept(policy):
        _fail("check_parameters_are_stored", f"parameter {name} is not kept; set self.{name} = {name} in __init__")


def check_pickles(make_policy: MakePolicy) -> None:
    """A fresh policy survives pickling and then decides the same, so that runs can be spread over processes."""
    try:
        copy = pickle.loads(pickle.dumps(make_policy()))
    except Exception as error:
        _fail(
            "check_pickles",
            f"{type(error).__name__}: {error}; keep lambdas, locks and open files out of the policy",
            cause=error,
        )
    _compare("check_pickles", "the unpickled copy", "let it keep all its state", SCENARIOS[1], make_policy(), copy)


def check_repeatable(make_policy: MakePolicy) -> None:
    """Two fresh policies decide the same on the same events: all luck comes from a seed, nothing is shared."""
    cure = "draw luck from a seed, and share nothing between policies"
    for scenario in SCENARIOS:
        _compare("check_repeatable", "a second fresh policy", cure, scenario, make_policy(), make_policy())


def check_view_is_not_kept(make_policy: MakePolicy) -> None:
    """The policy holds on to neither the view nor a queue, which are live and belong to the server."""
    policy = make_policy()
    view = SCENARIOS[1].rehearse(policy).view
    watched: dict[str, Callable[[], object]] = {"the view": weakref.ref(view)}
    watched |= {f"the queue of {model}": weakref.ref(queue) for model, queue in view.queues.items()}
    del view
    gc.collect()
    for name, reference in watched.items():
        if reference() is not None:
            _fail("check_view_is_not_kept", f"the policy still holds {name} after the run; copy what it needs instead")


def check_memory_is_bounded(make_policy: MakePolicy) -> None:
    """Ten times the requests do not make the policy ten times as large: nothing is kept a request."""
    sizes = []
    for requests in (_LOAD.requests, 10 * _LOAD.requests):
        policy = make_policy()
        _LOAD._replace(requests=requests).rehearse(policy)
        try:
            sizes.append(len(pickle.dumps(policy)))
        except Exception as error:
            text = f"a used policy cannot be pickled, so not be measured ({error}); keep plain values in it"
            _fail("check_memory_is_bounded", text, cause=error)
    if sizes[1] > 2 * sizes[0] + 4096:
        _fail(
            "check_memory_is_bounded",
            f"the policy grew from {sizes[0]} to {sizes[1]} bytes with 10 times the requests; forget those that ended",
        )


POLICY_CHECKS: tuple[Callable[[MakePolicy], None], ...] = (
    check_parameters_are_stored,
    check_decides,
    check_every_request_ends,
    check_repeatable,
    check_pickles,
    check_view_is_not_kept,
    check_memory_is_bounded,
)


def _compare(check: str, other_name: str, cure: str, scenario: Scenario, policy: Policy, other: Policy) -> None:
    log, other_log = (scenario.rehearse(each).log for each in (policy, other))
    for one, two in zip_longest(log, other_log):
        if one != two:
            time_s = min(entry[0] for entry in (one, two) if entry is not None)
            _fail(check, f"{one} became {two} with {other_name}; {cure}", time_s)


def _fail(check: str, what: str, time_s: float | None = None, cause: Exception | None = None) -> NoReturn:
    when = "" if time_s is None else f" at {time_s:.9g} s"
    raise AssertionError(f"{check}{when}: {what}") from cause
