"""Published kernel tables of a V100 keep their kernels and their sums when they are imported."""

import csv
from pathlib import Path

import pytest

from isim.profiler.importers.combine import combine_kernel_tables
from isim.profiler.importers.kernel_table import read_kernel_table

KACE = {
    "name": "kernel",
    "duration": "duration_us",
    "sm": "sm_throughput_pct",
    "memory": "memory_throughput_pct",
    "dram": "dram_throughput_pct",
    "grid": "grid_size",
    "block": "block_size",
    "registers": "regs_per_thread",
    "segment": "segment",
    "repeats": "segment_repeats",
}


def test_eight_workloads_keep_their_kernels_and_sums(shared_data: Path) -> None:
    folder = shared_data / "gpu" / "v100-kace"
    tables, published = [], {}
    with (folder / "kernel_summary.csv").open() as lines:
        for line in csv.DictReader(lines):
            model, _, batch = line["workload"].removesuffix("-inf").rpartition("_batch")
            path = folder / "kernels" / f"{line['workload']}.csv"
            solo_period_s = int(batch) / float(line["PEACE_solo_samples_per_s"])
            tables.append(
                read_kernel_table(
                    path, model, int(batch), columns=KACE, duration_unit="us", utilisation_unit="percent",
                    solo_period_s=solo_period_s,
                )
            )  # fmt: skip
            published[model, int(batch)] = line, solo_period_s
    assert len(tables) == 8
    for made in tables:
        line, solo_period_s = published[made.model, made.batch_size]
        assert len(made.rows) == int(line["kernels"])
        duration_ns = sum(row["duration_ns"] for row in made.rows)
        kernels_ms = duration_ns / made.facts["duration_scale"] / 1e6
        assert kernels_ms == pytest.approx(float(line["gpu_ms_per_batch"]), abs=0.00501)
        mean_sm = sum(row["sm"] * row["duration_ns"] for row in made.rows) / duration_ns
        assert 100 * mean_sm == pytest.approx(float(line["sm_pct_timeavg"]), abs=0.0501)
    profile = combine_kernel_tables(tables)
    for (model, batch_size), (_, solo_period_s) in published.items():
        assert profile.solo_ns(model, batch_size) == pytest.approx(solo_period_s * 1e9, abs=500)


def test_a_table_without_throughputs_leaves_them_null(shared_data: Path) -> None:
    path = shared_data / "gpu" / "v100-orion" / "resnet50_4_fwd.csv"
    made = read_kernel_table(path, "resnet50", 4, columns={"name": "Name", "duration": "Duration"}, duration_unit="ns")
    profile = combine_kernel_tables([made])
    assert len(profile.table) == 175
    assert profile.solo_ns("resnet50", 4) == 6_498_424
    for column in ("sm", "memory", "tensor", "l2", "dram", "pcie", "occupancy", "sm_needed", "grid", "samples"):
        assert profile.table[column].null_count == 175
