"""Telemetry under the real nvidia-ml-py and a driver that replays a table; for one, that of a real H800."""

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

# What a process of its own does with the driver it finds; a test says the rest.
PREAMBLE = """
import json, sys
from isim.errors import IsimError
from isim.profiler.nvml import NvmlTelemetry, locked_clocks, nvml_device, sample
"""
MARK_ALL = """
with nvml_device(0) as handle:
    telemetry = NvmlTelemetry(handle)
    marks = [telemetry.mark() for _ in range(int(sys.argv[1]))]
print(json.dumps(marks))
"""
IN_THE_BACKGROUND = """
import time
with nvml_device(0) as handle:
    telemetry = NvmlTelemetry(handle)
    telemetry.start()
    deadline = time.monotonic() + 60
    while len(telemetry._samples) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    sampled = telemetry.stop()
    kept = len(telemetry._samples)
print(json.dumps([kept >= 5, sampled.time_ns.tolist() == sorted(sampled.time_ns.tolist()), len(sampled.table) == kept]))
"""
LOCKED = """
try:
    with nvml_device(0) as handle, locked_clocks(handle) as refused:
        print(json.dumps(refused))
        if sys.argv[1] == "fail":
            raise IsimError("the measurement failed")
except IsimError as error:
    print(json.dumps(str(error)))
"""


def run(libnvidia_ml: Path | None, code: str, *arguments: str, **environment: str) -> list[Any]:
    """Run code in a process that finds this driver, and return the lines of JSON it printed."""
    libraries = {} if libnvidia_ml is None else {"LD_LIBRARY_PATH": str(libnvidia_ml)}
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + code, *arguments],
        env={**os.environ, **libraries, **environment}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def h800(path: Path, state: Path) -> list[dict[str, str]]:
    """Write the log of a real H800 as the driver's table, and return its rows."""
    with path.open(newline="") as file:
        rows = [{k.strip(): v.strip() for k, v in row.items()} for row in csv.DictReader(file)]
    lines = []
    for index, row in enumerate(rows):
        clocks = [row[f"clocks.current.{which} [MHz]"].split()[0] for which in ("sm", "memory")]
        power_mw = round(1000 * float(row["power.draw [W]"].split()[0]))
        rest = [row["temperature.gpu"], str(power_mw), row["clocks_event_reasons.active"]]
        lines.append(" ".join([str(index), *clocks, *rest]))
    state.write_text("\n".join(lines) + "\n")
    return rows


def test_a_real_log_is_replayed_as_it_was(libnvidia_ml: Path, shared_data: Path, tmp_path: Path) -> None:
    state = tmp_path / "state.txt"
    log = shared_data / "profiler-exports" / "nvidia-smi" / "h800_700W_random_gemm_fp16_half.nvidia-smi.csv"
    rows = h800(log, state)
    (marks,) = run(libnvidia_ml, MARK_ALL, str(len(rows)), ISIM_FAKE_GPU_STATE=str(state))
    fields = ("time_ns", "sm_clock_mhz", "memory_clock_mhz", "power_w", "temperature_c", "throttle_reasons")
    samples = [dict(zip(fields, mark, strict=True)) for mark in marks]
    reasons = Counter(sample["throttle_reasons"] for sample in samples)
    assert reasons == Counter(int(row["clocks_event_reasons.active"], 16) for row in rows)
    assert reasons == {0x1: 916, 0x0: 672, 0x4: 197}
    # Power is what capped it: no such sample is hot.
    capped = [sample for sample in samples if sample["throttle_reasons"] & 0x4]
    assert len(capped) == 197
    assert max(sample["temperature_c"] for sample in capped) <= 60
    assert max(sample["power_w"] for sample in samples) == max(float(row["power.draw [W]"].split()[0]) for row in rows)


def test_it_samples_in_the_background(libnvidia_ml: Path) -> None:
    assert run(libnvidia_ml, IN_THE_BACKGROUND) == [[True, True, True]]


@pytest.mark.parametrize("how", ["end", "fail"])
def test_locked_clocks_are_given_back(libnvidia_ml: Path, tmp_path: Path, how: str) -> None:
    log = tmp_path / "clocks.log"
    printed = run(libnvidia_ml, LOCKED, how, ISIM_FAKE_NVML_LOG=str(log))
    assert printed == [None, *(["the measurement failed"] if how == "fail" else [])]
    assert log.read_text() == "lock 1410 1410\nunlock\n"


def test_without_permission_clocks_are_not_touched(libnvidia_ml: Path, tmp_path: Path) -> None:
    log = tmp_path / "clocks.log"
    (refused,) = run(libnvidia_ml, LOCKED, "end", ISIM_FAKE_NVML_LOG=str(log), ISIM_FAKE_NVML_FAULT="no-permission")
    assert refused.startswith("clocks are not locked (Insufficient Permissions); run as root")
    assert not log.exists()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("not-loaded", "NVML: no NVIDIA driver (Driver Not Loaded); install one and look at 'nvidia-smi'"),
        ("lost:3", "NVML: the GPU stopped answering (GPU is lost); look at 'dmesg' for Xid errors"),
    ],
)
def test_a_driver_that_fails_is_one_sentence(libnvidia_ml: Path, fault: str, says: str) -> None:
    code = f"try:\n{indent(MARK_ALL, '    ')}\nexcept IsimError as error:\n    print(json.dumps(str(error)))"
    assert run(libnvidia_ml, code, "5", ISIM_FAKE_NVML_FAULT=fault) == [says]
