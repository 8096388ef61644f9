"""A second, deliberately slow simulation of co-located batches, written from the documentation of the models alone.

It uses exact fractions of nanoseconds, so that it has no rounding and no tolerance: what coincides, coincides.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count

Demand = dict[str, Fraction]
"""Resource -> share of its peak; a copy holds only "h2d" or "d2h"."""


@dataclass
class Op:
    gap: Fraction
    work: Fraction
    demand: Demand


@dataclass
class Running:
    batch: int
    ops: list[Op]
    process: int = 0
    position: int = 0
    gap_left: Fraction = Fraction(0)
    work_left: Fraction = Fraction(0)
    started: tuple[Fraction, int] | None = None  # when its kernel started, batch id
    dispatched: Fraction = Fraction(0)
    number: int = 0  # of the attempt: for ties
    stops: bool | None = None  # being preempted; whether what was done is kept
    evicted: bool = False  # and nothing of it runs any more
    held: bool = False  # its kernel waits for the gate
    ended: Op | None = None  # the last that did


def speeds_none(kernels: list[Demand]) -> list[Fraction]:
    return [Fraction(1)] * len(kernels)


def speeds_constant(slowdown: Fraction) -> Callable[[list[Demand]], list[Fraction]]:
    return lambda kernels: [1 / slowdown if len(kernels) > 1 else Fraction(1)] * len(kernels)


def speeds_fair(kernels: list[Demand]) -> list[Fraction]:
    resources = {name for demand in kernels for name in demand}
    total = max((sum((d.get(r, Fraction(0)) for d in kernels), Fraction(0)) for r in resources), default=Fraction(0))
    return [1 / max(Fraction(1), total)] * len(kernels)


def speeds_roofline(kernels: list[Demand]) -> list[Fraction]:
    speeds = [Fraction(1)] * len(kernels)
    for resource in {name for demand in kernels for name in demand}:
        asks = sorted((demand.get(resource, Fraction(0)), i) for i, demand in enumerate(kernels))
        left, takers = Fraction(1), len(asks)
        for ask, i in asks:  # the textbook way: serve the most modest first
            grant = min(ask, left / takers)
            left -= grant
            takers -= 1
            if ask > 0:
                speeds[i] = min(speeds[i], grant / ask)
    return speeds


def speeds_leftover(kappa: Fraction, beta: Fraction) -> Callable[[list[Demand]], list[Fraction]]:
    def speeds(kernels: list[Demand]) -> list[Fraction]:
        u = [max((d[r] for r in d if r not in ("h2d", "d2h")), default=Fraction(0)) for d in kernels]
        result = []
        for i, demand in enumerate(kernels):
            link = next((r for r in demand if r in ("h2d", "d2h")), None)
            if link is not None:
                result.append(1 / max(Fraction(1), sum(d.get(link, Fraction(0)) for d in kernels)))
                continue
            older, newer = sum(u[:i], Fraction(0)), sum(u[i + 1 :], Fraction(0))
            result.append(max(Fraction(1, 50), 1 - kappa * older - beta * min(Fraction(1), newer)))
        return result

    return speeds


def speeds_block_scheduler(
    kappa: Fraction, hold: Fraction, crowding: Fraction
) -> Callable[[list[Demand]], list[Fraction]]:
    """Every kernel can fill the GPU: the demands do not say how much of it."""

    def speeds(kernels: list[Demand]) -> list[Fraction]:
        links = ("h2d", "d2h")
        copies = [any(r in d for r in links) for d in kernels]
        held, granted = Fraction(0), []
        for d, copy in zip(kernels, copies, strict=True):
            alone = copy or held == 0  # nothing older fills the GPU
            granted.append(Fraction(1) if alone else max(Fraction(1, 50), 1 - kappa * held))
            held += 0 if copy else max(hold, max(d.values(), default=Fraction(0)))
        asks = [{r: u * g for r, u in d.items()} for d, g in zip(kernels, granted, strict=True)]
        busy = [0 if copy else max(d.values(), default=Fraction(0)) for d, copy in zip(asks, copies, strict=True)]
        result = []
        for i, (own, g) in enumerate(zip(asks, granted, strict=True)):
            slowdown = Fraction(1) if copies[i] else 1 + crowding * (sum(busy) - busy[i])
            for r, a in own.items():
                others = sum((d.get(r, Fraction(0)) for j, d in enumerate(asks) if j != i), Fraction(0))
                if a > 0 and r != "tensor":
                    slowdown = max(slowdown, 1 + a * others if r in ("l2", "dram") else a + others)
            result.append(g / slowdown)
        return result

    return speeds


@dataclass
class World:
    """FCFS, one request a batch, a number of slots: when does each request begin (at last), and when does it finish?"""

    slots: int
    speeds: Callable[[list[Demand]], list[Fraction]]
    arrivals: Sequence[tuple[Fraction, list[Op]]]
    process: Sequence[int] = ()
    """Of each batch, in order of arrival; all of one process if left out."""
    quantum: Fraction | None = None
    """Processes take turns of this length."""
    shares: Sequence[Fraction] = ()
    """Of the SMs, by process, where each is held to a part."""
    preempt: Sequence[tuple[Fraction, str, bool]] = ()
    """When the resident dispatched first, of those not preempted yet, is: how, and whether progress is kept."""
    gate: Callable[["Running", list["Running"], list["Running"]], bool] | None = None
    """Whether the kernel of a batch that is not urgent may start beside those running and urgent ones that rest."""
    urgent: Sequence[bool] = ()
    launch: Fraction = Fraction(0)
    """How much longer a kernel takes that the gate let wait."""
    price: Fraction = Fraction(0)
    """How long what is preempted holds its slot."""
    numbers: Iterator[int] = field(default_factory=count)
    kept: dict[int, int] = field(default_factory=dict)
    """By request, how many operations are done."""
    owner: int = -1
    turn_left: Fraction = Fraction(0)
    vacant: bool = True
    residents: list[Running] = field(default_factory=list)
    finish: dict[int, Fraction] = field(default_factory=dict)
    dispatch: dict[int, Fraction] = field(default_factory=dict)

    def run(self) -> None:
        now, queue, upcoming = Fraction(0), [], list(enumerate(self.arrivals))
        interrupts = sorted(self.preempt)
        while upcoming or queue or self.residents:
            while queue and len(self.residents) < self.slots:
                self._begin(*queue.pop(0), now)
            while interrupts and interrupts[0][0] <= now:
                time, mode, keep = interrupts.pop(0)
                if time == now:
                    self._interrupt(mode, keep)
            if self._put_back(queue):
                continue
            self._admit(now)
            kernels = self._running()
            waits = self._next_turn() if self.quantum is not None else False
            speed = self._speeds(kernels)
            passing = [
                r
                for r in self.residents
                if (self.quantum is None or r.process == self.owner or (not r.started and not self._held(r)))
                and not r.held
            ]
            steps = [r.work_left / speed[r.batch] if r.started else r.gap_left for r in passing]
            if waits and self.turn_left > 0:
                steps.append(self.turn_left)
            if upcoming:
                steps.append(upcoming[0][1][0] - now)
            if interrupts:
                steps.append(interrupts[0][0] - now)
            if not steps:
                break
            step = min(steps)
            now += step
            self.turn_left = max(Fraction(0), self.turn_left - step)
            for r in passing:
                if r.started:
                    r.work_left -= step * speed[r.batch]
                else:
                    r.gap_left -= step
            for r in sorted(passing, key=lambda r: r.batch):
                if r.evicted:
                    continue
                if r.started and r.work_left == 0 and r.stops is not None and self._more(r):
                    self._evict(r, done=r.position + 1)
                elif r.started and r.work_left == 0:
                    r.ended = r.ops[r.position]
                    r.position += 1
                    r.started = None
                    self._enter(r, now)
                elif not r.started and r.gap_left == 0:
                    self._start(r, now)
            self._put_back(queue)
            for r in [r for r in self.residents if r.position == len(r.ops)]:
                self.residents.remove(r)
                self.finish[r.batch] = now
            while upcoming and upcoming[0][1][0] == now:
                number, (_, ops) = upcoming.pop(0)
                queue.append((number, ops))

    def _running(self) -> list[Running]:
        """Those with a kernel that runs, in the order that counts."""
        return sorted((r for r in self.residents if r.started), key=lambda r: (self._low(r), r.started))

    def _low(self, r: Running) -> bool:
        return self.gate is not None and not self.urgent[r.batch]

    def _admit(self, now: Fraction) -> None:
        for r in sorted((r for r in self.residents if r.held), key=lambda r: r.number):
            running = self._running()
            resting = [o for o in self.residents if not (o.started or o.evicted or self._low(o))]
            if not (running or resting) or self.gate(r, running, resting):
                r.held, r.started = False, (now, r.number)
            elif r.work_left == r.ops[r.position].work:
                r.work_left += self.launch

    def _put_back(self, queue: list[tuple[int, list[Op]]]) -> bool:
        """Let wait again what was evicted; return whether anything was."""
        gone = [r for r in self.residents if r.evicted and r.gap_left == 0]
        for r in gone:
            self.residents.remove(r)
            queue.append((r.batch, r.ops))
        queue.sort(key=lambda waiting: waiting[0])  # requests are numbered in order of arrival
        return bool(gone)

    def _interrupt(self, mode: str, keep: bool) -> None:
        r = next((r for r in self.residents if r.stops is None), None)
        if r is None or (mode == "kernel" and r.started and not self._more(r)):
            return
        r.stops = keep
        if mode == "reset" or not r.started:
            self._evict(r, done=r.position)

    def _evict(self, r: Running, done: int) -> None:
        r.evicted, r.started, r.held, r.gap_left = True, None, False, self.price
        if r.stops:
            self.kept[r.batch] = done
        else:
            self.kept.pop(r.batch, None)

    def _more(self, r: Running) -> bool:
        """Whether anything comes after the operation that runs."""
        return any(op.gap + op.work > 0 for op in r.ops[r.position + 1 :])

    def _held(self, r: Running) -> bool:
        """A gap of at most a quarter of its batch."""
        if r.evicted:
            return False
        return r.ops[r.position].gap <= sum((op.gap + op.work for op in r.ops), Fraction(0)) / 4

    def _next_turn(self) -> bool:
        """Pass the turn on if it is over; return whether another process waits for it."""
        ready = {r.process for r in self.residents if r.started or self._held(r)}
        self.vacant = self.vacant or self.owner not in ready
        if ready and (self.vacant or (self.turn_left == 0 and ready != {self.owner})):
            self.owner = min((p for p in ready if p > self.owner), default=min(ready))
            self.turn_left, self.vacant = self.quantum, False
        return bool(ready - {self.owner})

    def _speeds(self, kernels: list[Running]) -> dict[int, Fraction]:
        def among(some: list[Running]) -> dict[int, Fraction]:
            return dict(
                zip([r.batch for r in some], self.speeds([r.ops[r.position].demand for r in some]), strict=True)
            )

        processes = {r.process for r in kernels}
        if self.quantum is not None:
            return among([r for r in kernels if r.process == self.owner])
        if not self.shares or sum(self.shares[process] for process in processes) > 1:
            return among(kernels)
        result = {}
        for process in processes:  # as if its own kernels had started before all others
            own = [r for r in kernels if r.process == process]
            speed = among(own + [r for r in kernels if r.process != process])
            result |= {r.batch: speed[r.batch] for r in own}
        return result

    def _begin(self, number: int, ops: list[Op], now: Fraction) -> None:
        self.dispatch[number] = now
        done = self.kept.pop(number, 0)
        process = self.process[number] if self.process else 0
        resident = Running(number, ops, process, done, dispatched=now, number=next(self.numbers))
        self.residents.append(resident)
        self._enter(resident, now)

    def _enter(self, r: Running, now: Fraction) -> None:
        while r.position < len(r.ops):
            r.gap_left = r.ops[r.position].gap
            if r.gap_left > 0:
                return
            self._start(r, now)
            if r.started or r.held:
                return

    def _asked(self, r: Running) -> bool:
        """Whether a kernel, not a copy, of a batch that is not urgent."""
        op = r.ops[r.position]
        return self._low(r) and op.work > 0 and not any(link in op.demand for link in ("h2d", "d2h"))

    def _start(self, r: Running, now: Fraction) -> None:
        if r.ops[r.position].work == 0:
            r.position += 1
            self._enter(r, now)
            return
        r.work_left = r.ops[r.position].work
        if self._asked(r):
            r.held = True
            return
        r.started = (now, r.number)
