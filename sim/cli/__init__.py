"""The command line. One file a command; no logic here; heavy imports happen inside commands."""

import gc
import importlib
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn, TypeVar

import click

from isim import __version__
from isim.cli.flag_environment import FlagGroup
from isim.errors import IsimError

T = TypeVar("T")

_COMMANDS = {
    "run": "Simulate requests through a policy on GPUs and record what happened.",
    "compare": "Run several policies on the same requests and say how they differ.",
    "plan": "Plan how many GPUs are needed, which models are on which, and in which batches.",
    "evaluate": "Compare predictors on the batches of a run or a recording.",
    "calibrate": "Fit contention models to measured co-location.",
    "validate": "Hold simulated co-location against measured.",
    "profile": "Record a profile on a device, or compute an analytic one.",
    "import": "Turn what other tools recorded into a profile or a trace.",
    "trace": "Make and look at traces of arriving requests.",
    "report": "Write a page, or a timeline, of a run or a comparison.",
    "show": "Print the figures of a run folder.",
    "list": "List policies, predictors, contention models, models, GPUs or arrival processes.",
}


class _LazyGroup(FlagGroup):
    """Import a command's module only when it is called, so that `isim --help` is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"isim.cli.{cmd_name}_" if cmd_name == "import" else f"isim.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command; a reader that has gone, as `head` goes, is no failure, as which click and rich take it."""
        try:
            return super().invoke(ctx)
        except (BrokenPipeError, SystemExit) as error:
            if not _of_broken_pipe(error):
                raise
            _discard_answer()
            return 3 if isinstance(error, SystemExit) and error.code == 3 else 0  # a verdict holds, read or not

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True, "auto_envvar_prefix": "ISIM"},
)
@click.version_option(__version__, "-V", "--version", prog_name="isim")
def cli() -> None:
    """Simulate ML inference serving with co-location on GPUs.

    \b
    isim run                                    simulate the built-in example
    isim run --profile p.parquet --trace t.parquet --policy dynamic:max_batch=8 -o out/
    """


def main() -> None:
    """Run the command line: exit codes 0 done, 1 wrong input, 2 usage, 3 verdict "no", 4 no GPU, 130 interrupted.

    Usage is what the command line alone tells to be wrong: flags that are unknown, missing or do not go together, and
    the value of a flag that cannot be read, by its form, unit or range, or because there is no such choice. Input is
    what it names: files, models, and plug-ins with their parameters, which may be anybody's.
    """
    gc.set_threshold(1_000_000, *gc.get_threshold()[1:])  # looking for garbage while modules load takes half a second
    interruption = _Interruption()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # what is half written is removed
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, interruption)
    sys.unraisablehook = _leave_out_interruptions
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - as long as the process
    if sys.stdout is None:
        click.echo("isim: standard output is closed; send it to /dev/null if the answer is not wanted", err=True)
        sys.exit(1)
    try:
        code = interruption.heard_in(lambda: cli.main(standalone_mode=False))
        sys.stdout.flush()
    except (click.exceptions.Abort, KeyboardInterrupt):  # click makes the one of the other
        signal.setitimer(signal.ITIMER_REAL, 0)
        click.echo("isim: interrupted", err=True)
        code = 130
    except click.ClickException as error:
        _show(error)
        code = error.exit_code
    except IsimError as error:
        for problem in error.problems:
            click.echo(f"isim: {problem}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        _discard_answer()
        code = 0
    except OSError as error:
        _discard_answer()
        where = error.filename or "standard output"
        click.echo(f"isim: {where}: cannot be used ({error.strerror or error}); correct that, and try again", err=True)
        code = 1
    except MemoryError:
        click.echo("isim: not enough memory for this; simulate fewer requests, batch sizes or models", err=True)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _show(error: click.ClickException) -> None:
    """Say what is wrong with the value of a flag in a line, as of any mistake; else also how the command is used."""
    if type(error) is not click.BadParameter:
        error.show()
        return
    hint = error.param_hint or (error.param.get_error_hint(error.ctx) if error.param and error.ctx else "")
    where = hint if isinstance(hint, str) else " / ".join(hint)
    click.echo(f"isim: {where.replace(chr(39), '') or 'command line'}: {error.message}", err=True)


class _Interruption:
    """A handler that raises as control-C does, and again until it takes effect: in a destructor it is lost."""

    def __init__(self) -> None:
        self.came = False

    def __call__(self, number: int, frame: FrameType | None) -> NoReturn:
        self.came = True
        signal.signal(signal.SIGALRM, self)
        signal.setitimer(signal.ITIMER_REAL, 2.0)
        raise KeyboardInterrupt

    def heard_in(self, call: Callable[[], T]) -> T:
        """Call; what an interruption ends is interrupted, whatever a library that caught it has raised instead."""
        try:
            return call()
        except Exception as error:
            if self.came:
                raise KeyboardInterrupt from error
            raise


def _leave_out_interruptions(lost: "sys.UnraisableHookArgs") -> None:
    """Say nothing of an interruption raised where nothing can be raised: it comes again."""
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)


def _of_broken_pipe(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, BrokenPipeError):
        error = error.__context__
    return error is not None


def _discard_answer() -> None:
    """Let what is still to be written to standard output vanish, where nobody can read it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
