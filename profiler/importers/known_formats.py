"""The foreign formats that become profiles, and what a user must or may say of a file of each."""

from collections.abc import Mapping
from typing import NamedTuple


class Format(NamedTuple):
    """What a format needs to be told, and how its files were recorded and are read."""

    options: tuple[str, ...]
    method: str


_TIMELINE = ("cut", "skip", "gpu", "launched_by", "counters", "above_peak")
_COUNTED = ("cut", "skip", "solo_period_s", "above_peak")
_AS_THEY_RAN = "kernels and copies as they ran, medians over the executions that ran alone"
_ONE_BY_ONE = "kernels run one by one, and replayed where their counters need several passes"

PROFILE_FORMATS: Mapping[str, Format] = {
    "nsys": Format(_TIMELINE, f"Nsight Systems: {_AS_THEY_RAN}"),
    "kineto": Format(_TIMELINE, f"torch.profiler: {_AS_THEY_RAN}"),
    "ncu": Format(_COUNTED, f"Nsight Compute: {_ONE_BY_ONE}"),
    "ncu-rep": Format(_COUNTED, f"Nsight Compute: {_ONE_BY_ONE}"),
    "trtexec": Format(
        ("times", "solo_period_s"), "trtexec: layers timed one by one, fitted to whole iterations where these are given"
    ),
    "onnxruntime": Format(("skip",), "ONNX Runtime: nodes on the CPU, medians over the runs"),
}
FORMATS = (*PROFILE_FORMATS, "nvidia-smi")
