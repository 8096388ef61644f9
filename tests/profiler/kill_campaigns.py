"""Kill campaigns for real and resume them: `python kill_campaigns.py FOLDER`; a process forked for each is killed."""

import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from fake_device import FakeDevice, FakeStream, FakeWorkload, fake_bench

from isim.profiler.colocated import Rounds
from isim.profiler.colocation_campaign import record_colocation
from isim.profiler.mix import all_mixes
from isim.profiler.profile_campaign import record_profile
from isim.profiler.stopping import Stopping

MODELS = {"bert": (4_000_000, 6_000_000), "mlp": (1_900_000,), "cnn": (2_000_000, 3_500_000)}
STOPPING = Stopping(min_repetitions=20, min_s=0.0, timeout_s=0.2)
ROUNDS = Rounds(stretch_s=0.02, at_least=3, min_rounds=2, stopping=STOPPING)


class Killed(FakeDevice):
    """Kill the process at a launch."""

    def launch(self, workload: FakeWorkload, stream: FakeStream) -> None:
        """Queue one batch, or die."""
        if self.launches + 1 == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        super().launch(workload, stream)


def profile(device: FakeDevice, output: Path) -> object:
    """Record a profile."""
    return record_profile(fake_bench(device), list(MODELS), [1, 2], output, stopping=STOPPING)


def colocation(device: FakeDevice, output: Path) -> object:
    """Record all pairs."""
    return record_colocation(fake_bench(device), all_mixes(list(MODELS), [1]), "streams", output, rounds=ROUNDS)


def kill(campaign: Callable[[FakeDevice, Path], object], point: int, output: Path) -> None:
    """Run a campaign in a process of its own that dies at the launch of this number."""
    child = os.fork()
    if child == 0:
        campaign(Killed(MODELS, gap_ns=2_000, dies_at=point), output)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert not output.exists()


def main() -> None:
    """Compare what was resumed with what was never killed, at 20 points of each campaign."""
    for campaign in (profile, colocation):
        folder = Path(sys.argv[1]) / campaign.__name__
        folder.mkdir()
        whole = FakeDevice(MODELS, gap_ns=2_000)
        campaign(whole, folder / "whole.parquet")
        points = random.Random(3).sample(range(1, whole.launches), 20)
        launches = []
        for point in points:
            output = folder / f"{point}.parquet"
            kill(campaign, point, output)
            resumed = FakeDevice(MODELS, gap_ns=2_000)
            campaign(resumed, output)
            launches.append(resumed.launches)
            assert output.read_bytes() == (folder / "whole.parquet").read_bytes(), point
        assert len(list(folder.iterdir())) == 21, "something was left behind"
        assert min(launches) < whole.launches / 2, "nothing was kept"
        print(campaign.__name__, len(points))


if __name__ == "__main__":
    main()
