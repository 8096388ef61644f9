"""A policy's gate, checked, as the compiled loop is told of it."""

from typing import Any, NamedTuple

import numpy as np
from numba.extending import is_jitted

from isim.errors import IsimError, PolicyError
from isim.fault_line import what_raised
from isim.operations import Floats, Operations
from isim.policies.gate import MAY_START, Gate
from isim.sharing_modes import Sharing


class Gating(NamedTuple):
    """A gate, and what it says of every operation."""

    gate: Gate
    traits: Floats
    """By operation."""


def gating_of(policy: Any, name: str, operations: Operations, sharing: Sharing) -> Gating | None:
    """Return the gating that a policy asks for by an attribute `gate`; None if it does not.

    Parameters
    ----------
    name
        How to name the policy in errors.

    Raises
    ------
    PolicyError
        Its gate is none that the engine can use, or the sharing gives processes turns or parts.
    """
    gate = getattr(policy, "gate", None)
    if gate is None:
        return None
    if sharing.mode not in ("streams", "exclusive"):
        raise PolicyError(
            f"policy {name}: gates kernels, which it can do in one process only (found sharing {sharing.mode!r}); "
            "choose sharing 'streams' or 'exclusive'"
        )
    try:
        problem = _form_problem(gate)
        found = [gate.traits(operations.kernels(*key)) for key in operations.variants] if not problem else []
        problem = problem or _traits_problem(found, operations)
        traits = np.ascontiguousarray(np.concatenate(found)) if not problem else np.zeros((0, 0))
    except IsimError:
        raise
    except Exception as error:
        problem = f"raised {what_raised(error)}; correct it"
    if problem:
        raise PolicyError(f"policy {name}: its gate {problem}")
    return Gating(gate, traits)


def _form_problem(gate: Any) -> str | None:
    if missing := [each for each in ("may_start", "parameters", "traits") if not hasattr(gate, each)]:
        return f"has no {', '.join(missing)}; see isim.policies.gate"
    if not is_jitted(gate.may_start) or MAY_START.args not in gate.may_start.overloads:
        return "has a may_start that is not compiled for its signature; decorate the function with @njit(MAY_START)"
    if not _is_array(gate.parameters, 1):
        return "has parameters that are no one-dimensional float64 array; return np.array([...])"
    return None


def _traits_problem(found: list[Any], operations: Operations) -> str | None:
    lengths = [variant.last - variant.first for variant in operations.variants.values()]
    fits = all(_is_array(rows, 2) and len(rows) == length for rows, length in zip(found, lengths, strict=True))
    if not fits or len({rows.shape[1] for rows in found}) != 1:
        return "has traits that are no float64 array of one row an operation; return np.column_stack([...])"
    return None


def _is_array(value: Any, dimensions: int) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == dimensions and value.dtype == np.float64
