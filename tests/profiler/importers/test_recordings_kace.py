"""KACE and PEACE as recordings: the real files against a few lines of their own, and made ones with more members."""

import csv
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from isim.errors import ProfileError
from isim.profiler.importers.recordings.experiment import Execution
from isim.profiler.importers.recordings.kace import read_kace
from isim.profiler.importers.recordings.kace_campaign import until_the_second_ended
from isim.profiler.importers.recordings.record import record
from isim.profiler.profile import Profile

COLUMNS = (
    "experiment,sharing,members,position,workload,mps_percent,throughput_colocated,throughput_solo_kace,"
    "throughput_solo_peace"
)
# Those of the staged kernel tables.
WITH_KERNELS = {("bert-base-cased", 8), ("bert-base-cased", 16)} | {
    (model, size) for model in ("vit-base-patch16-224", "wav2vec2-base-960h") for size in (2, 8, 16)
}


def rows_of(folder: Path, *names: str, solo: str = "rule", sharing: str | None = None) -> pd.DataFrame:
    """Return the co-located rows, with what the tests select them by."""
    campaign = read_kace([folder / "gpu/v100-kace" / name for name in names], solo=solo)
    frame = record(campaign, sharing=sharing)[0].table.to_pandas()
    known = pd.Series(
        [pair in WITH_KERNELS for pair in zip(frame.model, frame.batch_size, strict=True)], index=frame.index
    )
    experiments = frame.groupby("experiment")
    return frame.assign(
        members=experiments.member.transform("size"),
        kernels=known.groupby(frame.experiment).transform("all"),
        whole=experiments.sm_share.transform("min") == 1,
    )


def error_without_interference(slowdown: "pd.Series[float]") -> "pd.Series[float]":
    return (1 - slowdown).abs() / slowdown


def test_labelled_pairs_have_the_slowdowns_that_the_replay_is_held_to(shared_data: Path) -> None:
    frame = rows_of(shared_data, "labelled_pairs.csv", "solo_throughput_vs_mps.csv")
    pairs = frame[frame.members == 2]
    assert pairs.experiment.nunique() == 181
    pairs = pairs[pairs.kernels]
    assert (pairs.experiment.nunique(), len(pairs)) == (33, 66)

    # By hand: KACE's solo throughput, but PEACE's for wav2vec2.
    labelled = pd.read_csv(shared_data / "gpu/v100-kace/labelled_pairs.csv")
    summary = pd.read_csv(shared_data / "gpu/v100-kace/kernel_summary.csv", index_col="workload")
    peace = pd.read_csv(shared_data / "gpu/v100-kace/solo_throughput_vs_mps.csv", index_col="workload")["100"]
    expected = []
    for row in labelled.itertuples():
        if {row.workload1, row.workload2} <= set(summary.index):
            for name, throughput, solo in (
                (row.workload1, row.w1throughput, row.w1exclusive_throughput),
                (row.workload2, row.w2throughput, row.w2exclusive_throughput),
            ):
                expected.append((peace[name] if name.startswith("wav2vec2") else solo) / throughput)
    assert pairs.slowdown.to_numpy() == pytest.approx(expected, rel=1e-6)
    assert error_without_interference(pairs.slowdown).mean() == pytest.approx(0.267, abs=0.0005)


def test_shares_take_peace_s_curve_and_kace_s_extra_host_time(shared_data: Path) -> None:
    frame = rows_of(shared_data, "pairs.csv", "solo_throughput_vs_mps.csv", sharing="mps")
    assert frame[frame.members == 2].experiment.nunique() == 848
    partitioned = frame[(frame.members == 2) & frame.kernels & ~frame.whole]
    assert (partitioned.experiment.nunique(), len(partitioned)) == (307, 614)
    error = error_without_interference(partitioned.slowdown)
    assert (error.mean(), np.percentile(error, 90)) == pytest.approx((0.054, 0.125), abs=0.0005)

    # By hand: a batch of 8 takes vit 8/113.318 s at the whole GPU and 8/77.092 s at 40 % in PEACE, 8/79.591 s in KACE.
    vit = frame[(frame.members == 1) & (frame.model == "vit-base-patch16-224") & (frame.batch_size == 8)]
    solo_ns = vit.set_index("sm_share").finish_ns
    assert solo_ns[1.0] == pytest.approx(8 / 79.590991 * 1e9, rel=1e-6)
    assert solo_ns[0.4] == pytest.approx((8 / 77.092 + 8 / 79.590991 - 8 / 113.318) * 1e9, rel=1e-6)
    # 39 workloads at 10 shares: the curve has every workload of the pairs.
    assert (frame.members == 1).sum() == 390


