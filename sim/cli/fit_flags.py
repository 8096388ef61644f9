"""The flags that say how a trace is fitted; `fit` and `resample` share them."""

from collections.abc import Callable
from typing import Any

import click

from isim.cli.parameters import Seconds


def fit_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags law, method, window_s and by_tenant."""
    for option in (
        click.option("--by-tenant", is_flag=True, help="Fit every tenant of a model on its own."),
        click.option("--window", "window_s", type=Seconds(), help="Of the fit; the whole trace if left out."),
        click.option("--method", type=click.Choice(["mle", "moments"]), default="mle", help="How gamma is fitted."),
        click.option(
            "--law", type=click.Choice(["poisson", "gamma", "on-off", "mmpp"]), default="gamma", help="Law of the gaps."
        ),
    ):
        command = option(command)
    return command
