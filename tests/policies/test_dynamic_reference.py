"""The dynamic batcher against a second implementation: whole nanoseconds, no shortcuts, one look at everything a tick.

The reference follows the original closely where `isim.policies` does not: it walks the queue with a cursor, moves timed
out requests to a second queue when the cursor meets them, and looks at every model at every instant at which anything
could have changed.
"""

import random
from typing import Any, NamedTuple

import pytest

from isim.policies.dynamic import Dynamic
from isim.policies.policy import Dispatch, Drop, Reject, Request, WakeAt
from isim.policies.rehearsal import FixedProfile, Rehearsal
from isim.policies.static import Static

NS = 1e-9
FIXED_NS, PER_SAMPLE_NS = 4_000_000, 1_000_000
SIZES = (1, 2, 4, 8)

Log = list[tuple[int, str, list[int]]]
"""(nanosecond, what, request ids)"""


class Call(NamedTuple):
    """A request of the reference."""

    id: int
    model: str
    arrived_ns: int
    samples: int


class Batcher:
    """One model's queue and the forming of batches from it."""

    def __init__(self, most: int, delay_ns: int, preferred: set[int], timeout_ns: int, put_last: bool) -> None:
        self.most = most
        self.delay_ns = delay_ns
        self.preferred = preferred
        self.timeout_ns = timeout_ns
        self.put_last = put_last
        self.queue: list[Call] = []
        self.delayed: list[Call] = []
        self.dropped: list[Call] = []

    def at(self, cursor: int, now_ns: int) -> Call | None:
        """Return the request at the cursor, after dealing with those there that have timed out."""
        while cursor < len(self.queue) and self.timeout_ns and now_ns > self.queue[cursor].arrived_ns + self.timeout_ns:
            (self.delayed if self.put_last else self.dropped).append(self.queue.pop(cursor))
        waiting = self.queue + self.delayed
        return waiting[cursor] if cursor < len(waiting) else None

    def form(self, now_ns: int) -> list[Call]:
        """Return the batch that is ready, or nothing; it stays in the queue."""
        cursor = pending = mark = 0
        send = False
        while (call := self.at(cursor, now_ns)) is not None:
            if cursor:
                if pending + call.samples > max(self.preferred) and mark == 0:
                    mark = cursor
                if pending + call.samples > self.most:
                    send = True
                    break
            pending += call.samples
            cursor += 1
            if pending in self.preferred:
                mark = cursor
        batch = (self.queue + self.delayed)[:cursor]
        if not batch:
            return []
        exceeded = self.delay_ns != 0 and now_ns - min(call.arrived_ns for call in batch) >= self.delay_ns
        if mark and not exceeded:
            return batch[:mark]
        if send or pending >= max(self.preferred) or exceeded or self.delay_ns == 0:
            return batch
        return []

    def take(self, batch: list[Call]) -> None:
        self.queue = [call for call in self.queue if call not in batch]
        self.delayed = [call for call in self.delayed if call not in batch]


def reference(calls: list[Call], slots: int, limit: int | None, **settings: Any) -> Log:
    """Return what happens."""
    batchers = {call.model: Batcher(**settings) for call in calls}
    log: Log = []
    finishes: list[int] = []
    arrivals = sorted(calls, key=lambda call: (call.arrived_ns, call.id))
    waits = (settings["delay_ns"], settings["timeout_ns"] + 1)
    ticks = {call.arrived_ns + wait for call in calls for wait in waits}
    free = slots

    def look(now_ns: int) -> None:
        nonlocal free
        if not free:
            return
        for batcher in batchers.values():
            batcher.at(0, now_ns)
            if batcher.dropped:
                log.append((now_ns, "drop", [call.id for call in batcher.dropped]))
                batcher.dropped.clear()
        while free:
            formed = [(batcher.form(now_ns), batcher) for batcher in batchers.values()]
            ready = [(batch[0].arrived_ns, batch[0].id, batch, batcher) for batch, batcher in formed if batch]
            if not ready:
                return
            _, _, batch, batcher = min(ready)
            batcher.take(batch)
            samples = sum(call.samples for call in batch)
            log.append((now_ns, "dispatch", [call.id for call in batch]))
            free -= 1
            finishes.append(now_ns + FIXED_NS + PER_SAMPLE_NS * next(size for size in SIZES if size >= samples))

    while arrivals or finishes or ticks:
        now_ns = min([call.arrived_ns for call in arrivals[:1]] + finishes + list(ticks))
        if now_ns in finishes:
            finishes.remove(now_ns)
            free += 1
        elif arrivals and arrivals[0].arrived_ns == now_ns:
            call = arrivals.pop(0)
            batcher = batchers[call.model]
            full = limit is not None and len(batcher.queue) + len(batcher.delayed) >= limit
            if full or call.samples > batcher.most:
                log.append((now_ns, "reject", [call.id]))
            else:
                batcher.queue.append(call)
        else:
            ticks.remove(now_ns)
        look(now_ns)
    return log


