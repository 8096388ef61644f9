"""`isim import profile`: turn what another profiler recorded into a profile; one command a format."""

import click

from isim.cli.flag_environment import FlagGroup
from isim.cli.import_averages import averages_commands
from isim.cli.import_files import auto, format_commands
from isim.cli.import_kernel_table import kernel_table
from isim.cli.import_nvidia_smi import nvidia_smi


@click.group("profile", cls=FlagGroup)
def import_profile() -> None:
    """Turn what another profiler recorded into a profile."""


for _command in (auto, *format_commands(), *averages_commands(), kernel_table, nvidia_smi):
    import_profile.add_command(_command)
