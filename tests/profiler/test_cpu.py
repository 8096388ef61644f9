"""A real, short recording of the CPU the tests run on: what it holds, never how fast it is."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from isim.errors import ProfileError
from isim.profiler.colocated import Rounds
from isim.profiler.colocation_campaign import record_colocation
from isim.profiler.device.contract import Bench, Event
from isim.profiler.device.cpu import CpuDevice
from isim.profiler.device.cpu_clock import CpuClock
from isim.profiler.device.onnx_recorder import OnnxRecorder
from isim.profiler.device.open import open_bench
from isim.profiler.lanes import Lane, run_lanes
from isim.profiler.mix import parse_mix
from isim.profiler.profile_campaign import record_profile
from isim.profiler.stopping import Stopping
from isim.profiler.workloads.callable_workload import CallableWorkload
from isim.profiler.workloads.zoo import build_model, zoo_names

REASON = "ONNX Runtime is not installed; install isim-serving[onnx]"
onnxruntime = pytest.importorskip("onnxruntime", reason=REASON)
onnx = pytest.importorskip("onnx", reason=REASON)
QUICK = Stopping(min_repetitions=5, min_s=0.0, timeout_s=0.3)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = open_bench("cpu")
    yield bench
    bench.device.close()


@pytest.mark.parametrize("name", zoo_names())
def test_a_zoo_model_is_whole_and_always_the_same(name: str) -> None:
    content = build_model(name)
    assert content == build_model(name)
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)


@pytest.mark.parametrize(
    ("name", "millions"),
    # ResNet-18: 11.69 million parameters in He et al.; MobileNetV1: 4.2 million (both round theirs; ours folds the
    # batch normalisation away). The transformer: 4 x 12 x 512 x 512 in its layers, 8192 + 128 embeddings of 512.
    [("resnet18", 11.69), ("depthwise", 4.2), ("transformer4", (48 * 512 * 512 + 8320 * 512) / 1e6)],
)
def test_a_zoo_model_has_the_parameters_of_what_it_is(name: str, millions: float) -> None:
    model = onnx.load_from_string(build_model(name))
    assert sum(np.prod(w.dims) for w in model.graph.initializer) / 1e6 == pytest.approx(millions, rel=0.01)


def test_a_profile_holds_the_nodes_that_the_runtime_runs(bench: Bench, tmp_path: Path) -> None:
    profile = record_profile(bench, ["mlp"], [1, 4], tmp_path / "p.parquet", stopping=QUICK)
    assert profile.origin == "measured"
    assert profile.batch_sizes("mlp") == (1, 4)
    for size in (1, 4):
        operations = profile.operations("mlp", size).to_pylist()
        nodes = [row for row in operations if row["kind"] == "kernel"]
        assert sum("Gemm" in row["name"] or "MatMul" in row["name"] for row in nodes) == 5
        assert all(row["duration_ns"] > 0 and row["samples"] >= 3 for row in nodes)
        assert all(row["sm"] is None and row["dram"] is None for row in operations)
    assert profile.footer["device"]["kind"] == "cpu"
    assert profile.footer["device"]["versions"]["onnxruntime"] == onnxruntime.__version__


@pytest.mark.parametrize("sharing", ["threads", "processes"])
def test_a_mix_is_recorded(sharing: str, bench: Bench, tmp_path: Path) -> None:
    rounds = Rounds(stretch_s=0.05, at_least=3, min_rounds=2, stopping=QUICK)
    mixes = [parse_mix("mlp@1 + mlp@4")]
    recording = record_colocation(bench, mixes, sharing, tmp_path / "c.parquet", rounds=rounds)
    rows = recording.table.to_pylist()
    assert {(row["model"], row["batch_size"]) for row in rows} == {("mlp", 1), ("mlp", 4)}
    (mix,) = recording.footer["mixes"]
    assert len(mix["slowdown_median"]) == 2
    together = {row["experiment"] for row in rows if row["member"] == 1}
    for experiment in together:
        lanes = [[row for row in rows if (row["experiment"], row["member"]) == (experiment, m)] for m in (0, 1)]
        # Both really ran at one time: each began before the other ended.
        assert max(lane[0]["start_ns"] for lane in lanes) < min(lane[-1]["finish_ns"] for lane in lanes)
        for lane in lanes:
            assert all(a["finish_ns"] <= b["start_ns"] for a, b in itertools.pairwise(lane))


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system cannot hold threads to cores")
def test_streams_are_held_to_their_cores() -> None:
    core = min(os.sched_getaffinity(0))
    bench = open_bench(f"cpu:{core}")
    found: list[set[int]] = []
    workload = CallableWorkload("where", 1, lambda: found.append(os.sched_getaffinity(0)))
    try:
        for index in (0, 1):
            bench.device.launch(workload, bench.device.stream(index))
        bench.device.synchronise()
    finally:
        bench.device.close()
    assert found == [{core}, {core}]
    assert os.sched_getaffinity(0) >= {core}


def test_a_file_is_profiled_at_open_and_refused_at_other_fixed_sizes(bench: Bench, tmp_path: Path) -> None:
    model = onnx.load_from_string(build_model("stress-fma"))
    (tmp_path / "open.onnx").write_bytes(model.SerializeToString())
    profile = record_profile(bench, [str(tmp_path / "open.onnx")], [2], tmp_path / "p.parquet", stopping=QUICK)
    assert profile.models == ("open",)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 3
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "rows"
    (tmp_path / "fixed.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ProfileError) as raised:
        bench.device.load(str(tmp_path / "fixed.onnx"), 2)
    assert [part in str(raised.value) for part in ("fixed batch size of 3 (asked: 2)", "fixed.onnx?rows=128")] == [
        True
    ] * 2
    bench.device.load(f"{tmp_path / 'fixed.onnx'}?rows=256", 3).close()
    (tmp_path / "broken.onnx").write_bytes(b"no graph")
    with pytest.raises(ProfileError, match="broken: ONNX Runtime cannot load it"):
        bench.device.load(str(tmp_path / "broken.onnx"), 1)


def test_a_callable_is_one_operation_and_its_mistake_a_sentence(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine_for_test.py").write_text(
        "import time\n"
        "def sleeper(batch_size):\n    return lambda: time.sleep(0.001 * batch_size)\n"
        "def broken(batch_size):\n    return lambda: 1 / 0\n"
    )
    monkeypatch.chdir(tmp_path)
    profile = record_profile(bench, ["mine_for_test:sleeper"], [1, 8], "p.parquet", stopping=QUICK)
    assert [profile.operations("sleeper", size)["name"].to_pylist() for size in (1, 8)] == [["sleeper"]] * 2
    assert profile.solo_ns("sleeper", 1) >= 1_000_000
    assert profile.solo_ns("sleeper", 8) >= 8_000_000
    with pytest.raises(ProfileError, match=r"broken at batch size 1: raised ZeroDivisionError"):
        record_profile(bench, ["mine_for_test:broken"], [1], "q.parquet", stopping=QUICK)
    with pytest.raises(ProfileError, match=r"operator:index: returned no callable \(found int\)"):
        record_profile(bench, ["operator:index"], [1], "q.parquet", stopping=QUICK)
    assert sorted(path.name for path in tmp_path.glob("*q.parquet*")) == []


def test_a_member_process_that_dies_is_named(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dying_for_test.py").write_text("import os\ndef dies(batch_size):\n    return lambda: os._exit(7)\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProfileError, match=r"dying_for_test:dies@1: its process ended \(exit code 7\)"):
        record_colocation(bench, [parse_mix("dying_for_test:dies@1 + mlp@1")], "processes", "c.parquet")
    assert not (tmp_path / "c.parquet").exists()


def test_ctrl_c_keeps_what_was_measured_and_the_same_command_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "isim", "profile", "mlp", "stress-fma", "--device", "cpu", "--batch-sizes", "1"]
    options = ["--repetitions", "5", "--timeout", "1s", "-o", "p.parquet"]
    process = subprocess.Popen([*command, *options], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    journal = tmp_path / ".p.parquet.journal"
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s and not (journal.exists() and journal.read_bytes().count(b"\n") == 2):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 130, messages
    assert "the same command goes on where it stopped" in messages
    assert "Traceback" not in messages
    assert [path.name for path in tmp_path.iterdir()] == [journal.name]
    kept = json.loads(journal.read_text().splitlines()[1])
    done = subprocess.run([*command, *options, "--json"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = {batch["model"]: batch for batch in json.loads(done.stdout)["batches"]}
    solo_ns = sum(row["duration_ns"] + row["gap_ns"] for row in kept[1]["operations"])
    assert answer["mlp"]["solo_ms"] == pytest.approx(solo_ns / 1e6)
    assert set(answer) == {"mlp", "stress-fma"}


def test_a_recorded_profile_drives_a_simulation(bench: Bench, tmp_path: Path) -> None:
    record_profile(bench, ["mlp"], [1, 4], tmp_path / "p.parquet", stopping=QUICK)
    arguments = ["run", "--profile", "p.parquet", "--rate", "100rps", "--duration", "1s", "--contention"]
    for contention in ("none", "constant:slowdown=1.5"):
        done = subprocess.run(
            [sys.executable, "-m", "isim", *arguments, contention, "-o", "out", "-f", "--json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert '"measured"' in done.stdout


def test_clocks_are_read_where_the_kernel_says_them(tmp_path: Path) -> None:
    for core, khz in ((0, 3_000_000), (1, 2_400_000)):
        (tmp_path / f"cpu{core}" / "cpufreq").mkdir(parents=True)
        (tmp_path / f"cpu{core}" / "cpufreq" / "scaling_cur_freq").write_text(f"{khz}\n")
    clock = CpuClock([0, 1], tmp_path)
    assert clock.available
    clock.start()
    sample = clock.mark()
    telemetry = clock.stop()
    assert sample.sm_clock_mhz == 2400.0
    assert set(telemetry.sm_clock_mhz.tolist()) == {2400.0}
    assert not CpuClock([0, 7], tmp_path).available


class Unhurried(CpuDevice):
    """A CPU whose caller is slow to look: the second batch of two ends before it does."""

    def wait_any(self, events: Sequence[Event]) -> None:
        super().wait_any(events)
        time.sleep(0.2)


@pytest.mark.parametrize("among_others", [False, True])
def test_what_fails_last_is_not_lost(among_others: bool) -> None:
    device = Unhurried("cpu")
    calls: list[int] = []

    def second_fails() -> None:
        calls.append(0)
        time.sleep(0.02)
        if len(calls) == 2:
            raise SystemExit(0)

    workload = CallableWorkload("second", 1, second_fails)
    try:
        with pytest.raises(ProfileError, match="second at batch size 1: raised SystemExit at"):
            if among_others:
                run_lanes(device, [Lane(workload, device.stream(0), 0)], device.now_ns() + 1_000_000, at_least=0)
            else:
                OnnxRecorder(device).record(workload, 2)
        assert len(calls) == 2
    finally:
        device.close()
