"""What the stand-ins of nsys and ncu share: they run a command under the fake libcuda and see what it logged."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def split(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the options, all written --name=value, and the rest: the command or file."""
    count = next((index for index, text in enumerate(arguments) if not text.startswith("--")), len(arguments))
    pairs = (text[2:].partition("=") for text in arguments[:count])
    return {name: value for name, _, value in pairs}, arguments[count:]


def misbehave() -> None:
    """Do what ISIM_FAKE_TOOL asks for, if it concerns every tool."""
    how = os.environ.get("ISIM_FAKE_TOOL")
    if how == "hang":
        Path("hanging.pid").write_text(str(os.getpid()))
        time.sleep(600)
    if how == "fail":
        sys.exit("==ERROR== the tool failed for a reason of its own")


def profiled(command: list[str]) -> list[list[str]]:
    """Run a command and return what it logged of its kernels between start and stop of profiling."""
    with tempfile.NamedTemporaryFile("r") as log:
        subprocess.run(command, env={**os.environ, "ISIM_FAKE_CUDA_LOG": log.name}, check=True)
        lines = [line.split() for line in log.read().splitlines()]
    first, last = lines.index(["profiler", "start"]), lines.index(["profiler", "stop"])
    return [words[1:] for words in lines[first:last] if words[0] == "kernel"]
