"""The compiled inner loop: advance every resident batch of one GPU, kernel by kernel. It allocates nothing.

A resident is either in a gap (resting: holds nothing, is never slowed) or in an operation (running: does work at the
speed that the contention model grants). Two rows of state are kept: the present, which has happened, and a trial, which
runs ahead to the next finish. When nothing comes between, the trial becomes the present; otherwise the present is
advanced to the moment of the change and a new trial starts from there: each kernel boundary is computed at most twice.

Times in here are relative to the present, so that rounding does not grow with the clock.
"""

import numpy as np
from numba import boolean, float64, int64, njit, types, void
from numba.experimental import structref

from isim.contention.contract import SPEEDS_POINTER

STREAMS, TURNS, PARTITIONS = 0, 1, 2
"""How residents share the GPU: side by side, process after process, or each process on its own part of the SMs."""
_VACANT = -1.0
"""Time left of the turn when its owner has given it away."""
TIE_S = 1e-12
"""Boundaries closer than this happen together: a thousandth of the profile's resolution, far above rounding."""

_ints = int64[::1]
_floats = float64[::1]
_int_rows = int64[:, ::1]
_float_rows = float64[:, ::1]


@structref.register
class _ResidentsType(types.StructRef):  # type: ignore[misc]
    """The state of one GPU, bound once so that a call passes one argument."""


class Residents(structref.StructRefProxy):  # type: ignore[misc]
    """A handle on the compiled state; make one with `new_residents`."""


structref.define_boxing(_ResidentsType, Residents)

RESIDENTS = _ResidentsType(
    (
        ("speeds", SPEEDS_POINTER),
        ("demand", _float_rows),
        ("parameters", _floats),
        ("gap_s", _floats),  # by operation
        ("duration_s", _floats),
        ("last", _ints),  # by slot: the operation after the batch's last
        ("sharing", int64),
        ("quantum_s", float64),
        ("held", types.Array(boolean, 1, "C")),  # by operation: whether its gap is passed in turns as its work is
        ("share", _floats),  # by slot: of the SMs, of the batch's process
        ("process", _ints),  # by slot: what it belongs to
        ("scale", _floats),  # by slot: noise and work
        ("batch", _ints),  # by slot: batch id, for ties
        ("done", types.Array(boolean, 1, "C")),  # by slot: whether its batch has come to its end
        # By row and place; those that run stand in the order in which their kernels started.
        ("running_slot", _int_rows),
        ("running", _int_rows),  # the operation
        ("running_left_s", _float_rows),
        ("resting_slot", _int_rows),
        ("resting", _int_rows),
        ("resting_left_s", _float_rows),
        ("count", _int_rows),  # by row: how many run, how many rest, kernel boundaries so far
        ("owner", _ints),  # by row: the process whose turn it is
        ("turn_left_s", _floats),  # by row
        ("present", _ints),  # which row is the present
        ("speed", _floats),  # scratch, by place
        ("ends_s", _floats),
        ("moved_slot", _ints),
        ("moved", _ints),
    )
)


@njit(
    RESIDENTS(
        SPEEDS_POINTER, _float_rows, _floats, _floats, _floats, int64, float64, types.Array(boolean, 1, "C"),
        types.Array(boolean, 1, "C"), _int_rows, _ints,
    ),
    cache=True,
)  # fmt: skip
def new_residents(speeds, demand, parameters, gap_s, duration_s, sharing, quantum_s, held, done, count, present):  # type: ignore[no-untyped-def]
    """Make the state of an empty GPU with a slot for each element of `done`; the caller may read the last three."""
    slots = len(done)
    s = structref.new(RESIDENTS)
    s.speeds = speeds
    s.demand = demand
    s.parameters = parameters
    s.gap_s = gap_s
    s.duration_s = duration_s
    s.sharing = sharing
    s.quantum_s = quantum_s
    s.held = held
    s.share = np.ones(slots)
    s.process = np.zeros(slots, np.int64)
    s.owner = np.full(2, -1, np.int64)
    s.turn_left_s = np.full(2, _VACANT)
    s.last = np.zeros(slots, np.int64)
    s.scale = np.ones(slots)
    s.batch = np.zeros(slots, np.int64)
    s.done = done
    s.running_slot = np.zeros((2, slots), np.int64)
    s.running = np.zeros((2, slots), np.int64)
    s.running_left_s = np.zeros((2, slots))
    s.resting_slot = np.zeros((2, slots), np.int64)
    s.resting = np.zeros((2, slots), np.int64)
    s.resting_left_s = np.zeros((2, slots))
    s.count = count
    s.present = present
    s.speed = np.ones(slots)
    s.ends_s = np.zeros(slots)
    s.moved_slot = np.zeros(slots, np.int64)
    s.moved = np.zeros(slots, np.int64)
    return s


