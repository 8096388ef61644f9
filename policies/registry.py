"""Find a policy by name or in a file, and build it."""

from typing import Any

from isim.errors import PolicyError
from isim.plugins import check_methods, load_plugin, parse_plugin
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
    check_methods(policy, f"policy {spec}", {"decide": "view, event"}, PolicyError)
    return policy
