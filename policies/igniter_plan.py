"""iGniter's provisioning: how much of a GPU each model needs beside the others, from a closed-form model."""

import math
from collections.abc import Iterable, Sequence
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


UNIT = 2.5
"""Shares are whole multiples of this many per cent of the SMs."""


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


def provision(gpu: Gpu, workloads: Iterable[Workload]) -> list[list[Share]]:
    """Give every workload a batch size and a share of one of as few GPUs as the heuristic finds.

    Half of an objective is for the batch, half for waiting. The batch size is what arrives in that half; the least
    share, what keeps it alone. The most demanding workload is placed first, each where shares must grow least until
    all there are in time by the model.

    Returns
    -------
    The shares on each GPU, in order of placement.

    Raises
    ------
    ValueError
        A workload cannot be in time on a whole GPU by itself.

    Examples
    --------
    A batch of b takes (b + 1) / r seconds on r per cent; nothing else slows it.

    >>> gpu = Gpu(1500.0, 300.0, 50.0, -1.0, (0.0, 0.0), 1e12)
    >>> a = Workload("a", 0.4, 20.0, 10, 0.0, (0.0, 1.0, 1.0, 0.0, 0.0), (0.0, 0.0), (0.0, 0.0), 0.0, 0.0, 0.0)
    >>> for shares in provision(gpu, [a, a._replace(name="b", rate_rps=40.0), a._replace(name="c", rate_rps=60.0)]):
    ...     print([(share.workload.name, share.batch_size, share.percent) for share in shares])
    [('c', 12, 65.0), ('a', 4, 25.0)]
    [('b', 8, 45.0)]
    """
    wanted = sorted((_alone(gpu, workload) for workload in workloads), key=lambda share: -share.percent)
    gpus: list[list[Share]] = []
    for share in wanted:
        grown = [(i, _grow(gpu, [*there, share])) for i, there in enumerate(gpus)]
        possible = [(_total(after) - _total(gpus[i]), i, after) for i, after in grown if after is not None]
        if possible:
            _, i, after = min(possible, key=lambda each: each[:2])
            gpus[i] = after
        else:
            gpus.append([share])
    return gpus


def _alone(gpu: Gpu, workload: Workload) -> Share:
    half_s, rate_rps = workload.slo_s / 2, workload.rate_rps
    link = gpu.link_bytes_per_s
    size = math.ceil(half_s * rate_rps * link / (link + workload.input_bytes * rate_rps))
    k1, k2, k3, k4, k5 = workload.active_s
    left_s = half_s - workload.launch_s - size * (workload.input_bytes + workload.output_bytes) / link - k5
    percent = UNIT * math.ceil(((k1 * size**2 + k2 * size + k3) / left_s - k4) / UNIT) if left_s > 0 else math.inf
    if percent > 100:
        raise ValueError(
            f"workload {workload.name}: a whole GPU cannot serve {rate_rps:g} requests per second in batches of {size} "
            f"within half of {workload.slo_s:g} s; raise the SLO or split the workload"
        )
    return Share(workload, size, percent)


def _grow(gpu: Gpu, shares: list[Share]) -> list[Share] | None:
    """Raise the shares of all that are late, unit by unit; None if the GPU is too small."""
    while _total(shares) <= 100:
        late = [
            latency_s > share.workload.slo_s / 2
            for share, latency_s in zip(shares, predict_s(gpu, shares), strict=True)
        ]
        if not any(late):
            return shares
        shares = [share._replace(percent=share.percent + UNIT * more) for share, more in zip(shares, late, strict=True)]
    return None


def _active_s(share: Share) -> float:
    k1, k2, k3, k4, k5 = share.workload.active_s
    return (k1 * share.batch_size**2 + k2 * share.batch_size + k3) / (share.percent + k4) + k5


def _total(shares: Iterable[Share]) -> float:
    return sum(share.percent for share in shares)
