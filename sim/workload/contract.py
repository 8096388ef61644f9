"""What a source of requests is to a simulation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from isim.clock import snap_s
from isim.policies.policy import Request


class Workload(Protocol):
    """A source of requests in order of arrival; `open` starts it anew."""

    @property
    def models(self) -> Sequence[str]:
        """Every model that requests may name."""
        ...

    @property
    def slo_s(self) -> Mapping[str, float]:
        """SLO by model, for requests that carry none; the key "*" stands for every other model."""
        ...

    @property
    def most_samples(self) -> Mapping[str, int]:
        """The largest request to each model, in samples."""
        ...

    @property
    def reacts(self) -> bool:
        """Whether `follow_up` may ever return a request."""
        ...

    def open(self) -> Iterator[Request]:
        """Yield the requests whose arrival does not depend on the run."""
        ...

    def follow_up(self, ended: Request, now_s: float) -> Iterable[Request]:
        """Return the requests that the end of another one causes; each arrives now or later."""
        ...

    def kept_back(self, awaited: Iterable[Request]) -> Iterable[Request]:
        """Return the requests that count as unfinished although a run that has stopped kept them from arriving.

        Parameters
        ----------
        awaited
            Those that `follow_up` returned and that have not arrived.
        """
        ...


def deadline_s(slo_s: Mapping[str, float], model: str, arrived_s: float) -> float:
    """Return the deadline of a request without an objective of its own; infinite if its model has none either.

    Parameters
    ----------
    slo_s
        SLO by model; the key "*" stands for every other model.

    Examples
    --------
    >>> deadline_s({"*": 0.05}, "bert", 2.0)
    2.05
    """
    objective_s = slo_s.get(model, slo_s.get("*", float("inf")))
    return snap_s(arrived_s + objective_s) if objective_s < float("inf") else objective_s
