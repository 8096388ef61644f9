"""The compiled inner loop: advance every resident batch of one GPU, phase by phase. It allocates nothing.

A batch is a series of phases. In some it rests (a gap: it holds nothing and is never slowed), in the others it runs (an
operation: it does work at the speed that the contention model grants). Two rows of state are kept: the present, which
has happened, and a trial, which runs ahead to the next finish. When nothing comes between, the trial becomes the
present; otherwise the present is advanced to the moment of the change and a new trial starts from there: each kernel
boundary is computed at most twice.

Times in here are relative to the present, so that rounding does not grow with the clock.
"""

import numpy as np
from numba import boolean, float64, int64, njit

from isim.engine.residents import RESIDENTS, VACANT

STREAMS, TURNS, PARTITIONS = 0, 1, 2
"""How residents share the GPU: side by side, process after process, or each process on its own part of the SMs."""
TIE_S = 1e-12
"""Boundaries closer than this happen together: a thousandth of the profile's resolution, far above rounding."""

# What Python calls is compiled for a signature and cached with all its parts in it: loading one function is fast, and
# the cache, which looks at the date of this file, holds no old part.
# Numba counts references to an array whenever it is read from the bound state, and in a part that can raise or hands it
# on under a condition; that takes longer than a kernel boundary. So `_advance` reads every array once and alone calls
# the contention model.
# A process that waits has speed 0, and its phases end at infinity: numpy's error model divides by 0.
part = njit(error_model="numpy", forceinline=True)


@part
def _enter(row, slots, phases, lefts_s, table, slot, phase, scale):  # type: ignore[no-untyped-def]
    """Let a batch begin a phase."""
    place = row.residents
    row.residents = place + 1
    if table[phase].runs:
        # Behind those that run. Whoever stood there rests and moves to the end: those that rest have no order.
        end, place = place, row.running
        row.running = place + 1
        slots[end], phases[end], lefts_s[end] = slots[place], phases[place], lefts_s[place]
    slots[place], phases[place], lefts_s[place] = slot, phase, table[phase].duration_s * scale


@part
def _order_by_batch(slots, phases, lefts_s, batches, first, last):  # type: ignore[no-untyped-def]
    """Sort kernels that started together by batch id; there are few."""
    for place in range(first + 1, last):
        slot, phase, left_s = slots[place], phases[place], lefts_s[place]
        while place > first and batches[slots[place - 1]].batch_id > batches[slot].batch_id:
            before = place - 1
            slots[place], phases[place], lefts_s[place] = slots[before], phases[before], lefts_s[before]
            place = before
        slots[place], phases[place], lefts_s[place] = slot, phase, left_s


@part
def _fit(slots, runs, batches):  # type: ignore[no-untyped-def]
    """Say whether the parts of the SMs of the processes that run fit beside each other."""
    total = 0.0
    for k in range(runs):
        first = True
        for j in range(k):
            if batches[slots[j]].process == batches[slots[k]].process:
                first = False
        if first:
            total += batches[slots[k]].share
    return total <= 1.0 + 1e-9


@part
def _next_owner(row, slots, phases, table, batches, quantum_s):  # type: ignore[no-untyped-def]
    """Let the next process have its turn if that of the owner is over; return whether others wait for theirs.

    A process has something to run if an operation of it runs, or it is in a gap through which it keeps its turn.
    """
    lowest = following = -1  # the first process with something to run, and the first after the owner
    own = others = False
    for k in range(row.residents):
        if k >= row.running and not table[phases[k]].held:
            continue
        process = batches[slots[k]].process
        if process == row.owner:
            own = True
        else:
            others = True
        if lowest < 0 or process < lowest:
            lowest = process
        if process > row.owner and (following < 0 or process < following):
            following = process
    if not own:
        row.turn_left_s = VACANT
    if (own or others) and (row.turn_left_s < 0.0 or (row.turn_left_s == 0.0 and others)):
        row.owner = following if following >= 0 else lowest
        row.turn_left_s = quantum_s
    return others


@part
def _take_turn(row, slots, phases, table, batches, quantum_s, speed):  # type: ignore[no-untyped-def]
    """Find whose turn it is and let stand still whatever must wait for its own; return how long the turn lasts."""
    others = _next_owner(row, slots, phases, table, batches, quantum_s)
    for k in range(row.residents):
        if batches[slots[k]].process != row.owner and (k < row.running or table[phases[k]].held):
            speed[k] = 0.0
    return row.turn_left_s if others and row.turn_left_s > 0.0 else np.inf


@part
def _question(row, slots, phases, batches, sharing, of, asked):  # type: ignore[no-untyped-def]
    """List the operations that the one at place `of` runs with, in the order that counts; return how many.

    In turns these are those of the turn's process. Within parts of the SMs none waits for the SMs of another process:
    an operation is asked for as if those of its own process had started before all others.
    """
    process = row.owner if sharing == TURNS else batches[slots[of]].process
    count = 0
    for k in range(row.running):
        if sharing == STREAMS or batches[slots[k]].process == process:
            asked[count] = phases[k]
            count += 1
    if sharing == PARTITIONS:
        for k in range(row.running):
            if batches[slots[k]].process != process:
                asked[count] = phases[k]
                count += 1
    return count


@part
def _answer(row, slots, batches, sharing, of, granted, speed):  # type: ignore[no-untyped-def]
    """Set the speeds that were asked for: within parts of the SMs of one operation, else of all."""
    process = row.owner if sharing == TURNS else batches[slots[of]].process
    count = 0
    for k in range(row.running):
        if sharing == STREAMS or batches[slots[k]].process == process:
            if sharing != PARTITIONS or k == of:
                speed[k] = granted[count]
            count += 1


