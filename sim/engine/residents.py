"""The compiled state of one GPU: who is resident, and how far each batch has come, now and in a trial."""

import numpy as np
from numba import float64, from_dtype, int64, njit, types
from numba.experimental import structref

from isim.contention.contract import SPEEDS_POINTER
from isim.policies.gate import MAY_START_POINTER

VACANT = -1.0
"""Time left of the turn when its owner has given it away."""

PHASE = np.dtype(
    [
        ("duration_s", np.float64),
        ("runs", np.int64),  # 1 for an operation, 0 for the gap before one
        ("held", np.int64),  # 1 for a gap that is passed in turns, as work is
        ("asked", np.int64),  # 1 for an operation that rests (`runs` is 0) until the gate lets it start
    ]
)
BATCH = np.dtype(
    [
        ("last", np.int64),  # the phase after its last
        ("batch_id", np.int64),  # for ties
        ("scale", np.float64),  # noise and work
        ("process", np.int64),  # what it belongs to
        ("share", np.float64),  # of the SMs, of its process
        ("done", np.int64),  # 1 if it has come to its end
        ("eviction", np.int64),  # the phase that follows where it was preempted; 0 for a batch that was not
    ]
)
ROW = np.dtype(
    [
        ("residents", np.int64),
        ("running", np.int64),
        ("boundaries", np.int64),  # kernel boundaries so far
        ("owner", np.int64),  # the process whose turn it is
        ("turn_left_s", np.float64),
    ]
)


def _records(dtype: "np.dtype[np.void]") -> types.Array:
    return types.Array(from_dtype(dtype), 1, "C")


@structref.register
class _ResidentsType(types.StructRef):  # type: ignore[misc]
    """The state of one GPU, bound once so that a call passes one argument."""


class Residents(structref.StructRefProxy):  # type: ignore[misc]
    """A handle on the compiled state; make one with `new_residents`."""


structref.define_boxing(_ResidentsType, Residents)

RESIDENTS = _ResidentsType(
    (
        ("speeds", SPEEDS_POINTER),
        ("demand", float64[:, ::1]),  # by phase
        ("parameters", float64[::1]),
        ("sharing", int64),
        ("quantum_s", float64),
        ("phases", _records(PHASE)),
        ("batches", _records(BATCH)),  # by slot
        ("rows", _records(ROW)),
        # By row and place: those that run in the order in which they started, then those that rest.
        ("slot", int64[:, ::1]),
        ("phase", int64[:, ::1]),
        ("left_s", float64[:, ::1]),
        # By place; nothing in them outlasts a boundary.
        ("speed", float64[::1]),
        ("ends_s", float64[::1]),
        ("moved_slot", int64[::1]),
        ("moved", int64[::1]),
        # Of a gate; without one `low`, the first phase of batches that are not urgent, is -1.
        ("low", int64),
        ("may_start", MAY_START_POINTER),
        ("traits", float64[:, ::1]),  # by phase
        ("rule", float64[::1]),
        ("launch_s", float64),
    )
)
Residents._numba_type_ = RESIDENTS  # the proxy would look it up anew at every call


@njit(
    RESIDENTS(
        SPEEDS_POINTER, float64[:, ::1], float64[::1], int64, float64, _records(PHASE), _records(BATCH), _records(ROW),
        int64, MAY_START_POINTER, float64[:, ::1], float64[::1], float64,
    ),
    cache=True,
)  # fmt: skip
def new_residents(  # type: ignore[no-untyped-def]
    speeds, demand, parameters, sharing, quantum_s, phases, batches, rows, low, may_start, traits, rule, launch_s
):
    """Bind the state of a GPU with a slot for each of `batches`; none is taken yet."""
    slots = len(batches)
    s = structref.new(RESIDENTS)
    s.speeds = speeds
    s.demand = demand
    s.parameters = parameters
    s.sharing = sharing
    s.quantum_s = quantum_s
    s.phases = phases
    s.batches = batches
    s.rows = rows
    s.low = low
    s.may_start = may_start
    s.traits = traits
    s.rule = rule
    s.launch_s = launch_s
    s.slot = np.zeros((2, slots), np.int64)
    s.phase = np.zeros((2, slots), np.int64)
    s.left_s = np.zeros((2, slots))
    s.speed = np.ones(slots)
    s.ends_s = np.zeros(slots)
    s.moved_slot = np.zeros(slots, np.int64)
    s.moved = np.zeros(slots, np.int64)
    return s


@njit(cache=True)  # not for a signature: few runs need it, and they load it then
def copy_residents(s, to):  # type: ignore[no-untyped-def]
    """Make the state of one GPU that of another, which has at least as many slots."""
    for row in range(2):
        to.rows[row] = s.rows[row]
    for slot in range(len(s.batches)):
        to.batches[slot] = s.batches[slot]
        for row in range(2):
            to.slot[row, slot] = s.slot[row, slot]
            to.phase[row, slot] = s.phase[row, slot]
            to.left_s[row, slot] = s.left_s[row, slot]


@njit(cache=True)
def is_resident(s, row, slot):  # type: ignore[no-untyped-def]
    """Say whether the batch in a slot has something left to do, as a row has it."""
    found = False
    for k in range(s.rows[row].residents):
        found = found or s.slot[row, k] == slot
    return found
