"""The batch size that Symphony wants of a model."""

from collections.abc import Sequence


def target_batch_size(durations_s: Sequence[float], slo_s: float, rate_rps: float) -> int:
    """Return the largest batch that keeps the objective in a steady state, at least 1.

    A model that keeps n > 1 GPUs busy sends one of them a batch every nth of a batch's duration, so that a request
    waits that long and then runs. One that needs less than a GPU waits until a batch has arrived. Without a rate half
    of the objective is for waiting.

    Parameters
    ----------
    durations_s
        Of a batch of 1, 2, 3 and so on, seconds.
    slo_s
        Latency objective, seconds.
    rate_rps
        Arrivals; 0 for not known.

    Examples
    --------
    >>> durations_s = [0.005 + 0.001 * size for size in range(1, 17)]
    >>> [target_batch_size(durations_s, 0.027, rate_rps) for rate_rps in (0, 100, 500, 2000)]
    [8, 2, 7, 14]

    References
    ----------
    `BatchSizeEstimator::Estimate` and `EstimateBatchSize` in src/nexus/dispatcher/batch_size_estimator.cpp, and
    `ModelThread::UpdateTargetBatchSize` in src/nexus/dispatcher/rankmt/model_thread.cpp, of
    github.com/abcdabcd987/nexuslb, without its latencies of the network.
    """
    if not rate_rps:
        return max((size for size, each_s in enumerate(durations_s, 1) if each_s <= slo_s / 2), default=1)
    wanted, gpus = len(durations_s), 0.0
    for size, each_s in enumerate(durations_s, 1):
        gpus = rate_rps * each_s / size
        if each_s * (1 + 1 / max(gpus, 1.0)) > slo_s:
            wanted = max(size - 1, 1)
            break
    if gpus > 1:
        return wanted
    too_large = (size for size, each_s in enumerate(durations_s, 1) if each_s + size / rate_rps > slo_s)
    return max(next(too_large, len(durations_s) + 1) - 1, 1)
