"""A predictor that learns which mechanism of contention a GPU has, from kernels and overlaps."""

from collections.abc import Iterable, Sequence

import numpy as np

from isim.errors import PredictorError
from isim.policies.kernels import Floats
from isim.policies.predictors.doubt import Doubt
from isim.policies.predictors.learned.rls import RecursiveLeastSquares
from isim.policies.predictors.learned.spread import Spread
from isim.policies.predictors.left_out import Says, leave_out
from isim.policies.predictors.mechanisms.company import Company
from isim.policies.predictors.mechanisms.losses import COMPANY, MECHANISMS, MOST, Losses
from isim.policies.predictors.mechanisms.peculiarity import Partners, Peculiarity
from isim.policies.predictors.mechanisms.weights import fit_weights
from isim.policies.predictors.mix import mix_of
from isim.policies.predictors.observed import MOST_SLOWDOWN, check_observation
from isim.policies.predictors.over_time.overlap import Overlap
from isim.policies.predictors.over_time.reading import is_over, members
from isim.policies.predictors.parameters import check_parameters, number
from isim.policies.predictors.predictor import CoRunner, Member, Observation, Prediction, Stay

_LEAST_SPEED = 0.02
_START = np.array([1.0 if name == "fair" else 0.0 for name in MECHANISMS])
"""Before anything is learned: proportional shares of the scarcest resource, averaged over the phases of kernels."""
_ROUNDS = 4
"""Of training, weights and kinds in turn: what is common to all batches of a kind tells nothing of weights."""
_OUTLOOK = np.array([0.0, 1.0, 0.0, 0.0])
"""Of 1, what is foreseen, as if the present lasted, as usual: at first what is foreseen is believed."""


