"""Layers of TensorRT, nodes of ONNX Runtime and logs of nvidia-smi: the real files, and those that are none."""

import csv
import json
from collections import Counter, defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from isim.errors import ProfileError
from isim.profiler.importers.combine import combine
from isim.profiler.importers.nvidia_smi import read_nvidia_smi
from isim.profiler.importers.onnxruntime import read_onnxruntime
from isim.profiler.importers.trtexec import read_trtexec, read_trtexec_times

ENGINES = ("pytorch_resnet_A100_fp16", "pytorch_resnet_A100_fp32", "tensorflow_resnet_RTX-3090_fp16")


@pytest.mark.parametrize("engine", ENGINES)
def test_layers_keep_their_times(shared_data: Path, engine: str) -> None:
    path = shared_data / "profiler-exports" / "trt" / f"{engine}_resnet.onnx.engine.profile.json"
    layers = [layer for layer in json.loads(path.read_text()) if layer.get("medianMs")]
    made = read_trtexec(path, "resnet50", 32)
    assert [(row["name"], row["duration_ns"]) for row in made.rows] == [
        (layer["name"], round(layer["medianMs"] * 1e6)) for layer in layers
    ]
    assert "timed one by one" in made.notes[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_layers_are_fitted_to_whole_iterations(shared_data: Path, engine: str) -> None:
    folder = shared_data / "profiler-exports" / "trt"
    times = read_trtexec_times(folder / f"{engine}_resnet.onnx.engine.timing.json")
    made = read_trtexec(folder / f"{engine}_resnet.onnx.engine.profile.json", "resnet50", 32, times=times)
    iterations = json.loads((folder / f"{engine}_resnet.onnx.engine.timing.json").read_text())
    median_ms = median(one["computeMs"] for one in iterations)
    solo_ns = combine([made], backend="trtexec", method="").solo_ns("resnet50", 32)
    assert solo_ns == pytest.approx(median_ms * 1e6, abs=len(made.rows))  # each layer is rounded to a ns
    # trtexec's own summary (lowest, highest, mean, median, 99th percentile) leaves the warm-up out.
    summary = json.loads((folder / f"{engine}_resnet.onnx.engine.profile.metadata.json").read_text())
    assert median_ms == pytest.approx(summary["performance_summary"]["GPU Compute Time"][3], rel=0.001)
    assert 0.8 < made.facts["duration_scale"] < 1


def test_copies_stand_around_the_layers(tmp_path: Path) -> None:
    layers, iterations = tmp_path / "layers.json", tmp_path / "times.json"
    layers.write_text(json.dumps([{"count": 10}, {"name": "conv", "timeMs": 4.0, "averageMs": 0.4}]))
    one = {"startComputeMs": 1.0, "endComputeMs": 1.5, "computeMs": 0.5, "h2dMs": 0.1, "d2hMs": 0.02}
    iterations.write_text(json.dumps([one, one | {"computeMs": 0.7}, one]))
    made = read_trtexec(layers, "m", 1, times=read_trtexec_times(iterations))
    assert [(row["kind"], row["gap_ns"], row["duration_ns"], row["samples"]) for row in made.rows] == [
        ("memcpy_h2d", 0, 100_000, 3),
        ("kernel", 100_000, 400_000, 10),
        ("memcpy_d2h", 0, 20_000, 3),
    ]
    assert made.facts["statistic"] == "averageMs"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "a layer lacks name or averageMs"),
        ({}, "no list of them"),
        ([1], "no list of them"),
        ([{"count": 1}], "no layer takes any time"),
        ([{"name": "a", "averageMs": 0}], "no layer takes any time"),
        ([{"name": "a", "averageMs": -1}], "averageMs is not a time in ms"),
        ([{"name": "a", "averageMs": "fast"}], "averageMs is not a time in ms"),
        ([{"name": "a", "averageMs": 1e300}], "averageMs is not a time in ms"),
        ([{"name": "a"}], "a layer lacks name or averageMs"),
        ([{"name": "a", "count": 3}], "a layer lacks name or averageMs"),
        ([{"startComputeMs": 1.0}], "holds the times of iterations, not of layers"),
    ],
)
def test_layers_that_are_none_are_refused(tmp_path: Path, content: Any, message: str) -> None:
    path = tmp_path / "layers.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ProfileError, match=message):
        read_trtexec(path, "m", 1)


