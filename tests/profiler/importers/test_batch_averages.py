"""Profiles of averages, one operation a batch."""

from pathlib import Path

import pytest

from isim.errors import ProfileError
from isim.profiler.importers.batch_averages import read_batch_averages

IGNITER = """model,batch,mps_percent,latency_ms,throughput_per_s,l2_throughput_pct,dram_throughput_pct
bert,1,10,3.5,280,,
bert,1,100,1.25,800,12.5,30
"""


def written(folder: Path, **files: str) -> list[Path]:
    paths = [folder / f"{name}.csv" for name in files]
    for path, text in zip(paths, files.values(), strict=True):
        path.write_text(text)
    return paths


def test_igniter(tmp_path: Path) -> None:
    profile = read_batch_averages(written(tmp_path, solo=IGNITER), "igniter")
    assert profile.batch_sizes("bert", 0.1) == profile.batch_sizes("bert") == (1,)
    (whole,) = profile.operations("bert", 1).to_pylist()
    assert (whole["duration_ns"], whole["gap_ns"], whole["l2"], whole["dram"]) == (1_250_000, 0, 0.125, 0.3)
    (tenth,) = profile.operations("bert", 1, 0.1).to_pylist()
    assert (tenth["duration_ns"], tenth["l2"], tenth["sm"]) == (3_500_000, None, None)  # empty is not measured
    assert profile.footer["granularity"] == "batch"
    assert profile.origin == "imported"


def test_gpulet_joins_durations_and_utilisations(tmp_path: Path) -> None:
    paths = written(
        tmp_path,
        solo="model,batch,mps_percent,throughput_per_s,latency_s\nvgg,4,20,400,0.01\nvgg,4,80,800,0.005\n",
        utilisation="model,batch,mps_percent,memory_pct,l2_pct\nvgg,4,20,7.5,7\nvgg,8,20,9,9\n",
    )
    profile = read_batch_averages(paths, "gpulet")
    (row,) = profile.operations("vgg", 4, 0.2).to_pylist()
    assert (row["duration_ns"], row["dram"], row["l2"]) == (10_000_000, 0.075, pytest.approx(0.07))
    (bare,) = profile.operations("vgg", 4, 0.8).to_pylist()
    assert (bare["duration_ns"], bare["dram"]) == (5_000_000, None)
    assert profile.batch_sizes("vgg", 0.2) == (4,)  # no duration of a batch of 8


@pytest.mark.parametrize(
    ("source", "text", "sentence"),
    [
        ("igniter", "model,batch,mps_percent\nbert,1,10\n", "neither latencies nor utilisations"),
        ("igniter", IGNITER.replace("12.5,30", "125,30"), "column 'l2_throughput_pct': above its peak (found '125'"),
        ("igniter", IGNITER.replace("1.25", "fast"), "column 'latency_ms': not a positive number (found 'fast'"),
        ("igniter", IGNITER.replace("batch", "size"), "no column 'batch'"),
        ("gpulet", "model,batch,mps_percent,memory_pct,l2_pct\nvgg,4,20,7,7\n", "no latency in"),
    ],
    ids=["no-figures", "above-peak", "no-number", "no-column", "no-latency"],
)
def test_refused(tmp_path: Path, source: str, text: str, sentence: str) -> None:
    with pytest.raises(ProfileError) as caught:
        read_batch_averages(written(tmp_path, table=text), source)
    assert sentence in str(caught.value)
