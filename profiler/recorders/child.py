"""Run another profiler as a child process that can neither hang nor outlive this one."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from isim.errors import ProfileError


def run_child(command: Sequence[str], timeout_s: float) -> str:
    """Run a command to its end and return what it wrote to standard output.

    Parameters
    ----------
    timeout_s
        After this it is killed, and everything it started with it.

    Raises
    ------
    ProfileError
        It is missing, fails, or does not end in time; the message ends with its last line.

    Examples
    --------
    >>> run_child(["echo", "done"], timeout_s=10)
    'done\\n'
    """
    name = command[0]
    pipe = subprocess.PIPE
    try:
        # A session of its own, so that what it starts can be killed with it.
        child = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, errors="replace", start_new_session=True)
    except OSError as error:
        raise ProfileError(f"{name}: cannot be started ({error.strerror}); put it on PATH") from None
    with child:
        try:
            output, messages = child.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise ProfileError(
                f"{name}: did not end within {timeout_s:.0f} s and was killed; profile fewer or smaller batches"
            ) from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
    if child.returncode:
        lines = [line for line in (output + messages).splitlines() if line.strip()]
        raise ProfileError(
            f"{name}: failed with exit code {child.returncode} ({lines[-1].strip() if lines else 'no message'}); "
            f"run it by hand to see more: {' '.join(command)}"
        )
    return output
