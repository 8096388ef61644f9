"""The contract of an interference predictor: what a scheduler may believe of batches that share a GPU.

It sees only what a real server sees: the profile, who ran beside whom and for how long, and batches that finished.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from isim.policies.kernels import Kernels


class Member(NamedTuple):
    """One (model, batch size) of a mix, and what the profile says of it; called the same in every profile."""

    model: str
    batch_size: int
    solo_s: float
    """Profiled duration alone, gaps included."""
    features: Mapping[str, float]
    """Time-weighted mean of each measured resource over its kernels, 0..1."""
    sm_share: float = 1.0
    """Of the SMs its process may use."""
    kernels: Kernels | None = None
    """None where only averages were profiled."""


class CoRunner(NamedTuple):
    """A batch on the GPU beside the one that is asked about."""

    member: Member
    elapsed_s: float = 0.0
    """Since its dispatch."""


class Stay(NamedTuple):
    """A closed overlap: how long the same co-runners were beside a batch; none is a stay too."""

    duration_s: float
    co_runners: tuple[Member, ...]


class Gone(NamedTuple):
    """A batch that has left the GPU, and was beside one that is still there."""

    member: Member
    dispatched_ago_s: float
    left_ago_s: float


class Prediction(NamedTuple):
    """A belief about a batch's slowdown, from dispatch to finish (co-located / solo, at least 1 in truth)."""

    slowdown: float
    """The mean."""
    sd: float = 0.0
    """The standard deviation of what may come about it; 0 from a predictor that does not say."""


class Observation(NamedTuple):
    """A batch that finished."""

    target: Member
    duration_s: float
    """Measured, from dispatch to finish."""
    stays: Sequence[Stay]
    """From dispatch to finish, oldest first."""
    solo_s: float
    """Its profiled duration alone; of the member, times the work of its requests."""

    @property
    def slowdown(self) -> float:
        """Measured / profiled."""
        return self.duration_s / self.solo_s


class Predictor(Protocol):
    """Says how much slower a batch becomes beside others, and learns from those that finished.

    A predictor is built anew for every run, by keyword parameters that it stores under the same names.
    """

    def predict(self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay] = ()) -> Prediction:
        """Return what to expect of `target` from dispatch to finish; changes nothing.

        Parameters
        ----------
        target
            The batch in question: about to be dispatched, or running.
        co_runners
            Who is beside it from now on, as far as is known.
        so_far
            What is behind it; empty before its dispatch. A batch that has finished is asked about (to tell what was
            learned from what was unknown) with all its stays here and no co-runners.
        """
        ...

    def learn(self, observation: Observation) -> None:
        """Take in a batch that finished.

        Raises
        ------
        PredictorError
            The observation cannot be (not a number, not above 0); nothing was learned from it.
        """
        ...


class Trainable(Predictor, Protocol):
    """A predictor that can be trained before its first prediction, on batches measured earlier."""

    def fit(self, observations: Iterable[Observation]) -> None:
        """Start from what `observations` teach; one that learns offline stays as it is from here on.

        Raises
        ------
        PredictorError
            One of them cannot be, or there are none.
        """
        ...


class Foretelling(Predictor, Protocol):
    """A predictor that follows each batch through its kernels, and so says when all on a GPU finish."""

    def finishes_s(
        self, running: Sequence[CoRunner], joining: Sequence[Member] = (), gone: Sequence[Gone] = ()
    ) -> Sequence[float]:
        """Return how long each takes from now on, `running` first, if nothing else joins; changes nothing.

        Parameters
        ----------
        running
            Who is on the GPU, in order of dispatch; nobody, to ask about an empty one.
        joining
            Who would be dispatched now, in this order.
        gone
            Who was beside any of `running`, or beside one of those.
        """
        ...