@pytest.mark.parametrize("content", [[], {}, [{"computeMs": 1}], [1]])
def test_iterations_that_are_none_are_refused(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "times.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ProfileError, match="not the times of an engine"):
        read_trtexec_times(path)


@pytest.mark.parametrize(("batch_size", "skip"), [(1, 0), (4, 2), (16, 0)])
def test_nodes_of_the_runs_of_one_batch_size(shared_data: Path, batch_size: int, skip: int) -> None:
    path = shared_data / "profiler-exports" / "ort" / "ort1.31.1_cpu_tiny_profile.json"
    made = read_onnxruntime(path, "tiny", batch_size, skip=skip)
    of_node = defaultdict(list)
    for event in json.loads(path.read_text()):
        if event["cat"] == "Node" and next(iter(event["args"]["output_type_shape"][0].values()))[0] == batch_size:
            of_node[event["name"].removesuffix("_kernel_time")].append(event["dur"] * 1000)
    nodes = [row for row in made.rows if row["kind"] != "end"]
    assert {row["name"]: row["duration_ns"] for row in nodes} == {
        name: round(median(times[skip:])) for name, times in of_node.items()
    }
    assert len(nodes) == 5
    assert made.facts["executions"] == 5 - skip


def test_runs_of_no_such_batch_size_are_refused(shared_data: Path) -> None:
    path = shared_data / "profiler-exports" / "ort" / "ort1.31.1_cpu_tiny_profile.json"
    with pytest.raises(ProfileError, match="found 1 in 5 runs, 4 in 5 runs, 16 in 5 runs"):
        read_onnxruntime(path, "tiny", 7)
    with pytest.raises(ProfileError, match="5 runs, all of them skipped"):
        read_onnxruntime(path, "tiny", 4, skip=5)


def test_nodes_on_a_gpu_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    node = {"cat": "Node", "name": "a_kernel_time", "ts": 1, "dur": 2, "args": {"provider": "CUDAExecutionProvider"}}
    path.write_text(json.dumps([{"cat": "Session", "name": "model_run", "ts": 0, "dur": 9, "args": {}}, node]))
    with pytest.raises(ProfileError, match=r"found CUDAExecutionProvider x 1\); record the GPU with nsys"):
        read_onnxruntime(path, "m", 1)


@pytest.mark.parametrize(
    "content", [{}, [1], [], [{"cat": "Node", "name": "a_kernel_time", "args": {}}], [{"cat": "Node"}]]
)
def test_profiles_of_others_are_refused(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ProfileError, match=r"ONNX Runtime|no run of a session|did not run on the CPU"):
        read_onnxruntime(path, "m", 1)


def test_throttle_reasons_of_a_real_log(shared_data: Path) -> None:
    path = shared_data / "profiler-exports" / "nvidia-smi" / "h800_700W_random_gemm_fp16_half.nvidia-smi.csv"
    telemetry = read_nvidia_smi(path)
    with path.open(newline="") as lines:
        log = list(csv.DictReader(lines, skipinitialspace=True))
    reasons = Counter(int(line["clocks_event_reasons.active"], 16) for line in log)
    assert Counter(telemetry.throttle_reasons.tolist()) == reasons == {0x1: 916, 0x0: 672, 0x4: 197}
    capped = telemetry.table.filter(telemetry.table["throttle_reasons"].to_numpy() == 4)
    assert max(capped["temperature_c"].to_pylist()) <= 60  # a cap of power, not of heat
    assert telemetry.table["sm_clock_mhz"].to_pylist() == [
        float(line["clocks.current.sm [MHz]"].split()[0]) for line in log
    ]
    assert telemetry.time_ns[-1] == 1_896_786_000_000  # 13:34:38.123 to 14:06:14.909


def test_a_log_without_reasons_has_nulls(shared_data: Path) -> None:
    path = shared_data / "profiler-exports" / "nvidia-smi" / "h100pcie_350W_fp16_half_random.head3000.nvidia-smi.csv"
    telemetry = read_nvidia_smi(path)
    assert telemetry.footer["not_logged"] == ["throttle_reasons"]
    assert telemetry.table["throttle_reasons"].null_count == len(telemetry.table) == 2999
    assert telemetry.table["power_w"].to_pylist()[0] == 53.4  # the instantaneous one of the two


HEAD = "timestamp, index, clocks.sm [MHz], temperature.gpu, clocks_throttle_reasons.active\n"
LINE = "2023/07/14 13:34:38.{}, {}, {}, 31, 0x4\n"


def log(folder: Path, text: str) -> Path:
    path = folder / "log.csv"
    path.write_text(text)
    return path


def test_older_names_and_cells_without_units(tmp_path: Path) -> None:
    text = HEAD + LINE.format("100", 0, "1980 MHz") + LINE.format("150", 0, "1900") + LINE.format("200", 0, "[N/A]")
    table = read_nvidia_smi(log(tmp_path, text)).table
    assert table["sm_clock_mhz"].to_pylist() == [1980, 1900, None]
    assert table["time_ns"].to_pylist() == [0, 50_000_000, 100_000_000]
    assert table["throttle_reasons"].to_pylist() == [4, 4, 4]


def test_a_line_that_was_being_written_is_left_out(tmp_path: Path) -> None:
    telemetry = read_nvidia_smi(log(tmp_path, HEAD + LINE.format("100", 0, "5 MHz") + "2023/07/14 13:34:38.2"))
    assert (len(telemetry.table), telemetry.footer["last_line_cut_off"]) == (1, True)


def test_logs_of_several_gpus_need_one(tmp_path: Path) -> None:
    path = log(tmp_path, HEAD + LINE.format("100", 0, "5 MHz") + LINE.format("100", 1, "9 MHz"))
    with pytest.raises(ProfileError, match=r"samples of several GPUs \(found 0; 1\)"):
        read_nvidia_smi(path)
    assert read_nvidia_smi(path, "1").table["sm_clock_mhz"].to_pylist() == [9]
    with pytest.raises(ProfileError, match="no GPU '2'"):
        read_nvidia_smi(path, "2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD, "only a header"),
        (HEAD + "a, b\n" + LINE.format("100", 0, "5 MHz"), "1 lines with other cells than the header"),
        (HEAD + LINE.format("100", 0, "5 GHz"), r"column 'clocks.sm' is no number \(found '5 GHz'\)"),
        (
            HEAD.replace("[MHz]", "[GHz]") + LINE.format("1", 0, "5"),
            r"column 'clocks.sm' is not in MHz \(found \[GHz\]\)",
        ),
        (HEAD + LINE.format("100", 0, "1e99 MHz"), "is no number"),
        (HEAD + LINE.format("100", 0, "-5 MHz"), "is no number"),
        (HEAD + LINE.format("100", 0, "5 MHz").replace("0x4", "hot"), "'clocks_throttle_reasons.active' is no number"),
        (HEAD + LINE.format("x", 0, "5 MHz"), "a timestamp is none"),
        (HEAD + LINE.format("200", 0, "5 MHz") + LINE.format("100", 0, "5 MHz"), "the clock goes back 1 times"),
        ("time, power\n1, 2\n", "no column timestamp"),
        ("", "empty"),
    ],
)
def test_logs_that_are_none_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        read_nvidia_smi(log(tmp_path, text))