@part
def pass_time(row, slots, phases, lefts_s, speed, ends_s, moved_slot, moved, step_s):  # type: ignore[no-untyped-def]
    """Let time pass and take out whoever ends a phase, keeping the order of the others; return how many did."""
    tie_s = step_s + TIE_S
    kept = ended = ran = 0
    for k in range(row.residents):
        if ends_s[k] <= tie_s:
            moved_slot[ended] = slots[k]
            moved[ended] = phases[k]
            ended += 1
            ran += k < row.running
        else:
            slots[kept] = slots[k]
            phases[kept] = phases[k]
            lefts_s[kept] = lefts_s[k] - step_s * speed[k]
            kept += 1
    row.residents = kept
    row.running -= ran
    if row.turn_left_s > 0.0:
        left_s = row.turn_left_s - step_s
        row.turn_left_s = left_s if left_s > TIE_S else 0.0
    return ended


@part
def enter_next(row, slots, phases, lefts_s, table, batches, moved_slot, moved, ended):  # type: ignore[no-untyped-def]
    """Let those that ended a phase begin their next; return whether a batch is done."""
    first = row.running
    done = False
    for k in range(ended):
        slot, phase = moved_slot[k], moved[k] + 1
        if phase < batches[slot].last:
            _enter(row, slots, phases, lefts_s, table, slot, phase, batches[slot].scale)
        elif phase == batches[slot].last and batches[slot].eviction and table[batches[slot].eviction].duration_s > 0.0:
            _enter(row, slots, phases, lefts_s, table, slot, batches[slot].eviction, 1.0)
        else:
            batches[slot].done = 1
            done = True
    _order_by_batch(slots, phases, lefts_s, batches, first, row.running)
    return done


@part
def _advance(s, at, until_s):  # type: ignore[no-untyped-def]
    """Advance a row of state until a batch is done or `until_s` from now is reached; return how far it came."""
    row, slots, phases, lefts_s = s.rows[at], s.slot[at], s.phase[at], s.left_s[at]
    table, batches, speed, ends_s, moved_slot, moved = s.phases, s.batches, s.speed, s.ends_s, s.moved_slot, s.moved
    mode, quantum_s, speeds, demand, parameters = s.sharing, s.quantum_s, s.speeds, s.demand, s.parameters
    now_s = 0.0
    done = False
    while row.residents and now_s < until_s and not done:
        for k in range(row.residents):
            speed[k] = 1.0
        step_s = until_s - now_s
        sharing = mode
        if mode == TURNS:
            step_s = min(step_s, _take_turn(row, slots, phases, table, batches, quantum_s, speed))
        elif mode == PARTITIONS and not _fit(slots, row.running, batches):
            sharing = STREAMS
        if row.running > 1:
            for of in range(row.running if sharing == PARTITIONS else 1):
                count = _question(row, slots, phases, batches, sharing, of, moved)
                if count > 1:
                    speeds(moved, count, demand, parameters, ends_s)
                    _answer(row, slots, batches, sharing, of, ends_s, speed)
        for k in range(row.residents):
            ends_s[k] = lefts_s[k] / speed[k]
            step_s = min(step_s, ends_s[k])
        now_s += step_s
        ended = pass_time(row, slots, phases, lefts_s, speed, ends_s, moved_slot, moved, step_s)
        done = enter_next(row, slots, phases, lefts_s, table, batches, moved_slot, moved, ended)
        row.boundaries += ended > 0
    return now_s


@part
def forget_done(slots, residents, batches):  # type: ignore[no-untyped-def]
    """What an earlier trial found done is not done in the present."""
    for k in range(residents):
        batches[slots[k]].done = 0


@njit(float64(RESIDENTS, int64), cache=True, error_model="numpy")
def look_ahead(s, now):  # type: ignore[no-untyped-def]
    """Run a trial from row `now`, in the other, to the next finish, of at least one resident; return how far it is."""
    trial = 1 - now
    s.rows[trial] = s.rows[now]
    for k in range(s.rows[now].residents):
        s.slot[trial, k] = s.slot[now, k]
        s.phase[trial, k] = s.phase[now, k]
        s.left_s[trial, k] = s.left_s[now, k]
    forget_done(s.slot[now], s.rows[now].residents, s.batches)
    return _advance(s, trial, np.inf)


@njit(
    boolean(RESIDENTS, int64, float64, int64, int64, int64, int64, float64, int64, float64),
    cache=True,
    error_model="numpy",
)
def add(s, now, step_s, slot, first, last, batch_id, scale, process, share):  # type: ignore[no-untyped-def]
    """Advance row `now` by `step_s`, at most to the next finish, and let a batch of a process take a slot then.

    Returns whether another batch is done at that moment (a tie).
    """
    row = s.rows[now]
    residents = row.residents
    if residents == 0 and step_s > 0.0:
        row.turn_left_s = VACANT  # time has passed in which no process had anything to run
    forget_done(s.slot[now], residents, s.batches)
    _advance(s, now, step_s)
    tie = row.residents < residents
    batch = s.batches[slot]
    batch.last = last
    batch.batch_id = batch_id
    batch.scale = scale
    batch.process = process
    batch.share = share
    batch.done = 0
    batch.eviction = 0
    _enter(row, s.slot[now], s.phase[now], s.left_s[now], s.phases, slot, first, scale)
    return tie


@njit(cache=True, error_model="numpy")  # not for a signature: few runs need it, and they load it then
def advance(s, now, step_s):  # type: ignore[no-untyped-def]
    """Advance row `now` by `step_s`, at most to the next finish; return whether any batch is done by then."""
    row = s.rows[now]
    residents = row.residents
    forget_done(s.slot[now], residents, s.batches)
    _advance(s, now, step_s)
    return row.residents < residents
