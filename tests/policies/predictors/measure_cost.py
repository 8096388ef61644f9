"""Print what a prediction and an observation cost: `python tests/policies/predictors/measure_cost.py [SPEC ...]`.

The least of 25 repeats of 4,000 calls each, in microseconds, one stay of two beside another batch. No test: a machine
that others use would fail it.
"""

import sys
import timeit
from collections.abc import Callable

from isim.policies.predictors.predictor import CoRunner, Observation, Stay
from isim.policies.predictors.registry import make_predictor
from isim.policies.predictors.rehearsed import rehearsed_members

CALLS, REPEATS = 4000, 25


def cost_us(call: Callable[[], object]) -> float:
    return min(timeit.repeat(call, number=CALLS, repeat=REPEATS)) / CALLS * 1e6


def main(specs: list[str]) -> None:
    _, a, _, b, *_ = rehearsed_members()
    stays = [Stay(0.5 * a.solo_s, (b,)), Stay(0.4 * a.solo_s, ()), Stay(0.5 * a.solo_s, (b,))]
    observation = Observation(a, 1.4 * a.solo_s, stays, a.solo_s)
    for spec in specs:
        predictor = make_predictor(spec)
        predictor.learn(observation)
        predict_us = cost_us(lambda: predictor.predict(a, [CoRunner(b, 0.001)]))  # noqa: B023
        learn_us = cost_us(lambda: predictor.learn(observation))  # noqa: B023
        print(f"{spec:32} predict {predict_us:5.1f} us  learn {learn_us:5.1f} us  both {predict_us + learn_us:5.1f} us")


if __name__ == "__main__":
    main(sys.argv[1:] or ["rls:features=static", "rls", "rls:features=remaining", "mechanisms"])
