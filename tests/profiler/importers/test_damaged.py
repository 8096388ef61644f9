"""Whatever is in a file, it is read or refused in sentences; no other exception, no guess."""

import gzip
import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isim.errors import ProfileError
from isim.profiler.importers.combine import combine
from isim.profiler.importers.cut import Cut
from isim.profiler.importers.detect import detect
from isim.profiler.importers.formats import Told, read_batch
from isim.profiler.importers.known_formats import PROFILE_FORMATS
from isim.profiler.importers.nvidia_smi import read_nvidia_smi
from isim.profiler.importers.trtexec import read_trtexec_times

SMALL = {
    "nsys": "nsys_jax/thread-metadata.parquet",
    "kineto": "kineto/hta_triton_example_triton_example.json.gz",
    "ncu": "ncu/manual_nvtx.raw.csv",
    "ncu-rep": "ncu/CuVectorAddDrv.ncu-rep",
    "trtexec": "trt/pytorch_resnet_A100_fp32_resnet.onnx.engine.profile.json",
    "onnxruntime": "ort/ort1.31.1_cpu_tiny_profile.json",
}
FORMATS_OF = {
    "kineto": "kineto",
    "ncu": "ncu",
    "nsys": "nsys",
    "nsys_jax": "nsys",
    "nvidia-smi": "nvidia-smi",
    "ort": "onnxruntime",
    "trt": "trtexec",
}


def read(form: str, path: Path) -> str:
    """Return what was wrong with the file, nothing if it could be read."""
    cut = Cut.read("whole") if "cut" in PROFILE_FORMATS[form].options else None
    try:
        combine([read_batch(form, path, "model", 1, Told(cut=cut))], backend=form, method="")
    except ProfileError as error:
        assert error.problems
        assert all("\n" not in problem and ";" in problem for problem in error.problems)
        return str(error)
    return ""


def test_every_real_file_is_told_from_its_content(shared_data: Path, tmp_path: Path) -> None:
    files = [path for path in (shared_data / "profiler-exports").rglob("*") if path.is_file()]
    told = [path for path in files if path.parent.name in FORMATS_OF and "LICENSE" not in path.name]
    assert len(told) == 34
    for path in told:
        expected = "ncu-rep" if path.suffix == ".ncu-rep" else FORMATS_OF[path.parent.name]
        assert detect(path) == expected
        nameless = shutil.copy(path, tmp_path / "file")
        assert detect(nameless) == expected
        Path(nameless).unlink()


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"{}", b"[]", b"\x1f\x8b\x08junk", b"\x00" * 99, gzip.compress(b"", mtime=0)]
)
def test_files_of_no_format_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ProfileError, match=r"of no known format|damaged"):
        detect(path)
    for form in PROFILE_FORMATS:
        assert str(path) in read(form, path)


def test_files_of_another_tool_are_refused(shared_data: Path) -> None:
    for form in PROFILE_FORMATS:
        for other, name in SMALL.items():
            if form != other and {form, other} != {"ncu", "ncu-rep"}:
                assert read(form, shared_data / "profiler-exports" / name)


@pytest.mark.parametrize("form", PROFILE_FORMATS)
def test_files_that_cannot_be_opened(tmp_path: Path, form: str) -> None:
    assert "no such file" in read(form, tmp_path / "nothing")
    assert "cannot be read" in read(form, tmp_path)


@pytest.mark.parametrize(("form", "name"), SMALL.items())
def test_files_that_are_cut_off(shared_data: Path, tmp_path: Path, form: str, name: str) -> None:
    content = (shared_data / "profiler-exports" / name).read_bytes()
    path = tmp_path / "file"
    for length in random.Random(0).sample(range(len(content) - 1), 25):
        path.write_bytes(content[:length])
        refused = read(form, path)
        # A CSV that ends at the end of a line is whole; of a report the reader of NVIDIA says what there is.
        assert refused or form == "ncu-rep" or (form == "ncu" and content[:length].endswith(b"\n"))


@pytest.mark.parametrize(("form", "name"), SMALL.items())
def test_files_with_wrong_bytes(shared_data: Path, tmp_path: Path, form: str, name: str) -> None:
    content = (shared_data / "profiler-exports" / name).read_bytes()
    packed = content[:2] == b"\x1f\x8b"
    content = gzip.decompress(content) if packed else content
    dice, path = random.Random(1), tmp_path / "file"
    for _ in range(40):
        damaged = bytearray(content)
        for at in dice.sample(range(len(content)), dice.choice([1, 5, 50])):
            damaged[at] = dice.choice(b'0","{}[]:-e.9 \x00\xffn')
        path.write_bytes(gzip.compress(bytes(damaged), 1) if packed else bytes(damaged))
        read(form, path)


