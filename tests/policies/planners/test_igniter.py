"""iGniter's published V100: coefficients fitted, to five digits, to the measurements in its repository."""

import pytest

from isim.policies.planners.igniter import provision
from isim.policies.planners.igniter_model import Gpu, Share, Workload, predict_s

V100 = Gpu(1530.0, 300.0, 53.5, -1.0254, (0.00475e-3, -0.00902e-3), 10e9)


def workload(
    name: str, slo_s: float, rate_rps: float, kernels: int, launch_ms: float, k: tuple[float, ...],
    power: tuple[float, float], l2: tuple[float, float], cache: float,
) -> Workload:  # fmt: skip
    k1, k2, k3, k4, k5 = k  # fitted in ms
    active_s = (k1 / 1e3, k2 / 1e3, k3 / 1e3, k4, k5 / 1e3)
    return Workload(name, slo_s, rate_rps, kernels, launch_ms / 1e3, active_s, power, l2, cache, 602112, 4000)


ALEXNET = workload("AlexNet", 0.015, 500, 20, 0.031768, (0.0041535, 8.7116, 23.736, 0.05552, 0.34601),
                   (0.023893, 37.108), (0.003092, 2.0296), 0.0023764)  # fmt: skip
RESNET50 = workload("ResNet-50", 0.040, 400, 80, 0.073816, (-0.017515, 58.264, -0.011862, 0.34486, 1.9095),
                    (0.16234, 4.6269), (0.02196, -0.18994), 0.0021631)  # fmt: skip
VGG19 = workload("VGG-19", 0.060, 200, 29, 0.039249, (-0.0048346, 158.19, 44.452, 0.18841, 0.92619), (0.53673, 2.0819),
                 (0.045218, 2.7228), 0.0020177)  # fmt: skip


def test_default_allocation() -> None:
    """The example with which iGniter motivates itself: three models fit on one V100."""
    (gpu,) = provision(V100, [ALEXNET, RESNET50, VGG19])
    assert [(share.workload.name, share.batch_size, share.percent) for share in gpu] == [
        ("VGG-19", 6, 37.5),
        ("ResNet-50", 8, 30.0),
        ("AlexNet", 4, 10.0),
    ]


def test_published_co_location() -> None:
    """ResNet-50 and VGG-19, 16 samples each on half of the SMs: from 21.381 and 53.228 ms to 22.919 and 57.009."""
    shares = [Share(RESNET50, 16, 50.0), Share(VGG19, 16, 50.0)]
    alone_ms = [predict_s(V100, [share])[0] * 1e3 for share in shares]
    together_ms = [latency_s * 1e3 for latency_s in predict_s(V100, shares)]
    assert alone_ms == pytest.approx([21.381, 53.228], rel=1e-3)
    assert together_ms == pytest.approx([22.919, 57.009], rel=1e-3)


def test_every_workload_is_within_half_its_objective() -> None:
    many = [each._replace(name=f"{each.name} {i}") for each in (ALEXNET, RESNET50, VGG19) for i in range(3)]
    gpus = provision(V100, many)
    assert len(gpus) > 1
    assert sorted(share.workload.name for shares in gpus for share in shares) == sorted(each.name for each in many)
    for shares in gpus:
        assert sum(share.percent for share in shares) <= 100
        for share, latency_s in zip(shares, predict_s(V100, shares), strict=True):
            assert latency_s <= share.workload.slo_s / 2


def test_a_workload_beyond_one_gpu_is_refused() -> None:
    with pytest.raises(ValueError, match="workload VGG-19: a whole GPU cannot serve 2000 requests per second"):
        provision(V100, [VGG19._replace(rate_rps=2000)])
