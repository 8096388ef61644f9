"""The compiled inner loop: advance every resident batch of one GPU, kernel by kernel. It allocates nothing.

A resident is either in a gap (resting: holds nothing, is never slowed) or in an operation (running: does work at the
speed that the contention model grants). Two rows of state are kept: `now`, which has happened, and a trial, which runs
ahead to the next finish. When nothing comes between, the trial becomes the present; otherwise the present is advanced
to the moment of the change and a new trial starts from there. So each kernel boundary is computed at most twice.

Times in here are relative to the present, so that rounding does not grow with the clock.
"""

from numba import boolean, float64, int64, njit, types, void
from numba.experimental import structref

from isim.contention.contract import SPEEDS_POINTER

TIE_S = 1e-12
"""Boundaries closer than this happen together: a thousandth of the profile's resolution, far above rounding."""

DONE = -1

_ints = int64[::1]
_floats = float64[::1]


@structref.register
class _ResidentsType(types.StructRef):  # type: ignore[misc]
    """The state of one GPU, bound once so that a call passes one argument."""


class Residents(structref.StructRefProxy):  # type: ignore[misc]
    """A handle on the compiled state; make one with `new_residents`."""


structref.define_boxing(_ResidentsType, Residents)

RESIDENTS = _ResidentsType(
    (
        ("speeds", SPEEDS_POINTER),
        ("demand", float64[:, ::1]),
        ("parameters", _floats),
        ("gap_s", _floats),  # by operation
        ("duration_s", _floats),
        ("last", _ints),  # by slot: the operation after the batch's last
        ("scale", _floats),  # by slot: noise and work
        ("batch", _ints),  # by slot: batch id, for ties
        ("operation", int64[:, ::1]),  # by row and slot: the current operation, DONE after the last
        ("left_s", float64[:, ::1]),  # by row and slot: what is left of its gap or of its work
        ("running", int64[:, ::1]),  # by row: slots in the order in which their kernels started
        ("resting", int64[:, ::1]),  # by row: slots in a gap
        ("count", int64[:, ::1]),  # by row: how many run, how many rest, kernel boundaries so far
        ("present", _ints),  # which row is `now`
        ("scratch_operation", _ints),
        ("scratch_speed", _floats),
        ("scratch_ends_s", _floats),
    )
)


@njit(
    RESIDENTS(
        SPEEDS_POINTER, float64[:, ::1], _floats, _floats, _floats, _ints, _floats, _ints, int64[:, ::1],
        float64[:, ::1], int64[:, ::1], int64[:, ::1], int64[:, ::1], _ints, _ints, _floats, _floats,
    ),
    cache=True,
)  # fmt: skip
def new_residents(  # type: ignore[no-untyped-def]
    speeds, demand, parameters, gap_s, duration_s, last, scale, batch, operation, left_s, running, resting, count,
    present, scratch_operation, scratch_speed, scratch_ends_s,
):  # fmt: skip
    """Bind the arrays of one GPU; all of them are owned by the caller."""
    s = structref.new(RESIDENTS)
    s.speeds = speeds
    s.demand = demand
    s.parameters = parameters
    s.gap_s = gap_s
    s.duration_s = duration_s
    s.last = last
    s.scale = scale
    s.batch = batch
    s.operation = operation
    s.left_s = left_s
    s.running = running
    s.resting = resting
    s.count = count
    s.present = present
    s.scratch_operation = scratch_operation
    s.scratch_speed = scratch_speed
    s.scratch_ends_s = scratch_ends_s
    return s


@njit(boolean(RESIDENTS, int64, int64, int64, boolean), cache=True)
def _enter(s, row, slot, i, gap_passed):  # type: ignore[no-untyped-def]
    """Put a batch into operation i, or into the next one that takes time; false when the batch is done."""
    operation = s.operation[row]
    count = s.count[row]
    while i < s.last[slot]:
        if not gap_passed and s.gap_s[i] > 0.0:
            operation[slot] = i
            s.left_s[row, slot] = s.gap_s[i] * s.scale[slot]
            s.resting[row, count[1]] = slot
            count[1] += 1
            return True
        if s.duration_s[i] > 0.0:
            operation[slot] = i
            s.left_s[row, slot] = s.duration_s[i] * s.scale[slot]
            s.running[row, count[0]] = slot
            count[0] += 1
            return True
        gap_passed = False
        i += 1
    operation[slot] = DONE
    return False


