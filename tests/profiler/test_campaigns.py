"""A campaign that is interrupted anywhere goes on to the very same file; nothing is ever written half."""

import errno
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_device import FakeDevice, fake_bench

from isim.errors import ProfileError
from isim.profiler.colocated import Rounds
from isim.profiler.colocation import Recording
from isim.profiler.colocation_campaign import record_colocation
from isim.profiler.journal import Journal
from isim.profiler.mix import all_mixes
from isim.profiler.profile import Profile
from isim.profiler.profile_campaign import record_profile
from isim.profiler.stopping import Stopping

MODELS = {"bert": (4_000_000, 6_000_000), "mlp": (1_900_000,), "cnn": (2_000_000, 3_500_000)}
SLOWDOWNS = {(left, right): 1.0 + 0.1 * len(left + right) for left in MODELS for right in MODELS}
STOPPING = Stopping(min_repetitions=20, min_s=0.0, timeout_s=0.2)
Campaign = Callable[[FakeDevice, Path], object]


def profile(device: FakeDevice, output: Path) -> object:
    return record_profile(fake_bench(device), list(MODELS), [1, 2], output, stopping=STOPPING)


def colocation(device: FakeDevice, output: Path) -> object:
    rounds = Rounds(stretch_s=0.02, at_least=3, min_rounds=2, stopping=STOPPING)
    return record_colocation(fake_bench(device), all_mixes(list(MODELS), [1]), "streams", output, rounds=rounds)


def device(dies_at: int | None = None, throttled_every: int = 97) -> FakeDevice:
    def throttled(number: int) -> bool:
        return number % throttled_every == 3

    return FakeDevice(MODELS, SLOWDOWNS, gap_ns=2_000, throttled=throttled, dies_at=dies_at)


@pytest.mark.parametrize("campaign", [profile, colocation])
def test_interrupted_at_twenty_points_it_ends_in_the_same_file(campaign: Campaign, tmp_path: Path) -> None:
    whole = device()
    campaign(whole, tmp_path / "whole.parquet")
    points = random.Random(1).sample(range(1, whole.launches), 20)
    for point in points:
        output = tmp_path / f"{point}.parquet"
        with pytest.raises(KeyboardInterrupt):
            campaign(device(dies_at=point), output)
        assert not output.exists()
        campaign(device(), output)
        assert output.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".parquet"] * 21


def test_killed_at_twenty_points_it_ends_in_the_same_file(tmp_path: Path) -> None:
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, str(here / "kill_campaigns.py"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(here.parent)}, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "profile 20\ncolocation 20\n"), done.stderr


