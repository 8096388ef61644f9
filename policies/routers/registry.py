"""Find a router by name or in a file, and build it."""

import inspect
from typing import Any

from isim.errors import RouterError
from isim.plugins import check_methods, load_plugin, parse_plugin
from isim.policies.routers.router import Router

GROUP = "isim.routers"


def parse_router(spec: str) -> tuple[type[Any], dict[str, Any]]:
    """Return the class and the parameters that `spec` names, without building the router.

    Raises
    ------
    RouterError
        The router or a parameter is unknown, or a value is not of the parameter's type; all problems at once.

    Examples
    --------
    >>> parse_router("power-of-two:choices=3")[1]
    {'choices': 3}
    """
    return parse_plugin("router", GROUP, spec, RouterError)


def make_router(spec: str, seed: int) -> Router:
    """Build the router that `spec` names, with this seed if its class takes one that the spec leaves open.

    Parameters
    ----------
    spec
        A name, or `path/to/file.py:Class`, then parameters.

    Raises
    ------
    RouterError
        The router is unknown, its file or class has a fault, or a parameter is wrong; all problems at once.

    Examples
    --------
    >>> make_router("power-of-two", seed=5).seed
    5
    """
    target, parameters = parse_router(spec)
    if "seed" in inspect.signature(target).parameters and "seed" not in parameters:
        spec = f"{spec.rstrip(': ')}{',' if parameters else ':'}seed={seed}"
    router: Router = load_plugin("router", GROUP, spec, RouterError)
    check_methods(router, f"router {spec}", {"route": "fleet, request"}, RouterError)
    return router
