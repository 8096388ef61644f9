"""Batches that leave the GPU before their end, as the compiled state has it; nothing advances in here."""

from numba import njit

# Not for a signature: few runs need these, and they load them then.


@njit(cache=True)
def take_off(s, now, slot):  # type: ignore[no-untyped-def]
    """Take the batch in a slot out of row `now`, if it is there, keeping the order of the others."""
    row, slots, phases, lefts_s = s.rows[now], s.slot[now], s.phase[now], s.left_s[now]
    kept = ran = 0
    for k in range(row.residents):
        if slots[k] == slot:
            ran += k < row.running
        else:
            slots[kept], phases[kept], lefts_s[kept] = slots[k], phases[k], lefts_s[k]
            kept += 1
    row.residents = kept
    row.running -= ran


@njit(cache=True)
def preempt(s, now, slot, at_boundary, eviction):  # type: ignore[no-untyped-def]
    """Let the batch in a slot of row `now` come to its end early.

    It is evicted (a phase that every table ends with) at once, or, `at_boundary`, when the operation that it runs has
    ended. Returns the phase from which on it has not run, or -1 if it comes to its own end first.
    """
    row, batch = s.rows[now], s.batches[slot]
    at = stops = -1
    for k in range(row.residents):
        if s.slot[now, k] == slot:
            at, stops = k, s.phase[now, k]
    if at < 0:
        return -1
    if at_boundary and at < row.running:
        stops += 1
        if stops == batch.last:
            return -1
        batch.last = stops
    else:
        take_off(s, now, slot)
        batch.last = 0
        duration_s = s.phases[eviction].duration_s
        if duration_s > 0.0:
            place = row.residents  # with those that rest, which have no order
            row.residents = place + 1
            s.slot[now, place], s.phase[now, place], s.left_s[now, place] = slot, eviction, duration_s
        else:
            batch.done = 1
    batch.eviction = eviction
    return stops
