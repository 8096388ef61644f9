"""`isim import`: what other tools recorded, as a profile, a recording or a trace; one file a kind."""

import importlib
import importlib.util

import click

from isim.cli.flag_environment import FlagGroup

_KINDS = ("profile", "recording", "trace")


class _LazyGroup(FlagGroup):
    """Import the commands of a kind only when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [kind for kind in _KINDS if importlib.util.find_spec(f"isim.cli.import_{kind}")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = getattr(importlib.import_module(f"isim.cli.import_{cmd_name}"), f"import_{cmd_name}")
        return command


@click.group("import", cls=_LazyGroup)
def command() -> None:
    """Turn what other tools recorded into a profile, a recording or a trace."""
