"""Run the members of a mix side by side: on streams of one device, or each in a process of its own."""

from collections.abc import Sequence
from typing import Protocol

from isim.profiler.device.contract import Device, Workload
from isim.profiler.lanes import Executions, Lane, run_lanes
from isim.profiler.mix import Mix
from isim.profiler.warm_up import warm_up


class SideBySide(Protocol):
    """Members that are loaded and warm."""

    @property
    def models(self) -> Sequence[str]:
        """What recordings call their models."""

    def run(
        self, members: Sequence[int], offsets_s: Sequence[float], seconds: float, at_least: int
    ) -> list[Executions]:
        """Run these members together, each begun at its offset, for so long and so many batches each."""

    def close(self) -> None:
        """Give everything back."""


class OnStreams:
    """Run every member on a stream of its own in this process.

    Raises
    ------
    ProfileError
        A member cannot be loaded or run.
    """

    def __init__(self, device: Device, mix: Mix) -> None:
        self._device = device
        self._workloads: list[Workload] = []
        self.models: list[str] = []
        try:
            for index, member in enumerate(mix):
                self._workloads.append(device.load(member.model, member.batch_size))
                self.models.append(self._workloads[-1].model)
                warm_up(device, self._workloads[-1], device.stream(index), None)
        except BaseException:
            self.close()
            raise

    def run(
        self, members: Sequence[int], offsets_s: Sequence[float], seconds: float, at_least: int
    ) -> list[Executions]:
        """Run these members together, each begun at its offset, for so long and so many batches each."""
        now_ns = self._device.now_ns()
        lanes = [
            Lane(self._workloads[member], self._device.stream(member), now_ns + round(offset_s * 1e9))
            for member, offset_s in zip(members, offsets_s, strict=True)
        ]
        return run_lanes(self._device, lanes, now_ns + round(seconds * 1e9), at_least)

    def close(self) -> None:
        """Unload the members."""
        while self._workloads:
            self._workloads.pop().close()
