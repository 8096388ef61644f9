"""Intervals where batches of a mix err alike: planted offsets of mixes, met and never met."""

import math
from collections.abc import Iterator
from itertools import combinations
from statistics import NormalDist
from typing import cast

import numpy as np
import pytest

from isim.policies.predictors.doubt import Doubt
from isim.policies.predictors.learned import composed
from isim.policies.predictors.left_out import Says, leave_out
from isim.policies.predictors.mechanisms import mechanisms
from isim.policies.predictors.mix import Mix
from isim.policies.predictors.predictor import Member, Observation, Prediction, Stay, Trainable
from isim.policies.predictors.registry import make_predictor
from isim.policies.predictors.rehearsed import questions, rehearsed_batches

LEVEL = 0.9
Z = NormalDist().inv_cdf(0.5 + LEVEL / 2)
OFFSET, NOISE = 0.1, 0.02
"""Deviations of the offsets of mixes, and of batches about them."""


def is_nominal(inside: list[bool]) -> bool:
    """Return whether 90 % is within the binomial band (99 %) of independent outcomes."""
    band = NormalDist().inv_cdf(0.995) * math.sqrt(LEVEL * (1 - LEVEL) / len(inside))
    return abs(float(np.mean(inside)) - LEVEL) <= band


@pytest.mark.parametrize("mixes", [3, 10])
def test_a_mix_never_met_is_covered_however_few_were(mixes: int) -> None:
    """The errors of G mixes are N(0, tau^2): the interval of the next is Student's t of G degrees."""
    draw = np.random.default_rng(0)
    inside = []
    for _ in range(4000):
        doubt = Doubt()
        for number, error in enumerate(draw.normal(0.0, OFFSET, mixes)):
            doubt.learn(Mix((f"m{number}",), 1.0), float(error), 0.0)
        sd = math.sqrt(doubt.variance(Mix(("new",), 1.0)))
        inside.append(abs(draw.normal(0.0, OFFSET)) <= Z * sd)
    assert is_nominal(inside)


def test_an_offset_counts_for_the_time_beside_others() -> None:
    """A mix that is off by 0.1 is off by 0.05 for a batch that is beside others half of its time; by 0 if never."""
    doubt = Doubt()
    for number in range(100):
        share = (1.0, 0.5)[number % 2]
        doubt.learn(Mix((f"m{number}",), share), 0.1 * share, 0.0)
    whole, half, none = (doubt.variance(Mix(("new",), share)) for share in (1.0, 0.5, 0.0))
    assert half == pytest.approx(whole / 4) and none == 0.0
    assert math.sqrt(whole) == pytest.approx(0.1, rel=0.02)  # Student's t of 62 degrees is 1.5 % wider


def test_the_doubt_goes_as_a_mix_is_learned() -> None:
    """Where the noise is all that is left after a mix was met once, nothing is added there, and all where never."""
    draw = np.random.default_rng(1)
    doubt = Doubt()
    for number in range(60):
        doubt.learn(Mix((f"m{number}",), 1.0), float(draw.normal(0.0, OFFSET)), NOISE**2)
        for _ in range(20):
            doubt.learn(Mix((f"m{number}",), 1.0), float(draw.normal(0.0, NOISE)), NOISE**2)
    # The variance of a mean of 60 squares is 2/60 of the square; of 100, 2/100.
    assert doubt.variance(Mix(("new",), 1.0)) == pytest.approx(OFFSET**2, rel=3 * math.sqrt(2 / 60))
    assert doubt.variance(Mix(("m5",), 1.0)) < 3 * math.sqrt(2 / 100) * NOISE**2


def test_a_hundredth_of_a_batch_beside_another_shows_little() -> None:
    """An error of 5 % over a time beside others of 1 % would be one of 500 %, were it known to come of them."""
    doubt = Doubt()
    doubt.learn(Mix(("a", "b"), 0.01), 0.05, 1e-4)
    assert doubt.variance(Mix(("a", "b"), 1.0)) < 0.05**2


def test_it_says_nothing_before_two_mixes_were_met() -> None:
    doubt = Doubt()
    doubt.learn(Mix(("m",), 1.0), 0.5, 0.0)
    assert doubt.variance(Mix(("new",), 1.0)) == 0.0