def test_time_slicing_stands_apart(shared_data: Path) -> None:
    frame = rows_of(shared_data, "pairs.csv", "solo_throughput_vs_mps.csv")
    assert frame[frame.members == 2].groupby("sharing").experiment.nunique().to_dict() == {
        "mps": 848,
        "time-slicing": 288,
    }
    sliced = frame[(frame.sharing == "time-slicing") & frame.kernels]
    assert sliced.experiment.nunique() == 61
    host_bound = sliced.model.str.startswith("vit").groupby(sliced.experiment).transform("any")
    on_gpu = sliced[~host_bound].slowdown
    assert (on_gpu.mean(), on_gpu.std()) == pytest.approx((2.01, 0.09), abs=0.005)
    assert ((2 - on_gpu).abs() / on_gpu).mean() == pytest.approx(0.037, abs=0.0005)
    assert ((2 - sliced.slowdown).abs() / sliced.slowdown).mean() == pytest.approx(0.43, abs=0.005)

    chosen = rows_of(shared_data, "pairs.csv", sharing="time-slicing")
    assert set(chosen[chosen.members > 1].sharing) == {"time-slicing"}


def test_stale_solo_throughputs_are_named(shared_data: Path) -> None:
    folder = shared_data / "gpu/v100-kace"
    recording, notes = record(read_kace([folder / "pairs.csv", folder / "solo_throughput_vs_mps.csv"]))
    stale = [note.split(": ")[1] for note in notes if "stale" in note]
    assert stale == ["wav2vec2-base-960h", "whisper-large-v2"]
    assert any("time-slicing" in note and "inferred" in note for note in notes)
    footer = recording.footer
    assert {model for model, source in footer["solo"].items() if source == "kace"} == {
        "albert-base-v2-train",
        "bert-base-cased",
        "bert-base-cased-train",
        "vit-base-patch16-224",
        "vit_h_14-train",
    }
    assert "no" in footer["licence"].split()[0]
    assert [file["file"] for file in footer["files"]] == ["pairs.csv", "solo_throughput_vs_mps.csv"]


def test_the_first_of_a_pair_ran_alone_for_a_while(shared_data: Path) -> None:
    """Processes of one workload show it: for how long does not depend on how long the two ran together."""
    frame = rows_of(shared_data, "pairs.csv", "solo_throughput_vs_mps.csv")
    pairs = frame[(frame.members == 2) & frame.whole & ~frame.kernels]
    first, second = (pairs[pairs.member == place].set_index("experiment") for place in (0, 1))
    same = (first.model == second.model) & (first.batch_size == second.batch_size) & second.batches.notna()
    same &= (second.slowdown > 1.5) & ~first.model.str.startswith("whisper")  # which runs for up to an hour
    first, second = first[same], second[same]
    together_s = second.batches * second.finish_ns / 1e9
    ratio = second.finish_ns / first.finish_ns
    for sharing, slowdown in (("time-slicing", 2.0), ("mps", second.slowdown)):
        alone_s = (together_s * (ratio - 1) / (slowdown - ratio))[first.sharing == sharing]
        assert len(alone_s) >= 7
        assert alone_s.median() == pytest.approx(2.3, abs=0.15)
        assert alone_s.between(1.4, 3.3).all()
    assert set(first.alone_ns) == {2_300_000_000}
    assert first.batches.isna().all()
    assert second.alone_ns.isna().all()


def test_who_had_too_few_data_did_not_outlast_the_other(tmp_path: Path) -> None:
    lines = []
    for names in (("net_batch16-inf", "slow_batch16-inf"), ("slow_batch16-inf", "net_batch16-inf")):
        for place, name in enumerate(names):
            rate = 16 if name.startswith("slow") else 160 + place
            lines.append(
                f"0624,{names[0]},time-slicing,{'|'.join(names)},{place},{name},100,{rate},{2 * rate},{2 * rate}"
            )
    (tmp_path / "c.csv").write_text("\n".join([f"campaign,{COLUMNS}", *lines, ""]))
    frame = record(read_kace([tmp_path / "c.csv"]))[0].table.to_pandas()
    beside = frame[frame.groupby("experiment").member.transform("size") > 1]
    # 625 batches of 0.1 s end before 391 of a second; 625 of a second do not end before 391 of 0.1 s.
    assert beside.batches.fillna(0).tolist() == [0, 0, 0, 391]
    assert beside.alone_ns.fillna(0).tolist() == [0, 0, 2_300_000_000, 0]


