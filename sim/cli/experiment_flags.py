"""The flags that say what is simulated; `run` and `compare` share them."""

from collections.abc import Callable
from functools import partial
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


class _OneValue(click.Option):
    """A flag whose value stands for one variant, and is refused where it would stand for several."""

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Refuse braces before the value is read as what it is."""
        from isim.plugin_parameters import BRACES

        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(each, str) and BRACES.search(each):
                raise click.BadParameter(
                    "braces stand for several variants, which only --policy of 'isim compare' and [[variant]] take "
                    f"(found {each!r}); write one value",
                    ctx,
                    self,
                )
        return super().type_cast_value(ctx, value)


_flag = partial(click.option, cls=_OneValue)
_FLAGS = [
    click.argument("experiment", required=False, type=click.Path(path_type=Path)),
    click.option("--profile", help="Profile of the GPU: a file, or analytic:GPU.  [built-in: analytic:L4]"),
    _flag("--gpus", help="How many, all alike, or of each profile: 4, or 2xA.parquet,B.parquet.  [built-in: 1]"),
    _flag("--router", help="Which of several GPUs serves a request.  [built-in: join-shortest-queue]"),
    click.option("--trace", help="Requests of a file."),
    _flag("--arrivals", "process", help="Generate requests: NAME[:key=value,...], see 'isim list arrivals'."),
    _flag("--rate", "rate_rps", type=Rate(), help="Long-run mean rate of generated requests, such as 200rps."),
    _flag("--duration", "duration_s", type=Seconds(), help="For how long requests are generated or sent."),
    _flag("--models", type=Weights(), help="Models of generated requests; all of the profile if left out."),
    _flag("--bursts", type=click.Choice(["own", "shared"]), help="Do models burst apart or together?  [own]"),
    _flag("--clients", type=_Counts(), help="Let clients send a request whenever the last one has ended."),
    _flag("--think", "think_s", type=Seconds(), help="Pause of a client between its requests."),
    _flag("--think-law", type=click.Choice(["constant", "exponential"]), help="Law of the pause.  [constant]"),
    _flag("--stagger", "stagger_s", type=Seconds(), help="Spread the clients' first requests over this time."),
    _flag("--samples", type=int, help="Samples in a client's request."),
    _flag("--requests-per-client", type=int, help="After how many requests a client falls silent."),
    _flag(
        "--sharing",
        help="exclusive, streams, time-slicing[:quantum=2ms] or mps[:MODEL=SHARE,...]; prices of preemption and gates: "
        "streams:preemption=50us,launch=5us.  [built-in: streams]",
    ),
    _flag("--concurrency", type=int, help="Batches on the GPU at once.  [built-in: 2]"),
    _flag("--contention", help="How concurrent kernels slow down, NAME[:key=value,...].  [built-in: roofline]"),
    _flag("--predictor", help="What the policy may ask about slowdown, NAME[:key=value,...].  [none]"),
    _flag("--slo", "slo_s", type=Slo(), multiple=True, callback=merged, help="Latency objectives; repeatable."),
    _flag("--noise/--no-noise", default=None, help="Vary durations as much as the profile's samples did."),
    _flag("--horizon", "horizon_s", type=Seconds(), help="Stop here; otherwise run until all are served."),
    _flag("--seed", type=int, help="Of all randomness.  [built-in: 0]"),
]


def experiment_flags(command: _Command) -> _Command:
    """Add the argument EXPERIMENT and the flags that override what it says."""
    for flag in reversed(_FLAGS):
        command = flag(command)
    return command