def planted(draw: np.random.Generator, names: str, repeats: int) -> tuple[list[Observation], Observation]:
    """Return batches of every pair of models but one, and one of that: speed is linear in use, and in the pair."""
    models = {name: Member(name, 1, 0.002, {"dram": float(draw.uniform(0.1, 0.9))}) for name in names}
    pairs = list(combinations(names, 2))
    held, known = pairs[int(draw.integers(len(pairs)))], []
    offsets = {pair: float(draw.normal(0.0, OFFSET)) for pair in pairs}

    def batch(pair: tuple[str, str], place: int) -> Observation:
        target, other = models[pair[place]], models[pair[1 - place]]
        lost = 0.4 + 0.1 * other.features["dram"]
        relative = 1.0 + offsets[pair] + float(draw.normal(0.0, NOISE))
        duration_s = target.solo_s / (1.0 - lost) * relative
        return Observation(target, duration_s, (Stay(duration_s, (other,)),), target.solo_s)

    for pair in pairs:
        if pair != held:
            known += [batch(pair, number % 2) for number in range(repeats)]
    return known, batch(held, int(draw.integers(2)))


SPECS = {
    "linear:resources=dram": ("abcd", 8, 200),
    "bayesian:resources=dram": ("abcd", 8, 200),
    "rls:warm_start=all,resources=dram": ("abcd", 8, 200),
    "mechanisms": ("abcdef", 4, 80),
}
"""Models, batches of each pair, and outcomes; the fewer pairs, the closer three weights follow their offsets."""


@pytest.mark.parametrize("spec", SPECS)
def test_trained_and_frozen_a_pair_never_met_is_covered(spec: str) -> None:
    """Each outcome is of other models, other offsets and another training, so that outcomes are independent."""
    draw = np.random.default_rng(2)
    names, repeats, outcomes = SPECS[spec]
    inside = []
    for _ in range(outcomes):
        known, unmet = planted(draw, names, repeats)
        predictor = trained(spec, known)
        inside.append(is_covered(predictor.predict(unmet.target, (), unmet.stays), unmet))
    assert is_nominal(inside), np.mean(inside)


def test_trained_and_frozen_pairs_that_were_met_keep_narrow_intervals() -> None:
    """Mechanisms learn each pair's offset: 90 % of other batches of it are covered, at half the width or less."""
    draw = np.random.default_rng(3)
    inside, widths = [], []
    for _ in range(15):
        known, unmet = planted(draw, "abcdef", 16)
        asked = [known.pop(16 * number) for number in reversed(range(14))]  # one of each pair
        predictor = trained("mechanisms", known)
        for batch in asked:
            said = predictor.predict(batch.target, (), batch.stays)
            inside.append(is_covered(said, batch))
            widths.append(said.sd / predictor.predict(unmet.target, (), unmet.stays).sd)
    assert is_nominal(inside), np.mean(inside)
    assert float(np.median(widths)) < 0.5


def trained(spec: str, known: list[Observation]) -> Trainable:
    predictor = cast(Trainable, make_predictor(spec))
    predictor.fit(known)
    return predictor


def is_covered(said: Prediction, measured: Observation) -> bool:
    return abs(said.slowdown - measured.slowdown) <= Z * said.sd


@pytest.mark.parametrize("spec", ["rls", "linear:target=absolute", "quantile", "mechanisms"])
def test_doubt_changes_no_mean(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is learned from batches left out leaves no trace in what is said of the mean."""

    def means() -> Iterator[float]:
        predictor = trained(spec, rehearsed_batches(80))
        for batch in rehearsed_batches(20, seed=1):
            yield from (predictor.predict(*question).slowdown for question in questions())
            predictor.learn(batch)

    with_doubt = list(means())
    for module in (composed, mechanisms):
        monkeypatch.setattr(module, "leave_out", lambda *_: [])
    assert list(means()) == with_doubt


def test_a_batch_is_left_out_with_its_mix_and_by_itself() -> None:
    """Of 3 mixes of 4 batches, and one of a single batch: who knows which was met how often."""
    mixes = [Mix((name,), 1.0) for name in "aaaabbbbccccd"]
    trainings: list[set[int]] = []

    def trained_on(kept: list[int]) -> Says:
        trainings.append(set(kept))
        return lambda i: (float(i in trainings[-1]), 0.0)

    found = leave_out(mixes, trained_on)
    assert all(each.error == 0.0 for each in found)  # none was foretold by what it taught
    unmet = [each for each in found if each.met == 0]
    assert sorted(each.mix.models[0] for each in unmet) == sorted("aaaabbbbccccd")
    assert all(1 <= each.met <= 3 for each in found if each.met)
