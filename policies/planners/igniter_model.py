"""iGniter's closed-form model of batches beside each other."""

from collections.abc import Sequence
from typing import NamedTuple


class Gpu(NamedTuple):
    """Coefficients of a kind of GPU."""

    max_clock_mhz: float
    max_power_w: float
    idle_power_w: float
    clock_per_watt_mhz: float
    """By how much the clock falls (negative) for each watt above the limit."""
    scheduling_s: tuple[float, float]
    """Delay of each kernel for each workload on the GPU, and its intercept, seconds."""
    link_bytes_per_s: float


class Workload(NamedTuple):
    """A model with objective and rate, and the coefficients fitted to its measurements."""

    name: str
    slo_s: float
    rate_rps: float
    kernels: int
    launch_s: float
    """Scheduling delay of a batch alone, seconds."""
    active_s: tuple[float, float, float, float, float]
    """k1 to k5: (k1 b**2 + k2 b + k3) / (r + k4) + k5 seconds, for batch size b and share r of the SMs in per cent."""
    power: tuple[float, float]
    """Watts for each request per second, and the intercept."""
    l2: tuple[float, float]
    """L2 use in per cent for each request per second, and the intercept."""
    cache_sensitivity: float
    """Relative slow-down for each per cent of L2 use of the others."""
    input_bytes: float
    output_bytes: float


class Share(NamedTuple):
    """What a workload gets of a GPU."""

    workload: Workload
    batch_size: int
    percent: float
    """Of the SMs."""


def predict_s(gpu: Gpu, shares: Sequence[Share]) -> list[float]:
    """Return the latency of each workload's batches beside the others, transfers included, seconds.

    References
    ----------
    F. Xu et al., "iGniter: Interference-aware GPU resource provisioning for predictable DNN inference in the cloud",
    TPDS 34(3), 2023, equations 1 to 11.
    """
    active_s = [_active_s(share) for share in shares]
    rates_rps = [share.batch_size / alone_s for share, alone_s in zip(shares, active_s, strict=True)]
    power_w = gpu.idle_power_w + sum(
        share.workload.power[0] * rate + share.workload.power[1] for share, rate in zip(shares, rates_rps, strict=True)
    )
    clock_mhz = gpu.max_clock_mhz + gpu.clock_per_watt_mhz * max(0.0, power_w - gpu.max_power_w)
    l2 = [share.workload.l2[0] * rate + share.workload.l2[1] for share, rate in zip(shares, rates_rps, strict=True)]
    contention_s = gpu.scheduling_s[0] * len(shares) + gpu.scheduling_s[1] if len(shares) > 1 else 0.0
    latencies_s = []
    for i, (workload, size, _) in enumerate(shares):
        beside = active_s[i] * (1 + workload.cache_sensitivity * (sum(l2) - l2[i]))
        on_gpu_s = (workload.launch_s + workload.kernels * contention_s + beside) * gpu.max_clock_mhz / clock_mhz
        latencies_s.append(on_gpu_s + size * (workload.input_bytes + workload.output_bytes) / gpu.link_bytes_per_s)
    return latencies_s


def _active_s(share: Share) -> float:
    k1, k2, k3, k4, k5 = share.workload.active_s
    return (k1 * share.batch_size**2 + k2 * share.batch_size + k3) / (share.percent + k4) + k5
