"""Run the members of a mix each in a process of its own."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from isim.errors import ProfileError
from isim.profiler.device.contract import Device
from isim.profiler.lanes import Executions
from isim.profiler.mix import Member, Mix

_LOAD_TIMEOUT_S = 600.0
_STRETCH_TIMEOUT_S = 180.0
_HEADSTART_S = 0.02  # for the question to reach every process before the first batch begins


class InProcesses:
    """Start one process a member; their clocks are the host's, so that what they did can be laid side by side.

    Parameters
    ----------
    device
        Opened again by each process; it says what their environment must hold.

    Raises
    ------
    ProfileError
        A process cannot load or run its member, ends, or answers nothing.
    """

    def __init__(self, device: Device, mix: Mix, sharing: str) -> None:
        self._mix = mix
        self._processes: list[subprocess.Popen[bytes]] = []
        self._rest = [b""] * len(mix)
        try:
            for index, member in enumerate(mix):
                self._processes.append(_started(device, sharing, index, member))
            self.models = [self._answer(index, _LOAD_TIMEOUT_S)["model"] for index in range(len(mix))]
        except BaseException:
            self.close()
            raise

    def run(
        self, members: Sequence[int], offsets_s: Sequence[float], seconds: float, at_least: int
    ) -> list[Executions]:
        """Run these members together, each begun at its offset, for so long and so many batches each."""
        begin_ns = time.monotonic_ns() + round(_HEADSTART_S * 1e9)
        until_ns = begin_ns + round(seconds * 1e9)
        for member, offset_s in zip(members, offsets_s, strict=True):
            asked = {"begin_ns": begin_ns + round(offset_s * 1e9), "until_ns": until_ns, "at_least": at_least}
            self._ask(member, asked)
        answers = [self._answer(member, seconds + _STRETCH_TIMEOUT_S) for member in members]
        return [Executions(np.array(a["start_ns"], np.int64), np.array(a["finish_ns"], np.int64)) for a in answers]

    def close(self) -> None:
        """End every process, by force where it does not end by itself."""
        for process in self._processes:
            if process.stdin:
                process.stdin.close()
        for process in self._processes:
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()
        self._processes.clear()

    def _ask(self, member: int, question: dict[str, Any]) -> None:
        pipe = self._processes[member].stdin
        assert pipe is not None
        try:
            pipe.write(json.dumps(question).encode() + b"\n")
            pipe.flush()
        except BrokenPipeError:
            raise self._ended(member) from None

    def _answer(self, member: int, timeout_s: float) -> dict[str, Any]:
        pipe = self._processes[member].stdout
        assert pipe is not None
        deadline_s = time.monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while b"\n" not in self._rest[member]:
                if not selector.select(max(0.0, deadline_s - time.monotonic())):
                    raise ProfileError(
                        f"{self._mix[member]}: its process answered nothing for {timeout_s:.0f} s; "
                        "run it alone to see why it hangs"
                    )
                more = os.read(pipe.fileno(), 1 << 16)
                if not more:
                    raise self._ended(member)
                self._rest[member] += more
        line, _, self._rest[member] = self._rest[member].partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "problems" in answer:
            raise ProfileError(*(f"{self._mix[member]}: {problem}" for problem in answer["problems"]))
        return answer

    def _ended(self, member: int) -> ProfileError:
        code = self._processes[member].wait()
        return ProfileError(f"{self._mix[member]}: its process ended (exit code {code}); its messages stand above")


def _started(device: Device, sharing: str, index: int, member: Member) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "isim.profiler.member_process", device.spec, str(index)]
    # Ctrl-C reaches every process of a terminal: a member holds it back until it can end without a traceback.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(
            [*command, member.model, str(member.batch_size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **device.environment(sharing, member.sm_share)},
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
