"""iGniter's provisioning: how much of a GPU each model needs beside the others, from a closed-form model."""

import math
from collections.abc import Iterable

from isim.policies.planners.igniter_model import Gpu, Share, Workload, predict_s

UNIT = 2.5
"""Shares are whole multiples of this many per cent of the SMs."""


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


def _total(shares: Iterable[Share]) -> float:
    return sum(share.percent for share in shares)
