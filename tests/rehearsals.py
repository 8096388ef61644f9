"""Rehearsals of many random requests, and what became of them."""

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from isim.policies.policy import Dispatch, Policy, Request
from isim.policies.rehearsal import FixedProfile, Rehearsal


class ByModel(FixedProfile):
    """A profile in which a batch of a model takes `fixed_s + per_sample_s * size`, each by model, seconds."""

    def __init__(self, batch_sizes: Sequence[int], times_s: Mapping[str, tuple[float, float]]) -> None:
        super().__init__(batch_sizes, 0.0, 0.0)
        self._times_s = times_s

    def solo_s(self, model: str, samples: int) -> float:
        """Return the duration at the smallest size that holds the samples."""
        fixed_s, per_sample_s = self._times_s[model]
        return fixed_s + per_sample_s * self.runs_as(samples)


class Served(NamedTuple):
    """What became of the requests."""

    in_time: int
    late: int
    refused: int
    mean_wait_s: float
    mean_batch_size: float


def poisson(
    rates_rps: Mapping[str, float], duration_s: float, slo_s: float | Mapping[str, float], seed: int = 0
) -> list[Request]:
    """Draw Poisson arrivals of each model; times are whole microseconds."""
    arrivals = []
    for model, rate_rps in rates_rps.items():
        luck = random.Random(f"{seed} {model}")
        time_s = luck.expovariate(rate_rps)
        while time_s < duration_s:
            arrivals.append((round(time_s, 6), model))
            time_s += luck.expovariate(rate_rps)
    within_s = slo_s if isinstance(slo_s, Mapping) else dict.fromkeys(rates_rps, slo_s)
    return [
        Request(i, model, time_s, time_s + within_s[model], 0, 1, 1.0)
        for i, (time_s, model) in enumerate(sorted(arrivals))
    ]


def serve(policy: Policy, requests: Sequence[Request], profile: FixedProfile, slots: int = 1) -> Served:
    """Let a policy serve the requests on a server without interference, and count."""
    rehearsal = Rehearsal(policy, requests, slots, profile).run()
    in_time = late = batches = 0
    waits_s = []
    for time_s, decision in rehearsal.log:
        if isinstance(decision, Dispatch):
            batches += 1
            samples = sum(request.samples for request in decision.requests)
            finish_s = time_s + profile.solo_s(decision.requests[0].model, samples)
            for request in decision.requests:
                waits_s.append(time_s - request.arrived_s)
                if finish_s <= request.deadline_s + 1e-9:
                    in_time += 1
                else:
                    late += 1
    served = len(waits_s)
    assert not any(rehearsal.view.queues.values())
    return Served(in_time, late, len(requests) - served, sum(waits_s) / served, served / batches)
