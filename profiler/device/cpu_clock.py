"""The clocks of a CPU's cores, as the Linux kernel reports them."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from isim.profiler.telemetry import Sample, Telemetry

_PERIOD_S = 0.05


class CpuClock:
    """Sample the lowest clock among some cores; `available` is false where the machine does not say it.

    Parameters
    ----------
    cores
        Their numbers.
    root
        The kernel's folder of cores.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> (root / "cpu0" / "cpufreq").mkdir(parents=True)
    >>> _ = (root / "cpu0" / "cpufreq" / "scaling_cur_freq").write_text("2400000")
    >>> clock = CpuClock([0], root)
    >>> clock.start()
    >>> clock.mark().sm_clock_mhz, len(clock.stop().table) >= 1
    (2400.0, True)
    """

    def __init__(self, cores: Sequence[int], root: Path = Path("/sys/devices/system/cpu")) -> None:
        self._files = [root / f"cpu{core}" / "cpufreq" / "scaling_cur_freq" for core in dict.fromkeys(cores)]
        self.available = all(file.is_file() for file in self._files)
        self._samples: list[Sample] = []
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin sampling at 20 Hz in the background."""
        self._samples = []
        self._end.clear()
        self._thread = threading.Thread(target=self._sample, name="clocks", daemon=True)
        self._thread.start()

    def mark(self) -> Sample:
        """Take one sample now and return it."""
        clock_mhz = min(int(file.read_text()) for file in self._files) / 1e3
        sample = Sample(time.monotonic_ns(), sm_clock_mhz=clock_mhz)
        self._samples.append(sample)
        return sample

    def stop(self) -> Telemetry:
        """End sampling and return everything since `start`."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()
        return Telemetry.from_samples(self._samples)

    def _sample(self) -> None:
        while not self._end.wait(_PERIOD_S):
            self.mark()