def test_an_export_of_nsys_with_wrong_bytes(nsys_export: Callable[..., Path], tmp_path: Path) -> None:
    content = nsys_export([("gemm", 100, 150), ("add", 160, 170)], [("infer", 80, 300)]).read_bytes()
    dice, path = random.Random(2), tmp_path / "damaged.sqlite"
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for at in dice.sample(range(len(content)), 40):
            damaged[at] = dice.randrange(256)
        path.write_bytes(bytes(damaged)[: dice.choice([len(content), len(content) // 2])])
        refused += bool(read("nsys", path))
    assert refused > 100


@pytest.mark.parametrize("column", ["start", "end", "gridX", "deviceId", "streamId", "registersPerThread"])
@pytest.mark.parametrize("value", ["'text'", "NULL", "-9", "9223372036854775807"])
def test_cells_of_nsys_that_are_no_numbers(nsys_export: Callable[..., Path], column: str, value: str) -> None:
    path = nsys_export([("gemm", 100, 150), ("add", 160, 170)])
    with sqlite3.connect(path) as database:
        database.execute(f"UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET {column} = {value}")
    names_only = column in ("deviceId", "streamId") and value not in ("NULL", "'text'")
    unknown = (column, value) in {("registersPerThread", "NULL"), ("registersPerThread", "9223372036854775807")}
    assert bool(read("nsys", path)) != (names_only or unknown)


@pytest.mark.parametrize("table", ["StringIds", "CUPTI_ACTIVITY_KIND_KERNEL"])
def test_exports_of_nsys_without_a_table(nsys_export: Callable[..., Path], table: str) -> None:
    path = nsys_export([("gemm", 100, 150)])
    with sqlite3.connect(path) as database:
        database.execute(f"DROP TABLE {table}")
    assert ("no table StringIds" if table == "StringIds" else "no kernel, copy or memset ran on a GPU") in read(
        "nsys", path
    )


def test_graphs_without_their_kernels_are_said(nsys_export: Callable[..., Path]) -> None:
    path = nsys_export([])
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE CUPTI_ACTIVITY_KIND_GRAPH_TRACE (start INTEGER, end INTEGER)")
    assert "trace CUDA graphs with --cuda-graph-trace=node" in read("nsys", path)


EVENT = st.dictionaries(
    st.sampled_from(["ph", "cat", "name", "ts", "dur", "args", "pid", "tid"]),
    st.one_of(
        st.sampled_from(["X", "kernel", "gpu_memcpy", "user_annotation", "Node", "Session", "model_run"]),
        st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(),
        st.dictionaries(
            st.sampled_from(["stream", "device", "grid", "block", "correlation"]), st.integers() | st.none()
        ),
    ),
)


@given(events=st.lists(EVENT, max_size=4), in_object=st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_events_are_read_or_refused(tmp_path: Path, events: list[dict[str, object]], in_object: bool) -> None:
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({"traceEvents": events} if in_object else events))
    for form in ("kineto", "trtexec", "onnxruntime"):
        read(form, path)
    with pytest.raises(ProfileError):
        read_trtexec_times(path)


@given(text=st.text(alphabet='0123456789,. ":[]/-MHzWx\n', max_size=150))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_log_is_read_or_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(
        b"timestamp, clocks.sm [MHz], power.draw [W]\n2023/07/14 13:34:38.123, 5 MHz, 70 W\n" + text.encode()
    )
    try:
        assert len(read_nvidia_smi(path).table)
    except ProfileError as error:
        assert error.problems


@pytest.mark.parametrize("form", ["nsys", "kineto", "ncu", "ncu-rep"])
def test_what_is_a_batch_is_never_guessed(shared_data: Path, form: str) -> None:
    path = (
        shared_data / "profiler-exports" / (SMALL[form] if form != "nsys" else "nsys_jax/nvtx_gpu_proj_trace.parquet")
    )
    with pytest.raises(ProfileError, match="the file does not say what of it is one batch; state it with --cut"):
        read_batch(form, path, "model", 1, Told())


@pytest.mark.parametrize("form", ["nsys", "kineto", "ncu", "ncu-rep"])
def test_what_is_no_such_file_is_said_before_what_of_it_is_a_batch(tmp_path: Path, form: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"PAR2")
    with pytest.raises(ProfileError) as error:
        read_batch(form, path, "model", 1, Told())
    assert "--cut" not in str(error.value)


@pytest.mark.parametrize(
    ("form", "told", "message"),
    [
        ("trtexec", Told(cut=Cut("whole")), "trtexec takes no --cut"),
        ("onnxruntime", Told(solo_period_s=1.0), "onnxruntime takes no solo period"),
        ("ncu", Told(cut=Cut("whole"), gpu=0), "ncu takes no --gpu"),
        ("ncu", Told(cut=Cut("range", "x")), "a report of ncu is not cut by range=x"),
    ],
)
def test_what_a_format_does_not_take_is_refused(shared_data: Path, form: str, told: Told, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        read_batch(form, shared_data / "profiler-exports" / SMALL[form], "model", 1, told)