@njit(boolean(RESIDENTS, int64, int64, int64, boolean), cache=True)
def _enter(s, row, slot, i, gap_passed):  # type: ignore[no-untyped-def]
    """Put a batch into operation i, or into the next one that takes time; false when it has come to its end."""
    while i < s.last[slot]:
        if not gap_passed and s.gap_s[i] > 0.0:
            place = s.count[row, 1]
            s.resting_slot[row, place] = slot
            s.resting[row, place] = i
            s.resting_left_s[row, place] = s.gap_s[i] * s.scale[slot]
            s.count[row, 1] = place + 1
            return True
        if s.duration_s[i] > 0.0:
            place = s.count[row, 0]
            s.running_slot[row, place] = slot
            s.running[row, place] = i
            s.running_left_s[row, place] = s.duration_s[i] * s.scale[slot]
            s.count[row, 0] = place + 1
            return True
        gap_passed = False
        i += 1
    s.done[slot] = True
    return False


@njit(void(RESIDENTS, int64, int64, int64, int64, float64, int64, float64), cache=True)
def add(s, slot, first, last, batch, scale, process, share):  # type: ignore[no-untyped-def]
    """Let a batch of a process take a slot now."""
    s.process[slot] = process
    s.share[slot] = share
    s.last[slot] = last
    s.batch[slot] = batch
    s.scale[slot] = scale
    s.done[slot] = False
    _enter(s, s.present[0], slot, first, False)


@njit(void(RESIDENTS, int64, int64, int64), cache=True)
def _order_by_batch(s, row, first, last):  # type: ignore[no-untyped-def]
    """Sort kernels that started together by batch id; there are few."""
    slots, operations, left_s = s.running_slot[row], s.running[row], s.running_left_s[row]
    for place in range(first + 1, last):
        slot, operation, left = slots[place], operations[place], left_s[place]
        while place > first and s.batch[slots[place - 1]] > s.batch[slot]:
            slots[place], operations[place], left_s[place] = slots[place - 1], operations[place - 1], left_s[place - 1]
            place -= 1
        slots[place], operations[place], left_s[place] = slot, operation, left


@njit(void(RESIDENTS, int64), cache=True)
def _partition_speeds(s, row):  # type: ignore[no-untyped-def]
    """Ask how fast kernels run whose processes are held to parts of the SMs.

    Where the parts fit beside each other, no kernel waits for the SMs of another process: each is asked as if those of
    its own process had started before all others.
    """
    slots, running, runs = s.running_slot[row], s.running[row], s.count[row, 0]
    total = 0.0
    for k in range(runs):
        first = True
        for j in range(k):
            if s.process[slots[j]] == s.process[slots[k]]:
                first = False
        if first:
            total += s.share[slots[k]]
    if total > 1.0 + 1e-9:
        s.speeds(running, runs, s.demand, s.parameters, s.speed)
        return
    for k in range(runs):
        process = s.process[slots[k]]
        own = 0
        place = 0
        for j in range(runs):
            if s.process[slots[j]] == process:
                if j == k:
                    place = own
                s.moved[own] = running[j]
                own += 1
        for j in range(runs):
            if s.process[slots[j]] != process:
                s.moved[own] = running[j]
                own += 1
        s.speeds(s.moved, runs, s.demand, s.parameters, s.ends_s)
        s.speed[k] = s.ends_s[place]


