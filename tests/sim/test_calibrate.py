"""Fitting a contention model to mixes whose truth is known."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from worlds import kernel, profile_of

from isim.calibrate import fit, predict
from isim.calibration.linear_baseline import linear_errors
from isim.calibration.mixes import Mix, folds, measured, read_mixes
from isim.calibration.replay import Process
from isim.calibration.window import Window
from isim.contention.constant import Constant
from isim.contention.contention_file import read_contention, write_contention
from isim.contention.leftover import Leftover
from isim.contention.none import NoContention
from isim.errors import ContentionError, ProfileError
from isim.profiler.colocation import Recording

PROFILE = profile_of(
    {
        ("short", 1): [kernel(100_000, gap_ns=50_000, sm=0.7, dram=0.2)] * 4,
        ("long", 2): [kernel(900_000, sm=0.9, dram=0.1), kernel(700_000, gap_ns=100_000, sm=0.5, dram=0.6)],
        ("idle", 1): [kernel(300_000, gap_ns=900_000, sm=0.4, dram=0.8)],
    }
)
PROCESSES = [Process("short", 1), Process("long", 2), Process("idle", 1)]
PAIRS = [(a, b) for i, a in enumerate(PROCESSES) for b in PROCESSES[i:]]


def mixes_under(truth: Leftover | NoContention) -> list[Mix]:
    empty = [Mix(i, pair, (1.0, 1.0)) for i, pair in enumerate(PAIRS)]
    slowdowns = np.reshape(predict(PROFILE, empty, truth, phases=4), (-1, 2))
    return [Mix(mix.experiment, mix.processes, (a, b)) for mix, (a, b) in zip(empty, slowdowns.tolist(), strict=True)]


def test_planted_parameters_are_recovered_and_identified() -> None:
    with ThreadPoolExecutor(1) as executor:
        found = fit(PROFILE, mixes_under(Leftover(kappa=0.9, beta=0.1)), Leftover, executor)
    assert found.parameters == {"kappa": 0.9, "beta": 0.1}
    assert found.unidentified == ()
    assert found.errors["fit"].mape == pytest.approx(0, abs=1e-12)
    assert found.errors["pair"].mape == pytest.approx(0, abs=1e-12)  # five pairs are enough to find them
    assert found.intervals == {"kappa": (0.9, 0.9), "beta": (0.1, 0.1)}
    assert {name: error.n for name, error in found.families.items()} == {"short": 6, "long": 6, "idle": 6}
    assert max(error.mape for error in found.families.values()) == pytest.approx(0, abs=1e-12)


def test_what_the_data_cannot_tell_is_frozen() -> None:
    alone = [Mix(0, (Process("idle", 1), Process("idle", 1)), (1.0, 1.0))] * 3
    quiet = profile_of({("idle", 1): [kernel(1_000, gap_ns=10**9, sm=0.1)]})  # they hardly ever meet
    with ThreadPoolExecutor(1) as executor:
        found = fit(quiet, alone, Constant, executor)
    assert found.unidentified == ("slowdown",)
    assert found.parameters == {"slowdown": 1.5}


def test_a_wrong_model_is_seen_to_be_wrong() -> None:
    mixes = mixes_under(Leftover())
    with ThreadPoolExecutor(1) as executor:
        right, wrong = (fit(PROFILE, mixes, target, executor) for target in (Leftover, NoContention))
    assert right.unseen.mean() < 1e-9 < 0.1 < wrong.unseen.mean()
    truth = measured(mixes)
    assert wrong.errors["fit"].mape == pytest.approx(np.mean(np.abs(1 - truth) / truth), abs=1e-6)
    assert wrong.errors["fit"].mape_low <= wrong.errors["fit"].mape <= wrong.errors["fit"].mape_high


def test_folds_leave_out_pairs_families_and_sizes() -> None:
    a, b, c = PROCESSES
    mixes = [Mix(0, (a, b), (1, 1)), Mix(1, (b, a), (1, 1)), Mix(2, (a, c), (1, 1)), Mix(3, (a, b, c), (1, 1, 1))]
    found = folds(mixes)
    members = {kind: {name: int(mask.sum()) for name, mask in masks.items()} for kind, masks in found.items()}
    assert members == {
        "pair": {"idle@1 + long@2 + short@1": 3, "long@2 + short@1": 4, "idle@1 + short@1": 2},  # in either order
        "family": {"short": 9, "long": 7, "idle": 5},
        "co-runners": {"2": 6, "3": 3},
    }


def test_a_linear_truth_is_met_by_the_linear_baseline() -> None:
    flat = {f"m{i}": 0.1 * (i + 1) for i in range(5)}
    profile = profile_of({(model, 1): [kernel(10**6, sm=u)] for model, u in flat.items()})
    pairs = [(Process(a, 1), Process(b, 1)) for a in flat for b in flat if a <= b]
    mixes = [
        Mix(i, pair, tuple(1 + 0.3 * flat[own.model] + 0.5 * flat[other.model] for own, other in (pair, pair[::-1])))
        for i, pair in enumerate(pairs)
    ]
    errors = linear_errors(profile, mixes)
    assert all(values.max() < 1e-9 for values in errors.values())


def recording(**changed: object) -> Recording:
    table = {
        "experiment": [0, 0, 1, 2, 2, 3, 3],
        "sharing": ["mps"] * 5 + ["time-slicing"] * 2,
        "member": [0, 1, 0, 0, 1, 0, 1],
        "model": ["short", "long", "short", "short", "other", "short", "long"],
        "batch_size": [1, 2, 1, 1, 1, 1, 2],
        "sm_share": [1.0] * 7,
        "start_ns": [0] * 7,
        "finish_ns": [1200, 4000, 600, 900, 900, 1200, 3200],
        "solo_ns": [600, 2000, 600, 600, 900, 600, 1600],
        "counted": [True] * 7,
    }
    return Recording.from_table(pa.table(table | changed), {"origin": "imported"})


def test_mixes_of_a_recording() -> None:
    mixes, notes = read_mixes(recording(), PROFILE, "mps", "c.parquet")
    assert mixes == [Mix(0, (Process("short", 1), Process("long", 2)), (2.0, 2.0), "mps")]
    assert notes == [
        "1 experiment left out: a member the profile does not hold",
        "1 experiment left out: measured under another sharing mode (time-slicing)",
        "the profile does not hold other@1",
    ]
    with pytest.raises(ProfileError, match=r"c\.parquet: no experiment that can be replayed under sharing 'streams'"):
        read_mixes(recording(), PROFILE, "streams", "c.parquet")


@pytest.mark.parametrize(
    ("modes", "share", "asked", "advice"),
    [
        ("mps", 1.0, "streams", "choose --sharing mps"),
        ("mps", 0.5, "streams", "choose --sharing mps:shares"),
        ("mps", 0.5, "mps", "choose --sharing mps:shares"),
        ("mps", 1.0, "mps:shares", "choose --sharing mps"),
        ("streams", 0.5, "mps", "record mixes of workloads that the profile holds"),
    ],
)
def test_mixes_of_another_mode_only_are_a_matter_of_the_mode(modes: str, share: float, asked: str, advice: str) -> None:
    other = recording(sharing=[modes] * 7, sm_share=[share] * 7)
    with pytest.raises(ProfileError, match=rf"; {advice}$"):
        read_mixes(other, PROFILE, asked, "c.parquet")


def test_mixes_know_over_what_their_means_were_taken() -> None:
    found = recording(
        batches=pa.array([None, 400, None, None, None, None, None], pa.int64()),
        alone_ns=pa.array([2_000_000_000, *[None] * 6], pa.int64()),
    )
    ((mix,), _) = read_mixes(found, PROFILE, "mps", "c.parquet")
    assert mix.windows == (Window(alone_s=2.0), Window(batches=400))
    assert (
        predict(PROFILE, [mix], Constant(slowdown=2.0), 1)[0]
        < predict(PROFILE, [mix._replace(windows=())], Constant(slowdown=2.0), 1)[0]
    )


def test_mixes_held_to_shares_know_what_the_share_costs_alone() -> None:
    changed = {"sm_share": [0.25, 0.75, 1.0, 0.25, 1.0, 1.0, 1.0], "experiment": [0, 0, 1, 2, 3, 4, 4]}
    changed |= {"member": [0, 1, 0, 0, 0, 0, 1], "finish_ns": [1200, 4000, 600, 900, 900, 1200, 3200]}
    found = recording(**changed)
    ((mix,), _) = read_mixes(found, PROFILE, "mps:shares", "c.parquet")
    # `short` took 900 ns alone at a quarter and 600 ns at the whole GPU; `long` was not measured alone.
    assert mix.processes == (Process("short", 1, 0.25, 1.5), Process("long", 2, 0.75, 0.0))
    assert mix.sharing == "mps"
    with pytest.raises(ProfileError, match="1 experiment left out: a member held to a share of the SMs"):
        read_mixes(found, PROFILE, "mps", "c.parquet")
    with pytest.raises(ProfileError, match="no such sharing mode"):
        read_mixes(found, PROFILE, "mps:share", "c.parquet")


def test_a_contention_file_builds_its_model(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    content = {
        "name": "leftover",
        "parameters": {"kappa": 0.9, "beta": 0.1},
        "errors": {"pair": {"mape": 0.05, "n": 66}},
        "families": {"yolo v8.1": {"mape": 0.05}},
    }
    write_contention(path, content)
    model, read = read_contention(path)
    assert isinstance(model, Leftover)
    assert (model.kappa, model.beta) == (0.9, 0.1)
    assert read == {"schema": "1", **content}
    with pytest.raises(ContentionError, match="exists already"):
        write_contention(path, content)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "no such file"),
        ("name = ", "not TOML"),
        ('name = "leftover"', "not a contention file of a known version"),
        ('schema = "1"\nname = "leftovers"', "did you mean"),
        ('schema = "1"\nname = "leftover"\n[parameters]\nkapa = 1.0', "kappa"),
        ('schema = "1"\nname = "leftover"\n[parameters]\nkappa = -1.0', "kappa must be at least 0"),
    ],
)
def test_a_wrong_contention_file_is_told(tmp_path: Path, text: str | None, sentence: str) -> None:
    path = tmp_path / "c.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ContentionError) as caught:
        read_contention(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert sentence in str(caught.value)
