"""The simulated world: arrivals, events to the policy, its decisions checked and carried out, completions."""

import gc
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, NoReturn, Protocol

from isim.batch import Batch, Seen
from isim.clock import ARRIVAL, FINISH, TIMER, Clock, Moment, snap_s
from isim.contention.contract import ContentionModel
from isim.errors import IsimError, PolicyError
from isim.gpu import Gpu
from isim.operations import Operations
from isim.policies.policy import (
    Arrival,
    Decision,
    Dispatch,
    Drop,
    Event,
    Finish,
    Overlap,
    Policy,
    Reject,
    Request,
    Timer,
    WakeAt,
)
from isim.policy_faults import described, not_a_decision, policy_fault
from isim.predicting import Predicting
from isim.run_schema import DROPPED, REJECTED
from isim.sharing_modes import Sharing
from isim.view import LiveView, WaitingRequests
from isim.workload import Workload

_TIMERS_AT_ONE_MOMENT = 10_000
_DECISIONS_AT_ONCE = 10_000
_TIMERS_IN_VAIN = 100_000
"""More than these is a policy that asks to be woken for ever."""
_LATEST_S = 1e10
"""Three centuries: what the clock tells apart by nanoseconds is far below."""


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Look for cyclic garbage rarely: a run makes none of its own, and looking takes a fifth of its time."""
    before = gc.get_threshold()
    gc.set_threshold(1_000_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Listener(Protocol):
    """What a simulation reports to; `isim.recorder.Recorder` is one."""

    def arrived(self, request: Request) -> None: ...
    def ended(self, requests: tuple[Request, ...], how: Batch | int) -> None: ...
    def batch(self, batch: Batch) -> None: ...
    def overlap(self, gpu: int, overlap: Overlap) -> None: ...
    def still_resident(self, batch: Batch) -> None: ...


class Ending(NamedTuple):
    """How a simulation ended."""

    end_s: float
    """The last finish or refusal, or the horizon if something was still open then."""
    unfinished: int
    kernel_boundaries: int
    kept_back: int
    """Those of the unfinished that did not arrive."""


class Simulation:
    """Serve a workload on one simulated GPU.

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
        Batches that may be resident at once.
    listener
        Told of everything that happens.
    noise
        The factor on the duration of a batch, from its profiled dispersion and the request at its head; None for 1.
    horizon_s
        When to stop; None to run until the last request is served.
    policy_name
        How to name the policy in errors.
    sharing
        How the models' processes share the GPU; None for streams. `operations` are laid out for it.
    predicting
        What asks and teaches the predictor that the policy may ask; None for no predictor.

    Examples
    --------
    See `isim.experiment.Experiment.run`, which builds one from an experiment.
    """

    def __init__(
        self, operations: Operations, workload: Workload, policy: Policy, contention: ContentionModel, slots: int,
        listener: Listener, noise: Callable[[float, int], float] | None = None, horizon_s: float | None = None,
        policy_name: str = "", sharing: Sharing | None = None, predicting: Predicting | None = None,
    ) -> None:  # fmt: skip
        self._clock = Clock()
        self._workload = workload
        self._requests = iter(workload.open())
        self._upcoming: Request | None = None
        self._policy = policy
        self._decide = policy.decide
        self._policy_name = policy_name or type(policy).__name__
        self._listener = listener
        self._noise = noise
        self._horizon_s = horizon_s
        self._queues = {model: WaitingRequests() for model in workload.models}
        self._join = {model: partial(deque.append, queue) for model, queue in self._queues.items()}
        self._by_samples = {model: operations.by_samples(model) for model in workload.models}
        self._operations = operations
        self._gpu = Gpu(0, slots, operations, contention, sharing or Sharing(), listener.overlap)
        self._gpu_changed = False
        self._next_finish: Moment | None = None
        self._predicting = predicting
        predictor = None if predicting is None else predicting.predictor
        self._view = LiveView(operations, self._queues, self._gpu.residents, predictor)
        self._view._free_slots = slots
        if predicting is not None:
            predicting.start(self._gpu, self._view, noise, slots, operations, contention, sharing or Sharing())
        self._arrivals_s = self._view._arrivals_s
        self._next_batch = 0
        self._open = 0
        self._end_s = 0.0
        self._timers: dict[str, Moment] = {}
        self._timers_now = (0.0, 0)
        self._timers_in_vain = 0
        self._awaited: dict[int, Request] = {}

    def run(self) -> Ending:
        """Run until the last request is served, or to the horizon.

        Raises
        ------
        PolicyError
            The policy raised, or decided something that cannot be.
        """
        self._arrive_next(Moment(self._arrive_next, 0.0))
        if self._horizon_s is not None:
            self._clock.stop_at(self._horizon_s)
        with _rare_garbage_collection():
            self._clock.run()
        unfinished = self._open
        if unfinished and self._horizon_s is not None:
            self._end_s = self._horizon_s
        self._gpu.cut_off(self._end_s)
        for batch in self._gpu.residents:
            self._listener.still_resident(batch)
        if self._predicting is not None:
            self._predicting.end(self._gpu.residents)
        kept_back = 0
        for request in self._never_arrived():
            self._listener.arrived(request)
            kept_back += 1
        return Ending(self._end_s, unfinished + kept_back, self._gpu.kernel_boundaries, kept_back)

    def _never_arrived(self) -> Iterator[Request]:
        """Yield the requests that the horizon, or a parent that never ended, kept from arriving."""
        if self._upcoming is not None:
            yield self._upcoming
        yield from self._requests
        if self._workload.reacts:
            yield from self._workload.kept_back(self._awaited.values())

    # What happens -----------------------------------------------------------------------------------------------

    def _arrive_next(self, moment: Moment) -> None:
        """Walk the open arrivals; there is never more than one in the clock's queue."""
        request = self._upcoming
        self._upcoming = following = next(self._requests, None)
        if following is not None:
            self._clock.again(moment, following.arrived_s, ARRIVAL)
        if request is not None:
            self._arrive(request)

    def _arrive(self, request: Request) -> None:
        self._open += 1
        self._listener.arrived(request)
        self._join[request.model](request)
        self._arrivals_s[request.model].append(request.arrived_s)
        self._view._now_s = request.arrived_s
        self._ask(Arrival(request))

    def _finish(self, moment: Moment) -> None:
        if moment is not self._next_finish:  # the residents have changed since
            return
        self._view._now_s = now_s = moment.time_s
        self._gpu_changed = True
        for batch in self._gpu.finished(now_s):
            self._gpu.release(batch, now_s)
            self._view._free_slots += 1
            self._listener.batch(batch)
            if self._predicting is not None:
                self._predicting.finish(batch, self._gpu.residents)
            self._end(batch.requests, batch, now_s)
            self._ask(Finish(Seen(batch)))

    def _wake(self, tag: str, moment: Moment) -> None:
        if self._timers.get(tag) is not moment:  # moved since
            return
        del self._timers[tag]
        to_come = self._upcoming is not None or bool(self._awaited)
        if not self._open and not to_come:  # all is served: the run is over
            return
        self._view._now_s = now_s = moment.time_s
        last_s, count = self._timers_now
        self._timers_now = (now_s, count + 1 if now_s == last_s else 1)
        if self._timers_now[1] > _TIMERS_AT_ONE_MOMENT:
            self._fail(None, f"woken {count} times at this moment; ask for a later time")
        self._timers_in_vain = 0 if to_come or self._gpu.residents else self._timers_in_vain + 1
        if self._timers_in_vain > _TIMERS_IN_VAIN:
            self._fail(
                None,
                f"woken {_TIMERS_IN_VAIN} times in a row with {self._open} requests waiting, nothing running and no "
                "arrival to come; dispatch, drop or stop asking",
            )
        self._ask(Timer(tag))

    def _end(self, requests: tuple[Request, ...], how: Batch | int, now_s: float) -> None:
        self._listener.ended(requests, how)
        self._open -= len(requests)
        self._end_s = now_s
        if self._workload.reacts:
            for request in requests:
                for following in self._workload.follow_up(request, now_s):
                    self._arm(following)

    def _arm(self, request: Request) -> None:
        self._awaited[request.request_id] = request
        self._clock.at(request.arrived_s, ARRIVAL, lambda _: self._arrive_awaited(request))

    def _arrive_awaited(self, request: Request) -> None:
        del self._awaited[request.request_id]
        self._arrive(request)

    # What the policy decides ------------------------------------------------------------------------------------

    def _ask(self, event: Event) -> None:
        decisions: Any = None
        try:
            decisions = self._decide(self._view, event)
            if decisions:
                if isinstance(decisions, list | tuple):
                    self._carry_out(decisions, decisions, event)
                else:
                    self._carry_out_some(decisions, event)
        except IsimError:
            raise
        except (Exception, SystemExit) as error:  # decisions may come from a generator, and hold anything
            fault = policy_fault(error, decisions, event, self._policy)
            if fault is None:
                raise
            raise PolicyError(f"policy {self._policy_name} at {self._view._now_s:.9g} s{fault}") from error
        if self._gpu_changed:
            self._retime()

    def _carry_out_some(self, decisions: Iterable[Decision], event: Event) -> None:
        """Carry out what may never end."""
        most = _DECISIONS_AT_ONCE + 2 * self._open
        iterator = iter(decisions)
        self._carry_out(islice(iterator, most), decisions, event)
        if next(iterator, None) is not None:
            self._fail(None, f"decided more than {most} times on one {type(event).__name__}; let decide come to an end")

    def _carry_out(self, some: Iterable[Decision], decisions: object, event: Event) -> None:
        for decision in some:
            if isinstance(decision, Dispatch):
                self._dispatch(decision)
            elif isinstance(decision, WakeAt):
                self._wake_at(decision)
            elif isinstance(decision, Reject | Drop):
                self._refuse(decision, event)
            else:
                self._fail(decision, not_a_decision(decision, decisions))

    def _dispatch(self, decision: Dispatch) -> None:
        requests = tuple(decision.requests)
        if not requests:
            self._fail(decision, "no requests; dispatch at least one")
        if decision.gpu != 0:
            self._fail(decision, f"no GPU {decision.gpu} (there is GPU 0); dispatch to gpu=0")
        if not self._view._free_slots:
            self._fail(decision, "no free slot; wait for a Finish")
        model = requests[0].model
        if (by_samples := self._by_samples.get(model)) is None:
            self._fail(
                decision,
                f"no model {model} is served here (served: {', '.join(self._queues)}); choose from view.queues",
            )
        samples, work = 0, 0.0
        for request in requests:
            samples += request.samples
            work = max(work, request.work)
        if samples >= len(by_samples):
            self._fail(
                decision, f"{samples} samples, but the largest profiled batch size of {model} is {len(by_samples) - 1}"
            )
        self._take(requests, model, decision)
        variant = by_samples[samples]
        assert variant is not None  # only size 0 has none
        head = requests[0]
        noise = 1.0 if self._noise is None else self._noise(variant.noise_sigma, head.request_id)
        now_s = self._view._now_s
        batch = Batch(self._next_batch, variant, requests, now_s, work, noise)
        self._next_batch += 1
        if self._predicting is not None:
            self._predicting.dispatch(batch, self._gpu.residents)
        self._gpu.dispatch(batch, now_s)
        self._view._free_slots -= 1
        self._gpu_changed = True

    def _refuse(self, decision: Reject | Drop, event: Event) -> None:
        requests = tuple(decision.requests)
        if not requests:
            self._fail(decision, "no requests; name at least one")
        if isinstance(decision, Reject) and not (isinstance(event, Arrival) and requests == (event.request,)):
            self._fail(decision, "a request can be rejected only at its own arrival; later, use Drop")
        for request in requests:
            self._take((request,), request.model, decision)
        self._end(requests, REJECTED if isinstance(decision, Reject) else DROPPED, self._view._now_s)

    def _take(self, requests: tuple[Request, ...], model: str, decision: Decision) -> None:
        """Take requests out of their model's queue; usually they stand at its head."""
        queue = self._queues[model]
        for request in requests:
            if queue and queue[0] is request:
                deque.popleft(queue)
                continue
            if request.model != model:
                self._fail(
                    decision, f"requests of several models ({model}, {request.model}); dispatch one model a batch"
                )
            try:
                deque.remove(queue, request)
            except ValueError:
                self._fail(
                    decision,
                    f"request {request.request_id} does not wait in a queue (it has ended, runs, or never arrived); "
                    "choose from view.queues",
                )

    def _wake_at(self, decision: WakeAt) -> None:
        time_s, tag = decision
        if not self._view._now_s <= time_s < _LATEST_S:
            self._fail(decision, "not a time from now on; ask for view.now_s or later")
        time_s = max(snap_s(time_s), time_s)  # never before the time asked for
        pending = self._timers.get(tag)
        if pending is None or pending.time_s != time_s:
            self._timers[tag] = self._clock.at(time_s, TIMER, lambda moment: self._wake(tag, moment))

    def _retime(self) -> None:
        """Find the next finish anew: the set of residents has changed."""
        self._gpu_changed = False
        finish_s = self._gpu.next_finish_s()
        self._next_finish = (
            self._clock.at(max(snap_s(finish_s), self._view._now_s), FINISH, self._finish)
            if finish_s < math.inf
            else None
        )

    def _fail(self, decision: Any, what: str) -> NoReturn:
        named = f" decided {described(decision)}:" if decision is not None else ""
        raise PolicyError(f"policy {self._policy_name} at {self._view._now_s:.9g} s{named} {what}")