@njit(float64(RESIDENTS, int64, float64), cache=True)
def _take_turn(s, row, step_s):  # type: ignore[no-untyped-def]
    """Say whose turn it is and how fast its kernels run, the others standing still; return the time to the next turn.

    A process has something to run if a kernel of it runs, or it is in a gap through which it keeps its turn.
    """
    running_slot, resting_slot, resting = s.running_slot[row], s.resting_slot[row], s.resting[row]
    runs, rests = s.count[row, 0], s.count[row, 1]
    owner = s.owner[row]
    lowest = -1  # the first process with something to run, and the first after the owner
    following = -1
    own = False
    others = False
    for k in range(runs + rests):
        if k >= runs and not s.held[resting[k - runs]]:
            continue
        process = s.process[running_slot[k] if k < runs else resting_slot[k - runs]]
        if process == owner:
            own = True
        else:
            others = True
        if lowest < 0 or process < lowest:
            lowest = process
        if process > owner and (following < 0 or process < following):
            following = process
    if not own:
        s.turn_left_s[row] = _VACANT
    if (own or others) and (s.turn_left_s[row] < 0.0 or (s.turn_left_s[row] == 0.0 and others)):
        owner = following if following >= 0 else lowest
        s.owner[row] = owner
        s.turn_left_s[row] = s.quantum_s
    count = 0
    for k in range(runs):
        s.speed[k] = 0.0
        if s.process[running_slot[k]] == owner:
            s.moved[count] = s.running[row, k]
            count += 1
    if count == 1:
        s.ends_s[0] = 1.0
    elif count > 1:
        s.speeds(s.moved, count, s.demand, s.parameters, s.ends_s)
    count = 0
    for k in range(runs):
        if s.process[running_slot[k]] == owner:
            s.speed[k] = s.ends_s[count]
            count += 1
    if others and s.turn_left_s[row] > 0.0:
        return min(step_s, s.turn_left_s[row])
    return step_s


@njit(float64(RESIDENTS, int64, float64), cache=True)
def _advance_in_turns(s, row, until_s):  # type: ignore[no-untyped-def]
    """Advance one row of state as `_advance` does, with the processes taking turns."""
    running_slot, running, running_left_s = s.running_slot[row], s.running[row], s.running_left_s[row]
    resting_slot, resting, resting_left_s = s.resting_slot[row], s.resting[row], s.resting_left_s[row]
    count, speed, moved_slot, moved = s.count[row], s.speed, s.moved_slot, s.moved
    now_s = 0.0
    while True:
        runs = count[0]
        rests = count[1]
        step_s = _take_turn(s, row, until_s - now_s)
        owner = s.owner[row]
        for k in range(runs):
            if speed[k] > 0.0:
                step_s = min(step_s, running_left_s[k] / speed[k])
        for j in range(rests):
            if not s.held[resting[j]] or s.process[resting_slot[j]] == owner:
                step_s = min(step_s, resting_left_s[j])
        now_s += step_s
        if s.turn_left_s[row] > 0.0:
            left_s = s.turn_left_s[row] - step_s
            s.turn_left_s[row] = left_s if left_s > TIE_S else 0.0

        tie_s = step_s + TIE_S
        ended = 0
        kept = 0
        for k in range(runs):
            if speed[k] > 0.0 and running_left_s[k] / speed[k] <= tie_s:
                moved_slot[ended] = running_slot[k]
                moved[ended] = running[k]
                ended += 1
            else:
                running_left_s[kept] = running_left_s[k] - step_s * speed[k]
                running_slot[kept] = running_slot[k]
                running[kept] = running[k]
                kept += 1
        rested = ended
        waiting = 0
        for j in range(rests):
            passes = not s.held[resting[j]] or s.process[resting_slot[j]] == owner
            if passes and resting_left_s[j] <= tie_s:
                moved_slot[rested] = resting_slot[j]
                moved[rested] = resting[j]
                rested += 1
            else:
                resting_left_s[waiting] = resting_left_s[j] - (step_s if passes else 0.0)
                resting_slot[waiting] = resting_slot[j]
                resting[waiting] = resting[j]
                waiting += 1
        count[0] = kept
        count[1] = waiting
        done = False
        for k in range(ended):
            if not _enter(s, row, moved_slot[k], moved[k] + 1, False):
                done = True
        for k in range(ended, rested):
            if not _enter(s, row, moved_slot[k], moved[k], True):
                done = True
        if count[0] - kept > 1:
            _order_by_batch(s, row, kept, count[0])
        if rested:
            count[2] += 1
        if done or now_s >= until_s or runs + rests == 0:
            return now_s