class Mechanisms:
    """Learn how much of each mechanism's expected loss of speed comes true, over overlaps.

    1 - 1 / slowdown = sum over overlaps of (share of the time) x w'(losses beside these co-runners). The losses follow
    from the profile alone (see `expectation`), so that w holds for models that were never seen; w is learned by
    recursive least squares, and what is lost is held to what can be (see `turns`). Two corrections are learned on top:
    what company usually follows when a co-runner's work is done, and by which factor batches of a kind differ from it.
    The deviation stated is wider where a mix of models was met seldom or never (see `Doubt`).

    Parameters
    ----------
    forgetting
        Weight of a batch relative to the next, above 0, at most 1.
    regulariser
        Of the weights about their start, above 0.
    peculiar
        Whether to correct batches of each kind.

    Raises
    ------
    PredictorError
        A parameter is out of range.

    Examples
    --------
    >>> a, b = Member("a", 1, 0.002, {"sm": 0.8}), Member("b", 1, 0.002, {"sm": 0.6})
    >>> round(Mechanisms().predict(a, [CoRunner(b)]).slowdown, 6)
    1.4
    """

    def __init__(self, forgetting: float = 0.999, regulariser: float = 0.1, peculiar: bool = True) -> None:
        check_parameters(
            "mechanisms",
            number("forgetting", forgetting, above=0, at_most=1),
            number("regulariser", regulariser, above=0),
        )
        self.forgetting, self.regulariser, self.peculiar = forgetting, regulariser, peculiar
        self._learner = RecursiveLeastSquares(len(MECHANISMS), forgetting, regulariser, "all", _START)
        self._losses = Losses()
        self._company = Company(self._losses)
        self._peculiarity = Peculiarity()
        self._outlook = RecursiveLeastSquares(len(_OUTLOOK), forgetting, 1.0, "all", _OUTLOOK)
        self._behind, self._ahead = Spread(), Spread()
        self._doubt = Doubt()

    def predict(self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay] = ()) -> Prediction:
        """Return the slowdown over what was, what is until a co-runner's work is done, and what usually follows."""
        elapsed_s = sum([stay.duration_s for stay in so_far])
        if is_over(target, co_runners, elapsed_s):
            losses, foreseen = self._losses.over(target, Overlap().behind(so_far)), 0.0
            slowdown = 1.0 / self._speed(losses)
        else:
            losses, foreseen = self._foresee(target, co_runners, so_far)
            slowdown = 1.0 / self._speed(losses)
            ahead = max(0.0, 1.0 - elapsed_s / (slowdown * target.solo_s))
            outlook = self._outlook.predict(self._views(target, members(co_runners), slowdown))[0]
            slowdown += ahead * (max(outlook, 1.0) - slowdown)
            foreseen = max(ahead, foreseen)
        slowdown *= self._factor(target, [*so_far, Stay(target.solo_s, members(co_runners))], losses)
        variance = self._behind.mean_square + foreseen * self._ahead.mean_square
        variance += self._doubt.variance(mix_of(target, so_far, members(co_runners)))
        slowdown = min(max(slowdown, 1.0), MOST_SLOWDOWN)
        return Prediction(slowdown, min(slowdown * variance**0.5, MOST_SLOWDOWN))

    def learn(self, observation: Observation) -> None:
        """Take in a batch that finished."""
        check_observation("mechanisms", observation)
        target, _, stays, _ = observation
        losses = self._losses.over(target, Overlap().behind(stays))
        slowdown = observation.slowdown
        self._learn_outlook(observation, losses)
        error = self._error(observation, losses)
        self._doubt.learn(mix_of(target, stays), error, self._behind.mean_square)
        self._behind.add(error)
        # An error of speed is one of slowdown / slowdown^2: weighed so, errors relative to the slowdown count alike.
        own = slowdown / self._factor(target, stays, losses)
        self._learner.update(losses[:MOST] * own, own - 1.0)
        self._company.learn(target, stays)
        self._learn_kind(observation, losses)

    def fit(self, observations: Iterable[Observation]) -> None:
        """Start from batches measured earlier."""
        batches = list(observations)
        if not batches:
            raise PredictorError("predictor mechanisms: nothing to train on (found 0 batches); give some, or no fit")
        for batch in batches:
            check_observation("mechanisms", batch)
        losses = np.array([self._losses.over(batch.target, Overlap().behind(batch.stays)) for batch in batches])

        def trained(kept: list[int]) -> Says:
            self._train([batches[i] for i in kept], losses[kept])
            return lambda i: (self._error(batches[i], losses[i]), 0.0)

        mixes = [mix_of(batch.target, batch.stays) for batch in batches]
        left_out = leave_out(mixes, trained)
        self._train(batches, losses)
        errors = [each.error for each in left_out if each.met]
        errors = errors or [self._error(batch, loss) for batch, loss in zip(batches, losses, strict=True)]
        self._behind.start(np.array(errors))
        known = self._behind.mean_square
        self._doubt.start(mixes, [each._replace(variance=known) for each in left_out])
        for batch, loss in zip(batches, losses, strict=True):
            self._company.learn(batch.target, batch.stays)
            self._learn_outlook(batch, loss)

    def _train(self, batches: Sequence[Observation], losses: Floats) -> None:
        """Fit weights and kinds in turn."""
        slowdowns = np.array([batch.slowdown for batch in batches])
        mixes = [_models(batch) for batch in batches]
        factors = np.ones(len(batches))
        for _ in range(_ROUNDS if self.peculiar else 1):
            weights, covariance = fit_weights(losses[:, :MOST], slowdowns / factors, mixes, _START, self.regulariser)
            self._learner.start_from(weights, covariance)
            self._peculiarity = Peculiarity()
            for batch, loss in zip(batches, losses, strict=True):
                self._learn_kind(batch, loss)
            factors = np.array(
                [self._factor(batch.target, batch.stays, loss) for batch, loss in zip(batches, losses, strict=True)]
            )

    def _error(self, observation: Observation, losses: Floats) -> float:
        """Return the error relative to what was measured."""
        said = self._factor(observation.target, observation.stays, losses) / self._speed(losses)
        return said / observation.slowdown - 1.0

    def _learn_kind(self, observation: Observation, losses: Floats) -> None:
        if self.peculiar and losses[COMPANY] > 0.0:
            ratio = observation.slowdown * self._speed(losses)
            self._peculiarity.learn(observation.target, _partners(observation.stays), ratio)

    def _factor(self, target: Member, stays: Sequence[Stay], losses: Floats) -> float:
        if not self.peculiar:
            return 1.0
        return float(self._peculiarity.factor(target, _partners(stays)) ** losses[COMPANY])

    def _learn_outlook(self, observation: Observation, losses: Floats) -> None:
        target = observation.target
        at_dispatch = tuple(observation.stays[0].co_runners) if observation.stays else ()
        # How far co-runners had come is not known any more: half-way, in the mean.
        halfway = [CoRunner(member, member.solo_s / 2.0) for member in at_dispatch]
        views = self._views(target, at_dispatch, 1.0 / self._speed(self._foresee(target, halfway, ())[0]))
        slowdown = observation.slowdown / self._factor(target, observation.stays, losses)
        self._ahead.add(self._outlook.predict(views)[0] / slowdown - 1.0)
        self._outlook.update(views, slowdown)

    def _views(self, target: Member, beside: Sequence[Member], foreseen: float) -> Floats:
        usual = self._company.expected(target, len(beside))
        lasting = 1.0 / self._speed(self._losses.of(target, beside))
        return np.array([1.0, foreseen, lasting, lasting if usual is None else 1.0 / self._speed(usual)])

    def _speed(self, losses: Floats) -> float:
        least = max(_LEAST_SPEED, 1.0 - float(losses[MOST]))
        return min(max(1.0 - float(self._learner.weights @ losses[:MOST]), least), 1.0)

    def _foresee(self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay]) -> tuple[Floats, float]:
        """Return the losses over the whole batch, and which share of its time is a guess at who comes."""
        total = np.zeros(MOST + 1)
        total_s, left_s = 0.0, target.solo_s
        for duration_s, others in so_far:
            losses = self._losses.of(target, others)
            total += duration_s * losses
            total_s += duration_s
            left_s -= duration_s * self._speed(losses)
        left_s = max(left_s, 1e-3 * target.solo_s)
        beside = members(co_runners)
        if beside:
            losses = self._losses.of(target, beside)
            speed = self._speed(losses)
            lasts_s = min(self._until_it_leaves_s(target, co_runners), left_s / speed)
            total += lasts_s * losses
            total_s += lasts_s
            left_s -= lasts_s * speed
        guess_s = 0.0
        if left_s > 0.0:
            usual = self._company.expected(target, len(beside))
            if usual is None:  # nothing is known of what follows: as if the present lasted
                usual = self._losses.of(target, beside)
            guess_s = left_s / self._speed(usual)
            total += guess_s * usual
        total_s += guess_s
        return total / total_s, guess_s / total_s

    def _until_it_leaves_s(self, target: Member, co_runners: Sequence[CoRunner]) -> float:
        """Return when the work of the first co-runner is done, at the speed it has beside all the others."""
        leaves_s = []
        for place, (member, elapsed_s) in enumerate(co_runners):
            others = [other for other, _ in (*co_runners[:place], *co_runners[place + 1 :])]
            speed = self._speed(self._losses.of(member, [*others, target]))
            leaves_s.append(max(0.0, member.solo_s - elapsed_s * speed) / speed)
        return min(leaves_s)


def _models(batch: Observation) -> frozenset[str]:
    return frozenset([batch.target.model, *(member.model for stay in batch.stays for member in stay.co_runners)])


def _partners(stays: Sequence[Stay]) -> Partners:
    """Return the models beside a batch in its longest overlap with any."""
    longest: Stay | None = None
    for stay in stays:
        if stay.co_runners and (longest is None or stay.duration_s > longest.duration_s):
            longest = stay
    return () if longest is None else tuple(sorted([member.model for member in longest.co_runners]))
