"""Find a policy by name or in a file, and build it."""

import inspect
from typing import Any

from isim.errors import PolicyError
from isim.plugins import load_plugin, parse_plugin
from isim.policies.policy import Policy

GROUP = "isim.policies"


def parse_policy(spec: str) -> tuple[type[Any], dict[str, Any]]:
    """Return the class and the parameters that `spec` names, without building the policy.

    Raises
    ------
    PolicyError
        The policy or a parameter is unknown, or a value is not of the parameter's type; all problems at once.

    Examples
    --------
    >>> parse_policy("dynamic:max_batch=8,max_queue_delay=2ms")[1]
    {'max_batch': 8, 'max_queue_delay_s': 0.002}
    """
    return parse_plugin("policy", GROUP, spec, PolicyError)


def make_policy(spec: str) -> Policy:
    """Build the policy that `spec` names.

    Parameters
    ----------
    spec
        A name, or `path/to/file.py:Class`, then parameters: `dynamic:max_batch=8,preferred_batch_sizes=4/8`.

    Raises
    ------
    PolicyError
        The policy is unknown, its file or class has a fault, or a parameter is wrong; all problems at once.

    Examples
    --------
    >>> make_policy("static:batch_size=4,max_delay=5ms").max_delay_s
    0.005
    """
    policy: Policy = load_plugin("policy", GROUP, spec, PolicyError)
    decide = getattr(policy, "decide", None)
    if not callable(decide):
        raise PolicyError(f"policy {spec}: no method decide (has: {_methods(policy)}); add decide(self, view, event)")
    try:
        inspect.signature(decide).bind(None, None)
    except TypeError:
        raise PolicyError(
            f"policy {spec}: decide takes other arguments (found decide{inspect.signature(decide)}); "
            "write decide(self, view, event)"
        ) from None
    return policy


def _methods(policy: object) -> str:
    names = [name for name, _ in inspect.getmembers(policy, inspect.ismethod) if not name.startswith("_")]
    return ", ".join(names) or "none"