@njit(void(RESIDENTS, int64, int64, int64, int64, float64), cache=True)
def add(s, slot, first, last, batch, scale):  # type: ignore[no-untyped-def]
    """Let a batch take a slot now."""
    s.last[slot] = last
    s.batch[slot] = batch
    s.scale[slot] = scale
    _enter(s, s.present[0], slot, first, False)


@njit(float64(RESIDENTS, int64, float64), cache=True)
def _advance(s, row, until_s):  # type: ignore[no-untyped-def]
    """Advance one row of state until a batch is done or `until_s` from now is reached; return how far it came."""
    operation = s.operation[row]
    left_s = s.left_s[row]
    running = s.running[row]
    resting = s.resting[row]
    count = s.count[row]
    demand = s.demand
    parameters = s.parameters
    batch = s.batch
    speeds = s.speeds
    running_operation = s.scratch_operation
    speed = s.scratch_speed
    ends_s = s.scratch_ends_s
    now_s = 0.0
    while True:
        n = count[0]
        if n == 1:
            speed[0] = 1.0
        elif n > 1:
            for k in range(n):
                running_operation[k] = operation[running[k]]
            speeds(running_operation, n, demand, parameters, speed)
        step_s = until_s - now_s
        for k in range(n):
            ends_s[k] = left_s[running[k]] / speed[k]
            step_s = min(step_s, ends_s[k])
        rests = count[1]
        for j in range(rests):
            step_s = min(step_s, left_s[resting[j]])
        now_s += step_s

        # Take out whoever ends here, keeping the order of the others, and let it enter what comes next at the tail.
        done = False
        changed = False
        count[0] = 0
        ended = 0
        for k in range(n):
            slot = running[k]
            if ends_s[k] - step_s <= TIE_S:
                running_operation[ended] = slot
                ended += 1
            else:
                left_s[slot] -= step_s * speed[k]
                running[count[0]] = slot
                count[0] += 1
        older = count[0]
        count[1] = 0
        rested = ended
        for j in range(rests):
            slot = resting[j]
            if left_s[slot] - step_s <= TIE_S:
                running_operation[rested] = slot
                rested += 1
            else:
                left_s[slot] -= step_s
                resting[count[1]] = slot
                count[1] += 1
        for k in range(rested):
            slot = running_operation[k]
            changed = True
            if not _enter(s, row, slot, operation[slot] + (1 if k < ended else 0), k >= ended):
                done = True
        if count[0] - older > 1:  # kernels that start together stand in order of batch id
            for k in range(older + 1, count[0]):
                slot = running[k]
                j = k
                while j > older and batch[running[j - 1]] > batch[slot]:
                    running[j] = running[j - 1]
                    j -= 1
                running[j] = slot
        if changed:
            count[2] += 1
        if done or now_s >= until_s or n + rests == 0:
            return now_s


@njit(float64(RESIDENTS), cache=True)
def look_ahead(s):  # type: ignore[no-untyped-def]
    """Run a trial from now to the next finish; return how far away it is, infinity when no batch is resident."""
    now = s.present[0]
    trial = 1 - now
    runs = s.count[now, 0]
    rests = s.count[now, 1]
    s.count[trial, 0] = runs
    s.count[trial, 1] = rests
    s.count[trial, 2] = s.count[now, 2]
    for k in range(runs):
        slot = s.running[now, k]
        s.running[trial, k] = slot
        s.operation[trial, slot] = s.operation[now, slot]
        s.left_s[trial, slot] = s.left_s[now, slot]
    for j in range(rests):
        slot = s.resting[now, j]
        s.resting[trial, j] = slot
        s.operation[trial, slot] = s.operation[now, slot]
        s.left_s[trial, slot] = s.left_s[now, slot]
    if runs + rests == 0:
        return float("inf")
    return _advance(s, trial, float("inf"))


@njit(void(RESIDENTS), cache=True)
def accept(s):  # type: ignore[no-untyped-def]
    """Make the trial the present: nothing came between."""
    s.present[0] = 1 - s.present[0]


@njit(boolean(RESIDENTS, float64), cache=True)
def advance(s, until_s):  # type: ignore[no-untyped-def]
    """Advance the present by `until_s`, at most to the next finish; return whether a batch is done (a tie)."""
    row = s.present[0]
    resident = s.count[row, 0] + s.count[row, 1]
    _advance(s, row, until_s)
    return s.count[row, 0] + s.count[row, 1] < resident
