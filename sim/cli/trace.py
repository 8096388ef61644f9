"""`isim trace`: make, look at and change traces of arriving requests; one file a verb."""

import importlib

import click

from isim.cli.flag_environment import FlagGroup

_VERBS = {
    "make": "Make a trace of an arrival process, or of an experiment's arrivals.",
    "show": "Print what a trace is like, with plots.",
    "check": "Read a trace from end to end and say what is wrong or odd.",
    "diff": "Print the statistics of two traces side by side.",
    "scale": "Change the rate: by tempo, thinning, replication or a fit.",
    "slice": "Keep an interval of time, or some models.",
    "merge": "Put traces together.",
    "split": "Divide a trace into parts.",
    "map": "Deal requests, or the tenants of rates, to models.",
    "thin": "Keep a random part.",
    "replicate": "Multiply the requests.",
    "dequantize": "Spread requests that a coarse clock put together.",
    "fit": "Fit a law to each window, as rates.",
    "resample": "Draw new requests from a fit, at another rate or burstiness.",
    "expand": "Make requests of rates.",
    "shape": "Bring the rise and fall of rates into a range of rates.",
}


class _LazyGroup(FlagGroup):
    """Import a verb only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        command: click.Command = importlib.import_module(f"isim.cli.trace_{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_VERBS.items()))


@click.group("trace", cls=_LazyGroup)
def command() -> None:
    """Make, look at and change traces of arriving requests."""
