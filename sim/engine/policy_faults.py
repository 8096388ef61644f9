"""Say what a policy did wrong when deciding, or carrying out what it decided, raised an exception."""

import inspect
from collections.abc import Iterable
from numbers import Real
from traceback import walk_tb
from typing import Any

from isim.fault_line import fault, one_line, what_raised
from isim.policies.policy import Dispatch, Drop, Event, Preempt, Reject, Request, WakeAt

_SHOWN = 5
_ENGINE = ("isim.engine.simulation", "isim.engine.server", "isim.engine.timers", "isim.clock")
_TAKES_DECISIONS = ("_ask", "_carry_out_some", "_carry_out")


def policy_fault(error: BaseException, decisions: object, event: Event, policy: object) -> str | None:
    """Return what the policy did wrong, to follow its name and the time; None if it is not to blame.

    Parameters
    ----------
    error
        What was raised on the way from the engine to the policy and back.
    decisions
        What `decide` returned, if it did.
    event
        What was to be decided.
    policy
        The policy, whose file is known by its class.
    """
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    own = [frame for frame in frames if frame.f_globals.get("__name__") in _ENGINE]
    below = frames[frames.index(own[-1]) + 1 :] if own else frames
    by_policy = below and not _is_ours(below[0].f_globals.get("__name__", ""))
    if not by_policy and not below and own and own[-1].f_code.co_name not in _TAKES_DECISIONS:
        decision = next(f.f_locals["decision"] for f in own if f.f_code.co_name == "_carry_out")
        return f" decided {described(decision)}: {_malformed(decision, error)}"
    untold = decisions is not None and not below and own[-1].f_code.co_name == "_ask"  # nor whether it is empty
    if untold or (decisions is not None and not isinstance(decisions, Iterable)):
        return f" decided {described(decisions)}: not a list of decisions; return a list, or () for none"
    if by_policy:
        return f" raised {fault(error, _source(policy))} (on {type(event).__name__}); correct that line"
    if not below:  # compiled code did, or decide takes other arguments
        return f" raised {what_raised(error)} (on {type(event).__name__}); correct decide"
    return None


def not_a_decision(decision: object, decisions: object) -> str:
    """Say what is wrong with something that is no decision."""
    if isinstance(decisions, Dispatch | Reject | Drop | WakeAt | Preempt):
        return f"a decision on its own ({type(decisions).__name__}); return a list of decisions"
    return "not a decision; return Dispatch, Reject, Drop, WakeAt or Preempt"


def described(decision: object) -> str:
    """Return a decision as a line that is not overlong, whatever it holds."""
    try:
        if isinstance(decision, Dispatch | Reject | Drop):
            requests = list(decision.requests)
            ids = ", ".join(str(request.request_id) for request in requests[:_SHOWN])
            more = ", ..." if len(requests) > _SHOWN else ""
            return f"{type(decision).__name__}({requests[0].model if requests else 'nothing'}: {ids}{more})"
    except Exception:
        pass
    try:
        return one_line(repr(decision))[:200]
    except Exception:
        return f"an object of class {type(decision).__name__}"


def _malformed(decision: Any, error: BaseException) -> str:
    if isinstance(decision, WakeAt):
        if not isinstance(decision.time_s, Real):
            return "its time is no number of seconds; write view.now_s + 0.001, say"
        if not isinstance(decision.tag, str):
            return "its tag is no text; write tag='name'"
    elif isinstance(decision, Dispatch | Reject | Drop):
        if not isinstance(decision.requests, Iterable):
            return f"its requests are no list (found {described(decision.requests)}); choose from view.queues"
        for request in decision.requests:
            if not isinstance(request, Request):
                return f"holds what is no request (found {described(request)}); choose from view.queues"
        if isinstance(decision, Dispatch) and not isinstance(decision.priority, Real):
            return f"its priority is no number (found {described(decision.priority)}); write 0, or 1 if it is urgent"
    return f"cannot be carried out, {what_raised(error)}; choose requests from view.queues as they are"


def _is_ours(module: str) -> bool:
    """Return whether a module is of the engine; built-in policies are policies."""
    return module.startswith("isim.") and not module.startswith(("isim.policies.", "isim.engine.view"))


def _source(policy: object) -> str | None:
    try:
        return inspect.getsourcefile(type(policy))
    except TypeError:
        return None
