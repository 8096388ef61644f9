"""What a reader of a comparison must know before trusting its figures."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from isim.doubtful_settings import fitted_elsewhere, without_effect


def notes(replications: int, random: bool, unsteady: Mapping[str, Sequence[int]], missed: str) -> Iterator[str]:
    """Yield a sentence for each thing to know.

    Parameters
    ----------
    replications
        How many ran.
    random
        Whether seeds make a difference.
    unsteady
        The seeds at which a variant had no steady state.
    missed
        The half-width that was asked for and not reached; empty if there is none.
    """
    if not random:
        yield "nothing is random here, so there is nothing to replicate: every variant ran once"
    elif replications == 1:
        yield "one replication has no confidence interval; give more with --seeds"
    for variant, seeds in unsteady.items():
        yield (
            f"{variant} has no steady state at {len(seeds)} of {replications} seeds: its latency still drifts in the "
            "second half of the run, as in overload; its figures there depend on how long the run lasts"
        )
    if missed:
        yield f"half-width {missed} was not reached with {replications} replications; give more with --most-seeds"


def fitted_notes(descriptions: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a sentence for each use of a contention model under another sharing mode than it was fitted under.

    Parameters
    ----------
    descriptions
        What `run.json` says of each run.
    """
    said = {
        sentence: None
        for each in descriptions
        for sentence in fitted_elsewhere(
            each["parameters"]["contention"], each["contention"].get("fitted_sharing"), each["sharing"]["mode"]
        )
    }
    yield from said


def settings_notes(descriptions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield also what has no effect in any of the runs: that some variants need a setting is reason enough for it."""
    yield from fitted_notes(descriptions)
    first, *others = ([*without_effect(each)] for each in descriptions)
    yield from (sentence for sentence in first if all(sentence in each for each in others))
