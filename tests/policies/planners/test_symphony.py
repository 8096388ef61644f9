import pytest

from isim.policies.planners.symphony import target_batch_size

DURATIONS_S = [0.005 + 0.001 * size for size in range(1, 17)]
"""A batch of n takes 5 + n ms."""


@pytest.mark.parametrize(
    ("slo_s", "rate_rps", "wanted"),
    [
        (0.0251, 0, 7),  # 12 ms are within half of it, 13 are not
        (0.0251, 100, 1),  # two take 20 ms to come, and 7
        (0.0251, 500, 6),  # 12 ms to come, and 11; seven take 14 and 12
        (0.0251, 2000, 13),  # 13 in 18 ms, 2.8 GPUs, so 6.5 ms to wait; 14 in 19, and 7
        (1.0, 2000, 16),  # as many as there are
        (0.001, 2000, 1),
        (0.001, 0, 1),
    ],
)
def test_wanted_size(slo_s: float, rate_rps: float, wanted: int) -> None:
    assert target_batch_size(DURATIONS_S, slo_s, rate_rps) == wanted
