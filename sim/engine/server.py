"""One GPU and what serves it: queues, a policy, timers; the policy's decisions checked and carried out."""

import math
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from typing import Any, NoReturn

from isim.clock import FINISH, Moment, snap_s
from isim.engine.batch import Batch, Preemption, Seen
from isim.engine.gating import gating_of
from isim.engine.gpu import Gpu
from isim.engine.policy_faults import described, not_a_decision, policy_fault
from isim.engine.set_aside import SetAside
from isim.engine.surroundings import Served, Surroundings
from isim.engine.timers import Timers
from isim.engine.view import LiveView, WaitingRequests
from isim.errors import IsimError, PolicyError
from isim.policies.policy import (
    Arrival,
    Decision,
    Dispatch,
    Drop,
    Event,
    Finish,
    Preempt,
    Preempted,
    Reject,
    Request,
    Timer,
    WakeAt,
)
from isim.run_schema import DROPPED, REJECTED

_DECISIONS_AT_ONCE = 10_000
"""More than these is a policy that never comes to an end."""
_LATEST_S = 1e10
"""Three centuries: what the clock tells apart by nanoseconds is far below."""


class Server:
    """Serve requests on one simulated GPU, as its policy decides.

    Parameters
    ----------
    gpu
        Its number.
    served
        What is its own.
    models
        In the order in which the view shows their queues; of those, it serves the ones that `served` lays out.
    around
        What it shares with other servers.
    ended
        Called with requests that ended here, how, and when.
    policy_name
        How to name the policy in errors.
    like
        Another with the same operations.
    """

    def __init__(
        self, gpu: int, served: Served, models: Iterable[str], around: Surroundings,
        ended: Callable[[tuple[Request, ...], Batch | int, float], None], policy_name: str,
        like: "Server | None" = None,
    ) -> None:  # fmt: skip
        operations, policy, predicting = served
        self._clock, self._front, self._listener = around.clock, around.front, around.listener
        self._noise, self._batch_ids, self._ended = around.noise, around.batch_ids, ended
        self._policy, self._decide, self._policy_name = policy, policy.decide, policy_name
        self._queues = {model: WaitingRequests() for model in models if model in operations.models}
        self._join = {model: partial(deque.append, queue) for model, queue in self._queues.items()}
        self._set_aside = SetAside(operations, self._queues)
        self._by_samples = {model: operations.by_samples(model) for model in self._queues}
        self._gpu: Gpu = Gpu(
            gpu, around.slots, operations, around.contention, around.sharing, around.listener.overlap,
            None if like is None else like._gpu, gating_of(policy, policy_name, operations, around.sharing),
        )  # fmt: skip
        self.residents = self._gpu.residents
        self._gpu_changed = False
        self._next_finish: Moment | None = None
        self._predicting = predicting
        predictor = None if predicting is None else predicting.predictor
        self.view = self._view = LiveView(operations, self._queues, self._gpu.residents, predictor)
        self._view._free_slots = around.slots
        if predicting is not None:
            predicting.start(
                self._gpu, self._view, around.noise, around.slots, operations, around.contention, around.sharing
            )
        self._arrivals_s = self._view._arrivals_s
        self._timers = Timers(around.clock, around.front, self.residents, self._wake, self._fail_at)

    @property
    def models(self) -> Iterable[str]:
        """The models it serves."""
        return self._queues.keys()

    def by_samples(self, model: str) -> Any:
        """Return, at index n, what n samples of a model run as."""
        return self._by_samples[model]

    @property
    def kernel_boundaries(self) -> int:
        """As of its GPU."""
        return self._gpu.kernel_boundaries

    @property
    def changed_s(self) -> float:
        """When a batch last came to its GPU or left it."""
        return self._gpu.changed_s

    def stop(self, end_s: float) -> None:
        """Report what still runs at the end of the run."""
        self._gpu.cut_off(end_s)
        for batch in self.residents:
            self._listener.still_resident(batch)
        if self._predicting is not None:
            self._predicting.end(self.residents)

    # What happens -----------------------------------------------------------------------------------------------

    def arrive(self, request: Request) -> None:
        """Let a request join its model's queue."""
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
                self._predicting.leave(batch, self._gpu.residents)
            if batch.preempted is not None:
                self._set_aside.put_back(batch)
                self._ask(Preempted(Seen(batch)))
                continue
            self._ended(batch.requests, batch, now_s)
            self._ask(Finish(Seen(batch)))

    def _wake(self, now_s: float, tag: str) -> None:
        self._view._now_s = now_s
        self._ask(Timer(tag))

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
        most = _DECISIONS_AT_ONCE + 2 * self._front.open
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
            elif isinstance(decision, Preempt):
                self._preempt(decision)
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
        continues = self._set_aside.take(requests) if self._set_aside.kept else None
        if continues is not None:
            variant = self._set_aside.rest(variant, continues.operation)
        urgent = decision.priority > 0
        batch = Batch(next(self._batch_ids), variant, requests, now_s, work, noise, self._gpu.gpu, continues, urgent)
        if self._predicting is not None:
            self._predicting.dispatch(batch, self._gpu.residents)
        self._gpu.dispatch(batch, now_s)
        self._view._free_slots -= 1
        self._gpu_changed = True

    def _preempt(self, decision: Preempt) -> None:
        batch = next((each for each in self.residents if each.batch_id == decision.batch_id), None)
        if batch is None:
            self._fail(decision, "no such batch on the GPU; choose from view.residents")
        if batch.preempted is not None:
            self._fail(decision, "it is being preempted already; wait for Preempted")
        if decision.mode not in ("reset", "kernel"):
            self._fail(decision, "no such mode; write 'reset' or 'kernel'")
        now_s = self._view._now_s
        operation = self._gpu.preempt(batch, decision.mode == "kernel", now_s)
        self._gpu_changed = True
        if operation is not None:  # else it comes to its end first
            batch.preempted = Preemption(batch.batch_id, decision.mode, now_s, operation, bool(decision.keep))

    def _refuse(self, decision: Reject | Drop, event: Event) -> None:
        requests = tuple(decision.requests)
        if not requests:
            self._fail(decision, "no requests; name at least one")
        if isinstance(decision, Reject) and not (isinstance(event, Arrival) and requests == (event.request,)):
            self._fail(decision, "a request can be rejected only at its own arrival; later, use Drop")
        for request in requests:
            self._take((request,), request.model, decision)
        if self._set_aside.kept:
            self._set_aside.take(requests)
        self._ended(requests, REJECTED if isinstance(decision, Reject) else DROPPED, self._view._now_s)

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
        self._timers.set(time_s, tag)

    def _retime(self) -> None:
        """Find the next finish anew: the set of residents has changed."""
        self._gpu_changed = False
        finish_s = self._gpu.next_finish_s()
        self._next_finish = (
            self._clock.at(max(snap_s(finish_s), self._view._now_s), FINISH, self._finish)
            if finish_s < math.inf
            else None
        )

    def _fail_at(self, now_s: float, what: str) -> NoReturn:
        self._view._now_s = now_s
        self._fail(None, what)

    def _fail(self, decision: Any, what: str) -> NoReturn:
        named = f" decided {described(decision)}:" if decision is not None else ""
        raise PolicyError(f"policy {self._policy_name} at {self._view._now_s:.9g} s{named} {what}")
