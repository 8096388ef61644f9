"""The compiled inner loop where a gate holds kernels of batches that are not urgent; it knows streams only.

A held kernel stands among those that rest, with all of its work left and speed 0, until the gate lets it start. One
that had to wait is launched only then, so that it takes longer by a launch. Kernels of urgent batches come first, as on
a stream of high priority: the contention model takes them as the older ones.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from isim.engine import kernel_loop
from isim.engine.kernel_loop import TIE_S, enter_next, forget_done, part, pass_time


@part
def _urgent_first(slots, phases, lefts_s, running, low):  # type: ignore[no-untyped-def]
    """Let running kernels of urgent batches stand before the others, each in the order of their starts."""
    for place in range(1, running):
        slot, phase, left_s = slots[place], phases[place], lefts_s[place]
        while phase < low and place > 0 and phases[place - 1] >= low:
            before = place - 1
            slots[place], phases[place], lefts_s[place] = slots[before], phases[before], lefts_s[before]
            place = before
        slots[place], phases[place], lefts_s[place] = slot, phase, left_s


@part
def _next_held(row, slots, phases, table, batches, after):  # type: ignore[no-untyped-def]
    """Return the place of the held kernel whose batch comes next after a batch id; -1 if there is none."""
    found = -1
    for k in range(row.running, row.residents):
        batch_id = batches[slots[k]].batch_id
        if table[phases[k]].asked and batch_id > after and (found < 0 or batch_id < batches[slots[found]].batch_id):
            found = k
    return found


@part
def _beside(row, phases, lefts_s, low, asked, lefts):  # type: ignore[no-untyped-def]
    """List what a held kernel would start beside: who runs, then urgent batches that rest; return how many."""
    count = row.running
    for k in range(row.residents):
        if k < row.running:
            asked[k], lefts[k] = phases[k], lefts_s[k]
        elif phases[k] < low:
            asked[count] = phases[k]
            count += 1
    return count


@part
def _let_start(row, slots, phases, lefts_s, place):  # type: ignore[no-untyped-def]
    """Let a held kernel run, behind those that do."""
    slot, phase, left_s, end = slots[place], phases[place], lefts_s[place], row.running
    slots[place], phases[place], lefts_s[place] = slots[end], phases[end], lefts_s[end]
    slots[end], phases[end], lefts_s[end] = slot, phase, left_s
    row.running = end + 1


@part
def _advance(s, at, until_s):  # type: ignore[no-untyped-def]
    """Advance a row of state until a batch is done or `until_s` from now is reached; return how far it came."""
    row, slots, phases, lefts_s = s.rows[at], s.slot[at], s.phase[at], s.left_s[at]
    table, batches, speed, ends_s, moved_slot, moved = s.phases, s.batches, s.speed, s.ends_s, s.moved_slot, s.moved
    speeds, demand, parameters = s.speeds, s.demand, s.parameters
    low, may_start, traits, rule, launch_s = s.low, s.may_start, s.traits, s.rule, s.launch_s
    now_s = 0.0
    done = False
    while row.residents and now_s < until_s and not done:
        _urgent_first(slots, phases, lefts_s, row.running, low)
        # What rounding leaves before a change is no time: what may start then is asked about after the change.
        held = _next_held(row, slots, phases, table, batches, -1) if until_s - now_s > TIE_S else -1
        while held >= 0:
            after = batches[slots[held]].batch_id
            count = _beside(row, phases, lefts_s, low, moved, ends_s)
            if count == 0 or may_start(phases[held], moved, ends_s, row.running, count, low, traits, rule):
                _let_start(row, slots, phases, lefts_s, held)
            elif lefts_s[held] == table[phases[held]].duration_s * batches[slots[held]].scale:
                lefts_s[held] += launch_s  # once: now it is more than its work
            held = _next_held(row, slots, phases, table, batches, after)
        for k in range(row.residents):
            speed[k] = 1.0 if k < row.running or not table[phases[k]].asked else 0.0
        if row.running > 1:
            speeds(phases, row.running, demand, parameters, ends_s)
            for k in range(row.running):
                speed[k] = ends_s[k]
        step_s = until_s - now_s
        for k in range(row.residents):
            ends_s[k] = lefts_s[k] / speed[k]
            step_s = min(step_s, ends_s[k])
        now_s += step_s
        ended = pass_time(row, slots, phases, lefts_s, speed, ends_s, moved_slot, moved, step_s)
        done = enter_next(row, slots, phases, lefts_s, table, batches, moved_slot, moved, ended)
        row.boundaries += ended > 0
    return now_s


def _compiled(date: int) -> Any:
    """Compile what Python calls; it is cached by the date of this file, and by `date`, of the parts from elsewhere."""

    @njit(cache=True, error_model="numpy")
    def look_ahead(s, now):  # type: ignore[no-untyped-def]
        date  # noqa: B018
        trial = 1 - now
        s.rows[trial] = s.rows[now]
        for k in range(s.rows[now].residents):
            s.slot[trial, k] = s.slot[now, k]
            s.phase[trial, k] = s.phase[now, k]
            s.left_s[trial, k] = s.left_s[now, k]
        forget_done(s.slot[now], s.rows[now].residents, s.batches)
        return _advance(s, trial, np.inf)

    @njit(cache=True, error_model="numpy")
    def advance(s, now, step_s):  # type: ignore[no-untyped-def]
        date  # noqa: B018
        row = s.rows[now]
        residents = row.residents
        forget_done(s.slot[now], residents, s.batches)
        _advance(s, now, step_s)
        return row.residents < residents

    return look_ahead, advance


look_ahead, advance = _compiled(Path(kernel_loop.__file__).stat().st_mtime_ns)
"""As those of `isim.engine.kernel_loop`."""
