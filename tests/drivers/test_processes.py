"""Members in processes of their own, on one GPU in virtual time: turns without MPS, side by side with it."""

import json
from collections.abc import Callable
from typing import Any

import planted
import pytest

from isim.profiler.colocation import Recording

Gpu = Any
PAIR = "planted:gemms@8 + planted:copies@8"


@pytest.fixture
def shared_gpu(virtual_gpu: Gpu) -> Gpu:
    virtual_gpu.share()
    return virtual_gpu


def colocate(gpu: Gpu, mix: str, sharing: str, **environment: str) -> Any:
    arguments = ["profile", "--colocate", mix, "--device", "cuda:0", "--sharing", sharing, "-o", "c.parquet", "--json"]
    return gpu.isim(*arguments, "--stretch", "100ms", "--timeout", "1s", **environment)


def measured(gpu: Gpu, mix: str, sharing: str) -> dict[str, Any]:
    done = colocate(gpu, mix, sharing)
    assert done.code == 0, done.errors
    assert (done.contexts_left, done.processes) == (["0", "0"], 1 + mix.count("@"))
    recording = Recording.read(gpu.folder / "c.parquet")
    assert set(recording.table["sharing"].to_pylist()) == {sharing}
    (found,) = json.loads(done.output)["mixes"]
    return dict(found)


@pytest.mark.parametrize(
    ("mix", "slowdown"),
    [
        # One kind of kernel each and no gaps: both are always resident, and the largest sum of demands is the slowdown.
        ("planted:copies@8 + planted:copies@8", 0.8 + 0.8),
        ("planted:gemms@8 + planted:copies@8", 0.9 + 0.2),
        ("planted:gemms@8 + planted:copies@8 + planted:copies@4", 0.1 + 0.8 + 0.8),
    ],
)
def test_planted_slowdowns_under_mps_are_recovered(shared_gpu: Gpu, mix: str, slowdown: float) -> None:
    shared_gpu.start_mps()
    found = measured(shared_gpu, mix, "mps")["slowdown_mean"]
    assert found == pytest.approx([slowdown] * len(found), rel=0.02)


def test_members_are_held_to_their_shares(shared_gpu: Gpu) -> None:
    shared_gpu.start_mps()
    found = measured(shared_gpu, "planted:gemms@8/0.45 + planted:gemms@8/0.3", "mps")
    # A kernel that wants 0.9 of the SMs takes two and three times as long on its share; then there is enough for both.
    solo_ns = 1000 * planted.solo_us("gemms", 8)
    assert found["solo_ns"] == pytest.approx([2 * solo_ns, 3 * solo_ns], rel=0.01)
    assert found["slowdown_mean"] == pytest.approx([1, 1], rel=0.02)
    shares = Recording.read(shared_gpu.folder / "c.parquet").table["sm_share"].to_pylist()
    assert set(shares) == {0.45, 0.3}


@pytest.mark.parametrize("mps", [False, True], ids=["no daemon", "a daemon runs"])
def test_processes_take_turns(shared_gpu: Gpu, mps: bool) -> None:
    if mps:  # the members of `processes` must not become its clients
        shared_gpu.start_mps()
    found = measured(shared_gpu, PAIR, "processes")
    assert found["slowdown_mean"] == pytest.approx([2, 2], rel=0.02)


@pytest.mark.parametrize("sharing", ["streams", "processes"])
def test_a_share_that_nobody_would_hold_is_refused(shared_gpu: Gpu, sharing: str) -> None:
    done = colocate(shared_gpu, "planted:gemms@8/0.5 + planted:copies@8", sharing)
    assert done.code == 1
    assert f"--sharing {sharing}: cannot hold planted:gemms@8/0.5 to a share of the device, only mps can" in done.errors


def test_mps_without_its_daemon_is_refused(shared_gpu: Gpu) -> None:
    done = colocate(shared_gpu, PAIR, "mps", CUDA_MPS_PIPE_DIRECTORY=str(shared_gpu.folder / "absent"))
    assert (done.code, done.errors.splitlines()[-1]) == (
        1,
        "isim: --sharing mps: --device cuda:0 cannot share so; use streams or processes",
    )


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        ("kill:100", 1, "its process ended (exit code -9)"),
        ("kill:5000", 1, "its process ended (exit code -9)"),
        ("hang:5000", 1, "its process answered nothing for"),
        ("launch:5000", 1, "the GPU failed"),
        ("memory:1", 1, "out of memory"),
        ("interrupt:100", 130, "interrupted"),
        ("interrupt:5000", 130, "interrupted"),
    ],
)
def test_a_member_that_fails_takes_nothing_with_it(
    shared_gpu: Gpu, assert_clean: Callable[[Any], None], fault: str, code: int, says: str
) -> None:
    done = colocate(shared_gpu, PAIR, "processes", ISIM_FAKE_CUDA_FAULT=fault)
    assert done.code == code, done.errors
    assert says in done.errors
    assert_clean(done)
    assert not list(shared_gpu.folder.glob("*c.parquet*"))