@pytest.mark.parametrize(
    ("first", "duration_s", "other_s", "outlasts"),
    [
        (("bert-base-cased", 16), 0.1, 0.4, True),  # 1875 batches of data: 187.5 s; the other one takes 156.4
        (("bert-base-cased", 16), 0.1, 0.5, False),  # 195.5 s
        (("vit-base-patch16-224", 16), 0.1, 0.4, False),  # 625 batches: 62.5 s
        (("bert-base-cased", 2), 0.01, 0.25, True),  # 97.75 s of 100
        (
            ("bert-base-cased", 2),
            0.01,
            0.3,
            False,
        ),  # 117.3 s of 100: 10,000 batches end before the data
    ],
    ids=["enough", "too few", "less than BERT's", "enough for small batches", "10,000 batches"],
)
def test_bert_has_three_times_the_data(
    first: tuple[str, int], duration_s: float, other_s: float, outlasts: bool
) -> None:
    pair = Execution(0, *first, duration_s * 1e9), Execution(1, "vit-base-patch16-224", 8, other_s * 1e9)
    found = until_the_second_ended(*pair)
    assert (found[0].alone_ns is not None, found[1].batches is not None) == (outlasts, outlasts)


def test_a_source_can_be_chosen(shared_data: Path) -> None:
    folder = shared_data / "gpu/v100-kace"
    kace, _ = record(read_kace([folder / "labelled_pairs.csv"], solo="kace"))
    # Published as they are, they are faster than alone or slower than any sharing explains: 126 samples/s for a batch
    # of 16 against at most 65 beside others.
    assert kace.footer["left_out"]["faster beside others than alone"]
    assert max(kace.table["slowdown"].drop_null().to_pylist()) > 11
    peace = rows_of(shared_data, "labelled_pairs.csv", "solo_throughput_vs_mps.csv", solo="peace")
    pairs = peace[(peace.members == 2) & peace.kernels]
    bert = pairs[(pairs.model == "bert-base-cased") & (pairs.batch_size == 8)]
    assert set(bert.solo_ns) == {round(8 / 105.535 * 1e9)}


def test_a_pair_in_two_files_counts_once(shared_data: Path) -> None:
    folder = shared_data / "gpu/v100-kace"
    names = ("labelled_pairs.csv", "pairs.csv", "solo_throughput_vs_mps.csv")
    recording, notes = record(read_kace([folder / name for name in names]))
    assert len(recording.footer["left_out"]["stands there twice"]) == 181
    assert any("181" in note for note in notes)
    assert len(recording.table) == 390 + 2 * (848 + 288)


def test_peace_s_own_pairs_keep_their_own_solos(shared_data: Path) -> None:
    frame = rows_of(shared_data, "pairs_gslice_freq1530.csv")
    assert frame.experiment.nunique() == 121
    figures = (frame.slowdown.min(), frame.slowdown.median(), frame.slowdown.mean(), frame.slowdown.quantile(0.9))
    assert figures == pytest.approx((0.86, 1.11, 1.14, 1.26), abs=0.005)
    assert frame.slowdown.max() == pytest.approx(2.01, abs=0.005)


