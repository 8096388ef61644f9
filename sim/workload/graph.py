"""Requests that cause others: the steps of a pipeline, or of any graph without cycles."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from isim.clock import snap_s
from isim.errors import TraceError
from isim.policies.policy import Request
from isim.workload.contract import Workload, deadline_s


class Step(NamedTuple):
    """A request that follows others."""

    model: str
    """Its name in the graph, too: a model stands for one step."""
    after: tuple[str, ...]
    """The models whose requests must have ended before."""
    delay_s: float = 0.0
    """From the last of these ends to its arrival."""
    samples: int = 1


class Graph:
    """Let every request of a source be the root of a graph: a step arrives once all it waits for has ended.

    A step that waits for several models arrives at the last of their ends. It waits only for those that the root at
    hand leads to, so that several models may be roots of one graph. A request that is refused has ended, too.

    Parameters
    ----------
    roots
        The source; it must not react to the run itself.
    steps
        In any order.
    slo_s
        SLO of each step by model, from its own arrival; the key "*" stands for every other model.

    Raises
    ------
    TraceError
        The steps are no graph without cycles that starts at the models of the source; all problems at once.

    Examples
    --------
    >>> from isim.traces.trace import Trace
    >>> from isim.workload.replay import Replay
    >>> frames = Replay(Trace.from_columns(arrival_ns=[0], model="detect"))
    >>> graph = Graph(frames, [Step("classify", ("detect",), delay_s=0.001)])
    >>> (frame,) = graph.open()
    >>> [(step.model, step.arrived_s) for step in graph.follow_up(frame, now_s=0.004)]
    [('classify', 0.005)]
    """

    reacts = True

    def __init__(self, roots: Workload, steps: Sequence[Step], slo_s: Mapping[str, float] | None = None) -> None:
        self.roots = roots
        self.steps = tuple(steps)
        self.slo_s = dict(slo_s or {})
        _check(roots, self.steps)
        self._after = {
            model: tuple(step for step in self.steps if model in step.after)
            for model in (*roots.models, *(step.model for step in self.steps))
        }
        self._needs = {root: self._waits(root) for root in roots.models}
        self._start()

    @property
    def models(self) -> Sequence[str]:
        """Every model of the source and of the steps."""
        return tuple(self._after)

    @property
    def most_samples(self) -> Mapping[str, int]:
        """The largest request to each model, in samples."""
        return {**self.roots.most_samples, **{step.model: step.samples for step in self.steps}}

    def open(self) -> Iterator[Request]:
        """Yield the roots, numbered anew: steps take the numbers between."""
        self._start()
        for number, root in enumerate(self.roots.open()):
            self._roots[number * self._stride] = (root.model, {})
            yield root._replace(request_id=number * self._stride)

    def follow_up(self, ended: Request, now_s: float) -> Iterable[Request]:
        """Return the steps that waited for nothing but this request."""
        position = ended.request_id % self._stride
        root_id = ended.request_id - position
        root, ends = self._roots[root_id]
        ends[ended.model] = True
        needs = self._needs[root]
        ready = [step for step in self._after[ended.model] if all(model in ends for model in needs[step.model])]
        if len(ends) == len(needs) + 1:  # the root and every step it leads to
            del self._roots[root_id]
        return [self._send(step, root_id, now_s) for step in ready]

    def kept_back(self, awaited: Iterable[Request]) -> Iterable[Request]:
        """Return nothing: steps that were never reached never were."""
        return ()

    def _start(self) -> None:
        self._stride = len(self.steps) + 1
        self._roots: dict[int, tuple[str, dict[str, bool]]] = {}

    def _waits(self, root: str) -> dict[str, tuple[str, ...]]:
        """Return every step that a root leads to, and which of the models it waits for the root leads to."""
        reached = {root}
        for _ in self.steps:
            reached |= {step.model for step in self.steps if reached.intersection(step.after)}
        return {
            step.model: tuple(model for model in step.after if model in reached)
            for step in self.steps
            if step.model in reached
        }

    def _send(self, step: Step, root_id: int, now_s: float) -> Request:
        arrived_s = snap_s(now_s + step.delay_s)
        request_id = root_id + 1 + self.steps.index(step)
        return Request(
            request_id, step.model, arrived_s, deadline_s(self.slo_s, step.model, arrived_s), 0, step.samples, 1.0
        )


def _check(roots: Workload, steps: Sequence[Step]) -> None:
    problems = []
    if roots.reacts:
        problems.append("graph: its roots depend on the run themselves; start it from requests without parents")
    names = [step.model for step in steps]
    known = {*roots.models, *names}
    for step in steps:
        if step.model in roots.models or names.count(step.model) > 1:
            problems.append(f"step {step.model}: a model stands for one step or for the roots; give it another name")
        if unknown := [model for model in step.after if model not in known]:
            problems.append(
                f"step {step.model}: comes after no known model (found {', '.join(unknown)}; known: "
                f"{', '.join(sorted(known))}); correct the name"
            )
        if not step.after:
            problems.append(f"step {step.model}: comes after nothing; name the models that it waits for")
    reached, waiting = set(roots.models), list(steps)
    while progress := [step for step in waiting if reached.issuperset(step.after)]:
        reached |= {step.model for step in progress}
        waiting = [step for step in waiting if step not in progress]
    if waiting and not problems:
        problems.append(
            f"steps {', '.join(step.model for step in waiting)}: wait for each other; remove one of their dependencies"
        )
    if problems:
        raise TraceError(*problems)