def draw_calls(luck: random.Random) -> list[Call]:
    """Draw arrivals on a coarse grid, so that they often coincide with finishes, delays and timeouts."""
    grid_ns = luck.choice([500_000, 1_000_000, 1])
    mean_ns = luck.choice([1_000_000, 3_000_000, 8_000_000])
    models, most_samples = luck.randint(1, 3), luck.choice([1, 1, 3])
    time_ns, calls = 0, []
    for number in range(60):
        time_ns += round(luck.expovariate(1 / mean_ns) / grid_ns) * grid_ns
        calls.append(Call(number, f"m{luck.randrange(models)}", time_ns, luck.randint(1, most_samples)))
    return calls


def in_any_order_of_drops(log: Log) -> Log:
    """Write one entry for each dropped request, by id within an instant: models drop theirs independently."""
    one_each = [(ns, what, [number]) for ns, what, ids in log for number in ids if what == "drop"]
    others = [entry for entry in log if entry[1] != "drop"]
    return sorted(one_each) + others


def happened(policy: Dynamic, calls: list[Call], slots: int) -> Log:
    requests = [Request(call.id, call.model, call.arrived_ns / 1e9, 1e9, 0, call.samples, 1.0) for call in calls]
    rehearsal = Rehearsal(policy, requests, slots, FixedProfile(SIZES, FIXED_NS * NS, PER_SAMPLE_NS * NS)).run()
    names = {Dispatch: "dispatch", Reject: "reject", Drop: "drop"}
    return [
        (round(time_s / NS), names[type(decision)], [request.request_id for request in decision.requests])
        for time_s, decision in rehearsal.log
        if not isinstance(decision, WakeAt)
    ]


def test_reference_waits_rejects_and_drops() -> None:
    """The reference itself does what it is there for; otherwise two silent implementations would agree."""
    calls = [Call(0, "m", 0, 1), Call(1, "m", 1_000_000, 1), Call(2, "m", 2_000_000, 1), Call(3, "m", 20_000_000, 1)]
    settings: dict[str, Any] = {"most": 8, "preferred": {8}, "put_last": False}
    assert reference(calls, 1, 1, delay_ns=5_000_000, timeout_ns=3_000_000, **settings) == [
        (1_000_000, "reject", [1]),
        (2_000_000, "reject", [2]),
        (3_000_001, "drop", [0]),
        (23_000_001, "drop", [3]),
    ]
    assert reference(calls, 1, None, delay_ns=5_000_000, timeout_ns=0, **settings) == [
        (5_000_000, "dispatch", [0, 1, 2]),
        (25_000_000, "dispatch", [3]),
    ]


@pytest.mark.parametrize("seed", range(150))
def test_same_decisions_as_the_reference(seed: int) -> None:
    luck = random.Random(seed)
    calls, slots = draw_calls(luck), luck.randint(1, 3)
    most = luck.choice([2, 4, 8])
    preferred = tuple(sorted(luck.sample(range(1, most + 1), luck.randint(0, 2))))
    delay_ns = luck.choice([0, 2_000_000, 5_000_000, 20_000_000])
    timeout_ns = luck.choice([0, 0, 1_500_000, 5_000_000, 12_000_000])
    limit = luck.choice([None, None, 1, 4])
    put_last = luck.random() < 0.5
    policy = Dynamic(
        max_batch=most,
        max_queue_delay_s=delay_ns * NS,
        preferred_batch_sizes=preferred,
        max_queue_size=limit,
        timeout_s=timeout_ns * NS or None,
        timeout_action="delay" if put_last else "reject",
    )
    expected = reference(
        calls,
        slots,
        limit,
        most=most,
        preferred=set(preferred) or {most},
        delay_ns=delay_ns,
        timeout_ns=timeout_ns,
        put_last=put_last,
    )
    assert in_any_order_of_drops(happened(policy, calls, slots)) == in_any_order_of_drops(expected)


@pytest.mark.parametrize("seed", range(20))
def test_static_is_one_preferred_size(seed: int) -> None:
    luck = random.Random(seed)
    calls, slots = draw_calls(luck), luck.randint(1, 3)
    settings = {"most": 4, "preferred": {4}, "delay_ns": 30_000_000, "timeout_ns": 0, "put_last": False}
    assert happened(Static(4, max_delay_s=0.03), calls, slots) == reference(calls, slots, None, **settings)