def write(path: Path, *experiments: tuple[str, str, list[tuple[str, float | None, float, float]]]) -> Path:
    """Write experiments of (workload, throughput, KACE's and PEACE's solo throughput) at the whole GPU."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS.split(","))
        for label, sharing, members in experiments:
            names = "|".join(name for name, *_ in members)
            for position, (name, beside, kace, peace) in enumerate(members):
                table.writerow(
                    [label, sharing, names, position, name, 100, "" if beside is None else beside, kace, peace]
                )
    return path


@pytest.mark.parametrize("count", [2, 3, 4])
def test_as_many_members_as_the_file_has(tmp_path: Path, count: int) -> None:
    members = [(f"net{member}_batch{member + 1}-inf", 100.0 / (member + 2), 100.0, 90.0) for member in range(count)]
    path = write(tmp_path / "c.csv", ("first", "mps", members), ("second", "time-slicing (inferred)", members[::-1]))
    table = record(read_kace([path]))[0].table.to_pandas()
    beside = table[table.groupby("experiment").member.transform("size") > 1]
    assert beside.member.tolist() == 2 * list(range(count))
    assert beside.model.tolist() == [name.split("_")[0] for name, *_ in members + members[::-1]]
    slowdowns = [member + 2 for member in range(count)]
    assert beside.slowdown.tolist() == pytest.approx(slowdowns + slowdowns[::-1])
    assert beside.sharing.tolist() == ["mps"] * count + ["time-slicing"] * count
    first = beside.iloc[0]
    assert (first.statistic, first.start_ns, first.finish_ns) == ("mean", 0, 20_000_000)


def profile_of(model: str, batch_size: int, kernel_ms: float) -> Profile:
    row = {
        "model": model,
        "batch_size": batch_size,
        "sm_share": 1.0,
        "position": 0,
        "kind": "kernel",
        "name": "gemm",
        "duration_ns": round(kernel_ms * 1e6),
        "gap_ns": 0,
    }
    return Profile.from_table(pa.Table.from_pylist([row]), {"origin": "imported"})


def test_kernels_bound_a_solo_throughput(tmp_path: Path) -> None:
    """4 samples whose kernels take 30 ms cannot run at 400/s; what holds of one batch size holds of the model."""
    members = [("net_batch4-inf", 50.0, 400.0, 100.0), ("net_batch1-inf", 30.0, 60.0, 50.0)]
    path = write(tmp_path / "c.csv", ("pair", "mps", members))
    known, notes = record(read_kace([path], profile=profile_of("net", 4, 30.0)))
    assert known.footer["solo"] == {"net": "peace"}
    assert known.table.filter(pa.compute.equal(known.table["experiment"], 2))["solo_ns"].to_pylist() == [4e7, 2e7]
    assert ["batch size 4: 400/s alone exceeds the bound of its kernels" in note for note in notes] == [True]
    assert record(read_kace([path]))[0].footer["solo"] == {"net": "kace"}


def test_both_sources_stale_leave_no_slowdown(tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", ("pair", "mps", [("a_batch1-inf", 10, 5, 6), ("b_batch1-inf", 10, 20, 25)]))
    recording, notes = record(read_kace([path]))
    assert recording.table.to_pandas().groupby("model").slowdown.max().to_dict() == {
        "a": pytest.approx(math.nan, nan_ok=True),
        "b": 2,
    }
    assert "kace: 1 row has no solo duration, so its slowdown is null" in notes


def test_a_missing_measurement_takes_its_experiment_with_it(tmp_path: Path) -> None:
    """With one member left out, the other would look as if it had run alone."""
    whole = [("a_batch1-inf", 10, 20, 20), ("b_batch1-inf", 10, 20, 20)]
    path = write(
        tmp_path / "c.csv", ("whole", "mps", whole), ("half", "mps", [whole[0], ("b_batch1-inf", None, 20, 20)])
    )
    recording, notes = record(read_kace([path]))
    assert recording.footer["left_out"] == {"a measurement is missing": ["half"]}
    assert "kace: left out, a measurement is missing: 1 (half)" in notes
    assert len(recording.table) == 4  # two alone, two together


GOOD = (
    "x,mps,a_batch1-inf|b_batch1-inf,0,a_batch1-inf,100,10,20,20\n"
    "x,mps,a_batch1-inf|b_batch1-inf,1,b_batch1-inf,100,10,20,20\n"
)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "c.csv: empty"),
        (COLUMNS + "\n", "no line below the header"),
        (COLUMNS + "\n" + GOOD[:-30], "line 3 has 3 cells, the header 9"),
        (COLUMNS + "\n" + GOOD.splitlines()[0] + "\n", "column 'members': not the workloads of the experiment's rows"),
        (
            COLUMNS + "\n" + GOOD.replace("mps", "magic"),
            "column 'sharing': neither mps nor time-slicing (found 'magic'",
        ),
        (COLUMNS + "\n" + GOOD.replace(",10,", ",fast,"), "not a positive number (found 'fast' in line 2 and 1 more)"),
        (COLUMNS + "\n" + GOOD.replace(",10,", ",-1,"), "not a positive number (found '-1'"),
        (COLUMNS + "\n" + GOOD.replace(",10,", ",1e-300,"), "is none of a batch; check the unit"),
        (COLUMNS + "\n" + GOOD.replace(",100,", ",400,"), "not a share of the SMs (found '400'"),
        (COLUMNS + "\n" + GOOD.replace("a_batch1", "a_batch0"), "not a workload such as"),
        (COLUMNS.replace("experiment", "try") + "\n" + GOOD, "no throughputs in a known form (has: try, sharing"),
        (COLUMNS + "\n" + GOOD.replace(",10,20,20", ",,,"), "nothing remains to import (a measurement is missing: 1)"),
    ],
)
def test_a_damaged_file_is_refused_in_sentences(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "c.csv"
    path.write_text(content)
    with pytest.raises(ProfileError) as refused:
        record(read_kace([path]))
    assert says in str(refused.value)


def test_an_unknown_choice_and_a_file_named_twice(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(COLUMNS + "\n" + GOOD)
    with pytest.raises(ProfileError, match="unknown solo throughputs"):
        read_kace([path], solo="mine")
    with pytest.raises(ProfileError, match="the same content as"):
        read_kace([path, path])
    with pytest.raises(ProfileError, match=r"found: mps"):
        record(read_kace([path]), sharing="time-slicing")
