"""Real co-location as cases for predictors: three published sets, which do not come with isim."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from isim.evaluation.cases import Cases
from isim.evaluation.recording_cases import recording_cases
from isim.profiler.colocation import Recording
from isim.profiler.importers.batch_averages import read_batch_averages
from isim.profiler.importers.combine import combine_kernel_tables
from isim.profiler.importers.kernel_table import read_kernel_table
from isim.profiler.importers.recordings.gpulet import read_gpulet
from isim.profiler.importers.recordings.igniter import read_igniter
from isim.profiler.importers.recordings.kace import read_kace
from isim.profiler.importers.recordings.record import record
from isim.profiler.profile import Profile

_COLUMNS = {"name": "kernel", "duration": "duration_us", "sm": "sm_throughput_pct", "memory": "memory_throughput_pct",
            "dram": "dram_throughput_pct", "segment": "segment", "repeats": "segment_repeats"}  # fmt: skip


def igniter(folder: Path) -> Cases:
    """Return iGniter's pairs: V100, TensorRT, MPS; averages of whole batches."""
    solo, pairs = folder / "solo.csv", folder / "pairs.csv"
    recording, _ = record(read_igniter([solo, pairs]))
    return _cases(recording, read_batch_averages([solo], "igniter"), None, "v100-igniter")


def gpulet(folder: Path) -> Cases:
    """Return Gpulet's victims: A100-class, PyTorch, MPS; averages of whole batches."""
    solo, pairs, use = (folder / f"{name}.csv" for name in ("solo", "pairs", "utilisation"))
    recording, _ = record(read_gpulet([solo, pairs]))
    return _cases(recording, read_batch_averages([solo, use], "gpulet"), None, "a100-gpulet")


def kace(folder: Path) -> Cases:
    """Return KACE's labelled pairs under MPS of the workloads with kernel tables: V100, PyTorch."""
    tables = []
    for row in pd.read_csv(folder / "kernel_summary.csv").to_dict("records"):
        model, batch = str(row["workload"]).removesuffix("-inf").split("_batch")
        source = "PEACE" if model.startswith("wav2vec2") else "KACE"  # KACE's are of another program: see the importer
        tables.append(
            read_kernel_table(
                folder / "kernels" / f"{row['workload']}.csv", model, int(batch), columns=_COLUMNS, duration_unit="us",
                utilisation_unit="percent", solo_period_s=int(batch) / float(row[f"{source}_solo_samples_per_s"]),
            )
        )  # fmt: skip
    profile = combine_kernel_tables(tables, device="V100-SXM2-32GB")
    files = [folder / "labelled_pairs.csv", folder / "solo_throughput_vs_mps.csv"]
    recording, _ = record(read_kace(files, profile=profile), profile=profile)
    return _cases(recording, profile, "mps", "v100-kace")


def measured_pairs(data: Path) -> dict[str, Cases]:
    """Return the sets by the name of their folders; none if there is no such folder."""
    readers = {"v100-igniter": igniter, "a100-gpulet": gpulet, "v100-kace": kace}
    return {name: read(data / name) for name, read in readers.items()} if data.is_dir() else {}


def _cases(recording: Recording, profile: Profile, sharing: str | None, path: str) -> Cases:
    with TemporaryDirectory() as folder:  # as read from files: in the order that files keep
        recording.write(Path(folder) / "recording.parquet")
        profile.write(Path(folder) / "profile.parquet")
        read = Recording.read(Path(folder) / "recording.parquet"), Profile.read(Path(folder) / "profile.parquet")
        return recording_cases(*read, sharing, path)
