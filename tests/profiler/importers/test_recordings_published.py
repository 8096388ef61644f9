"""iGniter, Gpulet, Abacus, Echo-slowdown and simulated kernels as recordings, against a few lines of their own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from isim.errors import ProfileError
from isim.profiler.importers.recordings.abacus import read_abacus
from isim.profiler.importers.recordings.echo_slowdown import read_echo_slowdown
from isim.profiler.importers.recordings.experiment import Campaign
from isim.profiler.importers.recordings.gpgpusim import read_gpgpusim
from isim.profiler.importers.recordings.gpulet import read_gpulet
from isim.profiler.importers.recordings.igniter import read_igniter
from isim.profiler.importers.recordings.record import record


def rows_of(campaign: Campaign) -> pd.DataFrame:
    frame = record(campaign)[0].table.to_pandas()
    return frame.assign(members=frame.groupby("experiment").member.transform("size"))


def test_igniter(shared_data: Path) -> None:
    folder = shared_data / "gpu/v100-igniter"
    frame = rows_of(read_igniter([folder / "solo.csv", folder / "pairs.csv"]))
    assert frame.groupby("members").experiment.nunique().to_dict() == {1: 648, 2: 500}
    pairs = frame[frame.members == 2]
    solo_ms = pd.read_csv(folder / "solo.csv").set_index(["model", "batch", "mps_percent"]).latency_ms
    expected = [
        getattr(row, f"latency_ms_{side}")
        / solo_ms[getattr(row, f"model_{side}"), getattr(row, f"batch_{side}"), getattr(row, f"mps_percent_{side}")]
        for row in pd.read_csv(folder / "pairs.csv").itertuples()
        for side in (1, 2)
    ]
    assert pairs.slowdown.to_numpy() == pytest.approx(expected, rel=1e-5)
    # 4 of the 6 published model pairs; all 6 have 1.013, 1.091 and 1.234.
    figures = (pairs.slowdown.min(), pairs.slowdown.median(), pairs.slowdown.max())
    assert figures == pytest.approx((1.013, 1.088, 1.224), abs=0.0005)
    assert sorted(set(pairs.sm_share)) == [0.2, 0.4, 0.5, 0.6, 0.8]
    assert pairs.groupby("experiment").sm_share.sum().to_numpy() == pytest.approx(np.ones(500))


def test_igniter_of_three(tmp_path: Path) -> None:
    """Members beyond the second have columns of the same names."""
    header = [f"{column}_{n}" for n in (1, 2, 3) for column in ("model", "batch", "mps_percent", "latency_ms")]
    (tmp_path / "pairs.csv").write_text(",".join(header) + "\na,1,20,3,b,2,30,5,c,4,50,9\n")
    (tmp_path / "solo.csv").write_text("model,batch,mps_percent,latency_ms\na,1,20,2\nb,2,30,4\nc,4,50,6\nc,4,40,9\n")
    frame = rows_of(read_igniter([tmp_path / "pairs.csv", tmp_path / "solo.csv"]))
    three = frame[frame.members == 3]
    assert three.slowdown.tolist() == [1.5, 1.25, 1.5]
    assert three.batch_size.tolist() == [1, 2, 4]


def test_gpulet(shared_data: Path) -> None:
    folder = shared_data / "gpu/a100-gpulet"
    frame = rows_of(read_gpulet([folder / "solo.csv", folder / "pairs.csv"]))
    assert frame.groupby("members").experiment.nunique().to_dict() == {1: 420, 2: 2695}
    victims = frame[(frame.members == 2) & frame.counted]
    solo = pd.read_csv(folder / "solo.csv").set_index(["model", "batch", "mps_percent"]).throughput_per_s
    table = pd.read_csv(folder / "pairs.csv")
    keys = zip(table.victim, table.victim_batch, table.mps_percent, strict=True)
    expected = [solo[key] / beside for key, beside in zip(keys, table.throughput_per_s, strict=True)]
    assert victims.slowdown.to_numpy() == pytest.approx(expected, rel=1e-5)
    # 11 of the 15 published pairs; all 15 have a median of 1.31.
    assert victims.slowdown.median() == pytest.approx(1.318, abs=0.0005)
    assert (victims.slowdown.min(), victims.slowdown.max()) == pytest.approx((0.995, 3.5), abs=0.005)
    aggressors = frame[~frame.counted]
    assert len(aggressors) == 2695
    assert aggressors.slowdown.isna().all()
    assert aggressors.sm_share.to_numpy() + victims.sm_share.to_numpy() == pytest.approx(np.ones(2695))
    assert (aggressors.finish_ns.to_numpy() == victims.finish_ns.to_numpy()).all()


def test_abacus(shared_data: Path) -> None:
    folder = shared_data / "gpu/a100-abacus/pairs"
    campaign = read_abacus(sorted(folder.glob("*.csv")))
    frame = rows_of(campaign)
    # 21 pairs of models, at 4 x 4 batch sizes; the 6 with the text model at its 4 lengths: 15 * 16 + 6 * 64.
    assert frame[frame.members == 2].experiment.nunique() == 624
    assert not frame[frame.members == 2].counted.any()
    assert campaign.facts["rows_of_layers"] + frame.experiment.nunique() == 37_596
    assert campaign.notes == ("left out, layers of a model and not the whole: 35348 of 37596 rows",)

    table = pd.read_csv(folder / "resnet50_vgg19.csv")
    whole = table[(table.start == 0) & (table.end == 18) & (table["start.1"] == 0) & (table["end.1"] == 22)]
    ours = frame[(frame.members == 2) & (frame.model == "resnet50")]
    ours = ours[ours.experiment.isin(frame[frame.model == "vgg19"].experiment)]
    assert ours.statistic.unique().tolist() == ["makespan"]
    assert sorted(ours.finish_ns) == sorted((whole["mean"] * 1e3).round().astype(int))

    # A model beside an empty range ran alone.
    vgg = table[(table.start == table.end) & (table["start.1"] == 0) & (table["end.1"] == 22) & (table["bs.1"] == 8)]
    alone = frame[(frame.members == 1) & (frame.model == "vgg19") & (frame.batch_size == 8)]
    assert set((vgg["mean"] * 1e3).round().astype(int)) < set(alone.finish_ns)
    assert alone.statistic.unique().tolist() == ["mean"]
    assert {model for model in frame.model if "bert" in model} == {f"bert-seq{length}" for length in (8, 16, 32, 64)}
    # Two models take longer than the longer of them alone, but for noise.
    longest_ns = frame[frame.members == 2].groupby("experiment").solo_ns.max()
    makespan_ns = frame[frame.members == 2].groupby("experiment").finish_ns.max()
    assert (makespan_ns / longest_ns).median() > 1


def test_echo_slowdown(shared_data: Path) -> None:
    path = shared_data / "gpu/a100-echo-slowdown/kernels_overlapped_with_nccl.csv"
    recording, notes = record(read_echo_slowdown(path))
    frame = recording.table.to_pandas()
    members = frame.groupby("experiment").member.transform("size")
    # 619 kernels, 404 overlapped, one of which (the 251st) took 0.60 of its time alone.
    assert recording.footer["left_out"] == {"faster beside others than alone": ["0251-ampere_sgemm_128x64_tn"]}
    assert [note for note in notes if "0251" in note] == list(notes)
    assert frame.groupby(members).experiment.nunique().to_dict() == {1: 215, 2: 403}
    overlapped = frame[(members == 2) & frame.counted].slowdown
    assert overlapped.quantile([0.5, 0.75, 0.9]).tolist() == pytest.approx([1.01, 1.18, 3.1], abs=0.06)
    assert overlapped.max() == pytest.approx(29.4, abs=0.05)
    table = pd.read_csv(path)
    table = table[(table.overlap_ratio > 0) & (table.id != 251)]
    assert overlapped.tolist() == pytest.approx((table.duration / table.ground_truth).tolist())
    nccl = frame[~frame.counted]
    assert nccl.finish_ns.tolist() == (table.overlap_ratio * table.duration).round().tolist()
    assert recording.footer["licence"] == "MIT"


def test_simulated_kernels_have_the_signs_of_sharing(shared_data: Path) -> None:
    campaign = read_gpgpusim(sorted((shared_data / "gpu/simulated-gpgpusim").glob("*.txt")), clock_mhz=1000)
    recording, _ = record(campaign)
    assert recording.footer["origin"] == "simulated"
    assert recording.footer["device"] == {"name": "simulated SM75_RTX2060", "sm_clock_mhz": 1000}
    frame = recording.table.to_pandas()
    labels = [one.label.removeprefix("SM75_RTX2060_") for one in campaign.experiments]
    slowdowns = {label: frame[frame.experiment == at].slowdown.tolist() for at, label in enumerate(labels)}
    # A cycle is a nanosecond at 1000 MHz. Two kernels that fill the GPU run one after the other: 17,853 cycles from
    # launch to end, of which 9,214 alone; half as many blocks as SMs leave room, and only memory is contended.
    assert slowdowns["60blocks_cc"] == pytest.approx([1, 17_853 / 9_214])
    assert slowdowns["15blocks_cc"] == pytest.approx([7_235 / 7_135, 7_239 / 7_135])
    assert slowdowns["15blocks_mm"] == pytest.approx([13_404 / 10_815, 12_872 / 10_815])
    assert slowdowns["15blocks_mc"] == pytest.approx([10_779 / 10_815, 7_193 / 7_135])
    assert slowdowns["15blocks_c"] == [1]


LAYERS = "model,start,end,bs,seq_len,model,start,end,bs,seq_len,median,mean,var\n"


def test_an_unknown_model_of_layers(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(LAYERS + "vgg16,0,19,4,0,alexnet,0,8,4,0,10,11,1\nvgg16,0,19,x,0,vgg19,0,22,4,0,10,11,1\n")
    with pytest.raises(ProfileError) as refused:
        read_abacus([path])
    model, batch = refused.value.problems
    assert "column 'model_2': none of the models" in model
    assert "found 'alexnet' in line 2" in model
    assert "column 'bs': not a whole number from 1 on (found 'x' in line 3)" in batch


def test_only_layers_leave_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(LAYERS + "vgg16,0,9,4,0,vgg19,0,22,4,0,10,11,1\n")
    with pytest.raises(ProfileError, match="no experiment to import"):
        record(read_abacus([path]))


KERNEL = "ISIM_KERNEL stream=0 uid=1 name=_Z4cmpkPfi launch=0 start=501 end=9214\n"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("GPU_60blocks_cc.txt", KERNEL, "its name tells 2 kernels (found 1 whole lines of one)"),
        ("GPU_60blocks_c.txt", KERNEL[:-8], "its name tells 1 kernels (found 0 whole lines of one)"),
        ("output.txt", KERNEL, "its name does not say GPU and blocks"),
        ("GPU_60blocks_c.txt", "", "empty"),
    ],
)
def test_a_cut_off_simulation(tmp_path: Path, name: str, content: str, says: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ProfileError) as refused:
        read_gpgpusim([tmp_path / name], clock_mhz=1000)
    assert says in str(refused.value)


def test_simulations_of_one_gpu_at_a_clock(tmp_path: Path) -> None:
    for name in ("A_60blocks_c.txt", "B_60blocks_c.txt"):
        (tmp_path / name).write_text(KERNEL)
    with pytest.raises(ProfileError, match="files of several GPUs"):
        read_gpgpusim(sorted(tmp_path.iterdir()), clock_mhz=1000)
    with pytest.raises(ProfileError, match="not a clock"):
        read_gpgpusim([tmp_path / "A_60blocks_c.txt"], clock_mhz=0)


@pytest.mark.parametrize("read", [read_igniter, read_gpulet])
def test_a_file_of_another_set(tmp_path: Path, read: object) -> None:
    path = tmp_path / "utilisation.csv"
    path.write_text("model,batch,mps_percent,memory_pct\na,1,20,7\n")
    with pytest.raises(ProfileError, match=r"has: model, batch, mps_percent, memory_pct"):
        read([path])  # type: ignore[operator]


def test_an_aggressor_needs_sms(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("victim,victim_batch,mps_percent,aggressor,aggressor_batch,throughput_per_s\na,1,100,b,1,50\n")
    with pytest.raises(ProfileError, match="leaves the aggressor no SM"):
        read_gpulet([path])


def test_an_overlap_is_a_ratio(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("id,kShortName,ground_truth,duration,overlap_ratio\n1,gemm,100,200,1.5\n2,gemm,,200,0.5\n")
    with pytest.raises(ProfileError, match=r"not a ratio from 0 to 1 \(found '1.5' in line 2\)"):
        read_echo_slowdown(path)
