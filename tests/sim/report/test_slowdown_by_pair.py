"""Slowdown by pair, against a slow computation batch by batch."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from worlds import kernel, profile_of

from isim.experiment import Experiment
from isim.report.batches_window import batches_window
from isim.report.pairs_slowdown import slowdown_by_pair
from isim.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run in which up to three batches of three models share the GPU."""
    folder = tmp_path_factory.mktemp("pairs")
    sizes = {
        (model, 1): [kernel(duration_ns, sm=use, memory=0.2)] * 2
        for model, duration_ns, use in (("a", 900_000, 0.9), ("b", 717_000, 0.4), ("c", 531_000, 0.6))
    }
    profile_of(sizes).write(folder / "p.parquet")
    return Experiment(
        profile=str(folder / "p.parquet"), arrivals={"rate": "700rps", "duration": "1s"}, policy="greedy", concurrency=3
    ).run(folder / "run")  # fmt: skip


def test_pairs_are_those_that_shared_longest(run: Run) -> None:
    batches = {row["batch_id"]: row for row in run.table("batches").to_pylist()}
    beside_s: dict[int, dict[str, float]] = {each: defaultdict(float) for each in batches}
    for overlap in run.table("overlaps").to_pylist():
        for one in overlap["batch_ids"]:
            for other in overlap["batch_ids"]:
                if one != other:
                    beside_s[one][batches[other]["model"]] += overlap["finish_s"] - overlap["start_s"]
    expected: dict[str, list[float]] = defaultdict(list)
    for each, row in batches.items():
        longest = max(sorted(beside_s[each]), key=lambda model: round(beside_s[each][model], 9), default=None)
        name = f"{row['model']} beside {longest}" if longest else f"{row['model']} alone"
        expected[name].append(row["slowdown"])
    found = slowdown_by_pair(run)
    assert len(expected) > 9
    assert {name for name, *_ in found} == set(expected)
    for name, at, said in found:
        assert at == pytest.approx(np.percentile(expected[name], [5, 25, 50, 75, 95]).tolist())
        assert said == f"{len(expected[name]):,} batches"


def test_lanes_keep_batches_apart(run: Run) -> None:
    window = batches_window(run)
    assert window is not None
    assert (len(window["batches"]), window["of"]) == (run.summary["total"]["batches"],) * 2
    assert window["lanes"] == ["GPU 0 · 1", "GPU 0 · 2", "GPU 0 · 3"]
    for lane in range(3):
        own = sorted((start, start + length) for start, length, at, *_ in window["batches"] if at == lane)
        assert all(finish <= start + 1 for (_, finish), (start, _) in pairwise(own))  # 1 us: rounding
