"""The flags that say what is simulated; `run` and `compare` share them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from isim.cli.parameters import Rate, Seconds, Slo, Weights, merged

_Command = TypeVar("_Command", bound=Callable[..., Any])


class _Counts(Weights):
    """Models and how many; a bare model counts 1."""

    name = "MODEL=COUNT,..."
    example = "resnet50=4,bert=1"

    def entry(self, model: str, quantity: str) -> tuple[str, float]:
        return (model, int(quantity)) if model else (quantity, 1)


_FLAGS = [
    click.argument("experiment", required=False, type=click.Path(path_type=Path)),
    click.option("--profile", help="Profile of the GPU: a file, or analytic:GPU.  [built-in: analytic:L4]"),
    click.option("--gpus", help="How many, all alike, or of each profile: 4, or 2xA.parquet,B.parquet.  [built-in: 1]"),
    click.option("--router", help="Which of several GPUs serves a request.  [built-in: join-shortest-queue]"),
    click.option("--trace", help="Requests of a file."),
    click.option("--arrivals", "process", help="Generate requests: NAME[:key=value,...], see 'isim list arrivals'."),
    click.option("--rate", "rate_rps", type=Rate(), help="Long-run mean rate of generated requests, such as 200rps."),
    click.option("--duration", "duration_s", type=Seconds(), help="For how long requests are generated or sent."),
    click.option("--models", type=Weights(), help="Models of generated requests; all of the profile if left out."),
    click.option("--bursts", type=click.Choice(["own", "shared"]), help="Do models burst apart or together?  [own]"),
    click.option("--clients", type=_Counts(), help="Let clients send a request whenever the last one has ended."),
    click.option("--think", "think_s", type=Seconds(), help="Pause of a client between its requests."),
    click.option("--think-law", type=click.Choice(["constant", "exponential"]), help="Law of the pause.  [constant]"),
    click.option("--stagger", "stagger_s", type=Seconds(), help="Spread the clients' first requests over this time."),
    click.option("--samples", type=int, help="Samples in a client's request."),
    click.option("--requests-per-client", type=int, help="After how many requests a client falls silent."),
    click.option(
        "--sharing",
        help="exclusive, streams, time-slicing[:quantum=2ms] or mps[:MODEL=SHARE,...]; prices of preemption and gates: "
        "streams:preemption=50us,launch=5us.  [built-in: streams]",
    ),
    click.option("--concurrency", type=int, help="Batches on the GPU at once.  [built-in: 2]"),
    click.option("--contention", help="How concurrent kernels slow down, NAME[:key=value,...].  [built-in: roofline]"),
    click.option("--predictor", help="What the policy may ask about slowdown, NAME[:key=value,...].  [none]"),
    click.option("--slo", "slo_s", type=Slo(), multiple=True, callback=merged, help="Latency objectives; repeatable."),
    click.option("--noise/--no-noise", default=None, help="Vary durations as much as the profile's samples did."),
    click.option("--horizon", "horizon_s", type=Seconds(), help="Stop here; otherwise run until all are served."),
    click.option("--seed", type=int, help="Of all randomness.  [built-in: 0]"),
]


def experiment_flags(command: _Command) -> _Command:
    """Add the argument EXPERIMENT and the flags that override what it says."""
    for flag in reversed(_FLAGS):
        command = flag(command)
    return command