@pytest.mark.parametrize("campaign", [profile, colocation])
def test_a_journal_torn_at_twenty_points_ends_in_the_same_file(
    campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign(device(), tmp_path / "whole.parquet")
    journal = tmp_path / ".torn.parquet.journal"
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "finish", lambda self: None)
        campaign(device(), tmp_path / "torn.parquet")
    content = journal.read_bytes()
    (tmp_path / "torn.parquet").unlink()
    for length in random.Random(2).sample(range(len(content)), 20):
        journal.write_bytes(content[:length])
        campaign(device(), tmp_path / "torn.parquet")
        assert (tmp_path / "torn.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
        assert not journal.exists()
        (tmp_path / "torn.parquet").unlink()


def test_what_was_measured_is_not_measured_again(tmp_path: Path) -> None:
    first, second = device(dies_at=400), device()
    with pytest.raises(KeyboardInterrupt):
        profile(first, tmp_path / "p.parquet")
    profile(second, tmp_path / "p.parquet")
    measured_first = {(workload.model, workload.batch_size) for workload in first.loaded[:-1]}
    measured_second = {(workload.model, workload.batch_size) for workload in second.loaded}
    assert measured_first
    assert measured_first.isdisjoint(measured_second)
    assert len(measured_first | measured_second) == 6


def test_a_full_disk_loses_nothing_that_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile(device(), tmp_path / "whole.parquet")
    write, written = os.write, []

    def full(file: int, content: bytes) -> int:
        written.append(content)
        if len(written) == 4:
            write(file, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, content)

    with monkeypatch.context() as patched:
        patched.setattr("isim.profiler.journal.os.write", full)
        with pytest.raises(ProfileError, match=r"No space left on device\); free some space and repeat the command"):
            profile(device(), tmp_path / "p.parquet")
    resumed = device()
    profile(resumed, tmp_path / "p.parquet")
    assert len(resumed.loaded) == 4  # two of six were kept
    assert (tmp_path / "p.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_a_disk_that_fills_at_the_end_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("isim.profiler.parquet_file.pq.write_table", full)
        with pytest.raises(ProfileError, match="No space left on device"):
            profile(device(), tmp_path / "p.parquet")
    assert [path.name for path in tmp_path.iterdir()] == [".p.parquet.journal"]
    again = device()
    profile(again, tmp_path / "p.parquet")
    assert again.launches == 0


def test_another_campaign_does_not_go_on_with_this_one(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        profile(device(dies_at=400), tmp_path / "p.parquet")
    with pytest.raises(ProfileError, match=r"another kind \(differs in: batch_sizes, models\); repeat its command"):
        record_profile(fake_bench(device()), ["bert"], [1], tmp_path / "p.parquet", stopping=STOPPING)
    bench = fake_bench(device())
    made = record_profile(bench, ["bert"], [1], tmp_path / "p.parquet", stopping=STOPPING, force=True)
    assert made.models == ("bert",)


def test_a_campaign_that_had_ended_is_measured_anew_when_forced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Killed between writing the file and removing the journal: the file is whole, the journal is stale.
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "finish", lambda self: None)
        profile(device(), tmp_path / "p.parquet")
    again = device()
    record_profile(fake_bench(again), list(MODELS), [1, 2], tmp_path / "p.parquet", stopping=STOPPING, force=True)
    assert len(again.loaded) == 6
    assert not (tmp_path / ".p.parquet.journal").exists()


def test_an_existing_file_is_kept_and_nothing_is_measured(tmp_path: Path) -> None:
    (tmp_path / "p.parquet").write_text("precious")
    unused = device()
    with pytest.raises(ProfileError, match="exists already"):
        profile(unused, tmp_path / "p.parquet")
    assert unused.launches == 0
    assert (tmp_path / "p.parquet").read_text() == "precious"


def test_two_campaigns_do_not_write_one_file(tmp_path: Path) -> None:
    with (
        Journal(tmp_path / "p.parquet", {}),
        pytest.raises(ProfileError, match="another campaign is writing it"),
    ):
        Journal(tmp_path / "p.parquet", {})


def test_the_files_say_how_they_were_measured(tmp_path: Path) -> None:
    profile(device(throttled_every=7), tmp_path / "p.parquet")
    footer = Profile.read(tmp_path / "p.parquet").footer
    assert footer["origin"] == "measured"
    assert footer["licence"] == "that of whoever measured it; isim claims none"
    assert footer["method"]["recorder"] == "fake recorder"
    assert 0.1 < footer["rejected_share"] < 0.2  # one in seven was throttled
    assert {batch["batch_size"] for batch in footer["batches"]} == {1, 2}
    colocation(device(), tmp_path / "c.parquet")
    recording = Recording.read(tmp_path / "c.parquet")
    assert recording.footer["method"]["seed"] == 0
    assert [mix["members"] for mix in recording.footer["mixes"]][1] == ["bert@1", "mlp@1"]
    for mix in recording.footer["mixes"]:
        left, right = (member.partition("@")[0] for member in mix["members"])
        planted = [SLOWDOWNS[left, right], SLOWDOWNS[right, left]]
        assert mix["slowdown_median"] == pytest.approx(planted, rel=0.02)
