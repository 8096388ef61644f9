"""`isim import profile`: turn what another profiler recorded into a profile; one command a format."""

import re
from pathlib import Path

import click

from isim.cli.flag_environment import FlagGroup
from isim.cli.import_averages import averages_commands
from isim.cli.import_files import auto, format_commands
from isim.cli.import_kernel_table import kernel_table
from isim.cli.import_nvidia_smi import nvidia_smi


class _Formats(FlagGroup):
    """Detect the format where the first argument is a file or an option, not the name of a format."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        is_help = not args or first in ctx.help_option_names
        is_word = re.fullmatch(r"[\w-]+", first) and not first.startswith("-") and not Path(first).is_file()
        named = is_help or is_word or first in self.commands  # a word of no format is mistyped: click says so
        return super().parse_args(ctx, args if named else ["auto", *args])


@click.group("profile", cls=_Formats, subcommand_metavar="[FORMAT] MODEL@BATCH=FILE...")
def import_profile() -> None:
    """Turn what another profiler recorded into a profile; without FORMAT, it is told from the content of each file.

    \b
    isim import profile bert@8=run.sqlite --cut range=infer -o bert.parquet
    """


for _command in (auto, *format_commands(), *averages_commands(), kernel_table, nvidia_smi):
    import_profile.add_command(_command)
