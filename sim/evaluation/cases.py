"""Batches that finished, as a predictor meets them: what was known at dispatch, and what came."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from isim.policies.predictors.predictor import CoRunner, Observation


class Case(NamedTuple):
    """One batch that finished."""

    observation: Observation
    co_runners: tuple[CoRunner, ...]
    """On the GPU at its dispatch."""
    dispatched_s: float
    finished_s: float
    mix: str
    """Cases of the same mix are resampled together; empty in a run, where neighbours in time are."""

    @property
    def models(self) -> frozenset[str]:
        """Its model and those of all that ran beside it."""
        stays = self.observation.stays
        return frozenset([self.observation.target.model, *(m.model for stay in stays for m in stay.co_runners)])

    @property
    def concurrency(self) -> int:
        """Most batches on the GPU while it was there, itself included."""
        return 1 + max((len(stay.co_runners) for stay in self.observation.stays), default=0)


class Cases(NamedTuple):
    """The batches of a run or a recording, in order of finish."""

    path: str
    origin: str
    """`measured`, `imported`, `analytic` or `simulated`: of the recording, or of the profile of the run."""
    cases: Sequence[Case]
    notes: Sequence[str] = ()
    """What was left out, a sentence each."""


def left_out(reasons: Counter[str]) -> list[str]:
    """Return a sentence for each reason why something is no case."""
    return [f"{count:,} {reason}" for reason, count in sorted(reasons.items())]
