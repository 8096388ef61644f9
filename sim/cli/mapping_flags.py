"""The flags that say which requests go to which model; `import trace` and `trace map` share them."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from isim.cli.parameters import Number, Weights

if TYPE_CHECKING:
    from isim.traces.rates import Rates
    from isim.traces.trace_stream import TraceStream


class Mapping(NamedTuple):
    """What the flags say."""

    models: dict[str, float] | None
    how: str
    order: str
    by: str | None
    seed: int

    @property
    def first(self) -> str | None:
        """The first model named, if any."""
        return next(iter(self.models)) if self.models else None

    def stream(self, trace: "TraceStream") -> "TraceStream":
        """Deal the requests of a trace."""
        from isim.traces.mapping import map_stream

        return map_stream(trace, self.models or {}, self.how, by=self.by, order=self.order, seed=self.seed)

    def rates(self, rates: "Rates") -> "Rates":
        """Deal the tenants of rates."""
        from isim.traces.mapping import map_rates

        return map_rates(rates, self.models or {}, self.how, order=self.order, seed=self.seed)


def mapping_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument `mapping`, made of the flags --models, --map, --order, --by, --zipf and --seed."""

    @functools.wraps(command)
    def with_mapping(
        models: dict[str, float] | None,
        how: str,
        order: str,
        by: str | None,
        zipf: float | None,
        seed: int,
        **rest: Any,
    ) -> Any:
        if zipf is not None:
            from isim.traces.deal import zipf_weights

            models, how = zipf_weights(models or {}, zipf), "weights"
        return command(mapping=Mapping(models, how, order, by, seed), **rest)

    for option in (
        click.option("--seed", type=click.IntRange(min=0), default=0, help="Of all that is random."),
        click.option("--zipf", type=Number(least=0), help="Weigh the models by 1 / rank^ZIPF, and deal at random."),
        click.option("--by", help="Deal all requests of one value of this column together, such as tenant."),
        click.option(
            "--order",
            type=click.Choice(["file", "popularity"]),
            default="file",
            help="Of what is dealt in turn: as in the file, or the busiest first.",
        ),
        click.option(
            "--map",
            "how",
            type=click.Choice(["stripes", "blocks", "weights"]),
            default="stripes",
            help="In turn, in equal runs, or at random by weight.",
        ),
        click.option("--models", type=Weights(), help="Models to deal to."),
    ):
        with_mapping = option(with_mapping)
    return with_mapping