@njit(float64(RESIDENTS, int64, float64), cache=True)
def _advance(s, row, until_s):  # type: ignore[no-untyped-def]
    """Advance one row of state until a batch is done or `until_s` from now is reached; return how far it came."""
    running_slot = s.running_slot[row]
    running = s.running[row]
    running_left_s = s.running_left_s[row]
    resting_slot = s.resting_slot[row]
    resting = s.resting[row]
    resting_left_s = s.resting_left_s[row]
    count = s.count[row]
    speed = s.speed
    ends_s = s.ends_s
    moved_slot = s.moved_slot
    moved = s.moved
    now_s = 0.0
    while True:
        runs = count[0]
        rests = count[1]
        if runs == 1:
            speed[0] = 1.0
        elif runs > 1 and s.sharing == PARTITIONS:
            _partition_speeds(s, row)
        elif runs > 1:
            s.speeds(running, runs, s.demand, s.parameters, speed)
        step_s = until_s - now_s
        for k in range(runs):
            ends_s[k] = running_left_s[k] / speed[k]
            step_s = min(step_s, ends_s[k])
        for j in range(rests):
            step_s = min(step_s, resting_left_s[j])
        now_s += step_s

        # Take out whoever ends here, keeping the order of the others, then let it enter what comes next at the tail.
        tie_s = step_s + TIE_S
        ended = 0
        kept = 0
        for k in range(runs):
            if ends_s[k] <= tie_s:
                moved_slot[ended] = running_slot[k]
                moved[ended] = running[k]
                ended += 1
            else:
                running_left_s[kept] = running_left_s[k] - step_s * speed[k]
                if ended:
                    running_slot[kept] = running_slot[k]
                    running[kept] = running[k]
                kept += 1
        rested = ended
        waiting = 0
        for j in range(rests):
            if resting_left_s[j] <= tie_s:
                moved_slot[rested] = resting_slot[j]
                moved[rested] = resting[j]
                rested += 1
            else:
                resting_left_s[waiting] = resting_left_s[j] - step_s
                resting_slot[waiting] = resting_slot[j]
                resting[waiting] = resting[j]
                waiting += 1
        count[0] = kept
        count[1] = waiting
        done = False
        for k in range(ended):
            if not _enter(s, row, moved_slot[k], moved[k] + 1, False):
                done = True
        for k in range(ended, rested):
            if not _enter(s, row, moved_slot[k], moved[k], True):
                done = True
        if count[0] - kept > 1:
            _order_by_batch(s, row, kept, count[0])
        if rested:
            count[2] += 1
        if done or now_s >= until_s or runs + rests == 0:
            return now_s


@njit(void(RESIDENTS, int64), cache=True)
def _forget_done(s, now):  # type: ignore[no-untyped-def]
    """What an earlier trial found done is not done in the present."""
    for k in range(s.count[now, 0]):
        s.done[s.running_slot[now, k]] = False
    for j in range(s.count[now, 1]):
        s.done[s.resting_slot[now, j]] = False


@njit(float64(RESIDENTS), cache=True)
def look_ahead(s):  # type: ignore[no-untyped-def]
    """Run a trial from now to the next finish, of at least one resident, and return how far away it is."""
    now = s.present[0]
    trial = 1 - now
    _forget_done(s, now)
    for k in range(s.count[now, 0]):
        s.running_slot[trial, k] = s.running_slot[now, k]
        s.running[trial, k] = s.running[now, k]
        s.running_left_s[trial, k] = s.running_left_s[now, k]
    for j in range(s.count[now, 1]):
        s.resting_slot[trial, j] = s.resting_slot[now, j]
        s.resting[trial, j] = s.resting[now, j]
        s.resting_left_s[trial, j] = s.resting_left_s[now, j]
    for field in range(3):
        s.count[trial, field] = s.count[now, field]
    if s.sharing == TURNS:
        s.owner[trial] = s.owner[now]
        s.turn_left_s[trial] = s.turn_left_s[now]
        return _advance_in_turns(s, trial, np.inf)
    return _advance(s, trial, np.inf)


@njit(void(RESIDENTS), cache=True)
def end_turn(s):  # type: ignore[no-untyped-def]
    """Let the turn end, as it does when its process has nothing to run."""
    s.turn_left_s[s.present[0]] = _VACANT


@njit(void(RESIDENTS), cache=True)
def accept(s):  # type: ignore[no-untyped-def]
    """Make the trial the present: nothing came between."""
    s.present[0] = 1 - s.present[0]


@njit(boolean(RESIDENTS, float64), cache=True)
def advance(s, until_s):  # type: ignore[no-untyped-def]
    """Advance the present by `until_s`, at most to the next finish; return whether a batch is done (a tie)."""
    now = s.present[0]
    resident = s.count[now, 0] + s.count[now, 1]
    _forget_done(s, now)
    if s.sharing == TURNS:
        _advance_in_turns(s, now, until_s)
    else:
        _advance(s, now, until_s)
    return s.count[now, 0] + s.count[now, 1] < resident
