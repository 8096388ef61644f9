"""Measured co-location as batches that finished."""

from collections.abc import Callable
from pathlib import Path

import pytest

from isim.policies.predictors.predictor import Observation


@pytest.fixture
def cases_of(tmp_path: Path) -> Callable[[Path], list[Observation]]:
    """Return what reads a folder of iGniter's or Gpulet's tables as `isim evaluate` does."""

    def read(folder: Path) -> list[Observation]:
        from isim.evaluation.load_cases import load_cases
        from isim.profiler.importers.batch_averages import read_batch_averages
        from isim.profiler.importers.recordings.experiment import Campaign
        from isim.profiler.importers.recordings.gpulet import read_gpulet
        from isim.profiler.importers.recordings.igniter import read_igniter
        from isim.profiler.importers.recordings.record import record

        source = folder.name.split("-")[1]
        readers: dict[str, Callable[..., Campaign]] = {"gpulet": read_gpulet, "igniter": read_igniter}
        tables = [folder / name for name in ("solo.csv", "utilisation.csv") if (folder / name).exists()]
        read_batch_averages(tables, source).write(tmp_path / "profile.parquet")
        campaign = readers[source]([folder / "solo.csv", folder / "pairs.csv"])
        record(campaign)[0].write(tmp_path / "recording.parquet")
        cases, _ = load_cases(tmp_path / "recording.parquet", str(tmp_path / "profile.parquet"), None)
        return [case.observation for case in cases.cases]

    return read
