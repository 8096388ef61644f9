"""Named models against their equations, worked out by hand."""

import numpy as np
import pytest

from isim.policies.kernels import Kernels
from isim.policies.predictors.bubble_up import BubbleUp, isotonic
from isim.policies.predictors.gpulets import Gpulets
from isim.policies.predictors.igniter import Igniter
from isim.policies.predictors.orion import Orion
from isim.policies.predictors.pair_table import PairTable
from isim.policies.predictors.predictor import CoRunner, Member, Observation, Stay
from isim.policies.predictors.roofline import Roofline


def member(name: str, solo_s: float = 0.01, share: float = 1.0, **features: float) -> Member:
    return Member(name, 4, solo_s, features, sm_share=share)


A, B = member("a", share=0.4, l2=0.5, dram=0.4), member("b", share=0.6, l2=0.2, dram=0.3)


def test_gpulets_weighs_by_the_share_of_sms() -> None:
    """0.112908 x 0.5 x 0.4 + 0.71596 x 0.2 x 0.6 + 0.354866 x 0.4 x 0.4 + 0.088204 x 0.3 x 0.6 + 0.895369."""
    expected = 0.0225816 + 0.0859152 + 0.05677856 + 0.01587672 + 0.895369
    assert Gpulets().predict(A, [CoRunner(B)]).slowdown == pytest.approx(expected, abs=1e-12)


def test_gpulets_never_falls_below_one_and_takes_the_worst() -> None:
    idle = member("idle", l2=0.0, dram=0.0)
    assert Gpulets().predict(idle, [CoRunner(idle)]).slowdown == 1.0  # 0.895369, clipped
    both = Gpulets().predict(A, [CoRunner(B), CoRunner(idle)]).slowdown
    assert both == Gpulets().predict(A, [CoRunner(B)]).slowdown


def test_gpulets_3080_stays_small() -> None:
    """The published coefficients of the 3080 tell 0.996 to 1.039 over the published table; at full use 0.946."""
    full = member("full", l2=1.0, dram=1.0)
    raw = -0.179887 + 0.038409 + 0.125518 - 0.056482 + 1.018427
    assert raw == pytest.approx(0.945985)
    assert Gpulets("3080").predict(full, [CoRunner(full)]).slowdown == 1.0


def test_gpulets_extremes_of_the_published_table() -> None:
    """ResNet-50 of 32 on 20 % beside VGG-16 of 4 on 80 % is the most of 14,580 cases, two of LeNet the least.

    Use as profiled with gpulets on the 2080 Ti (casys-kaist/glet, UTIL.CSV); the figures are those of its own program.
    """
    resnet50 = member("resnet50", share=0.2, l2=0.281903, dram=0.622723)
    vgg16 = member("vgg16", share=0.8, l2=0.349948, dram=0.541854)
    assert Gpulets().slowdown_beside(resnet50, [vgg16]) == pytest.approx(1.1846, abs=5e-5)
    lenet2 = member("lenet2", share=0.2, l2=0.025218, dram=0.112207)
    lenet1 = member("lenet1", share=0.8, l2=0.024144, dram=0.112770)
    assert Gpulets().slowdown_beside(lenet2, [lenet1]) == pytest.approx(0.9257, abs=5e-5)
    assert Gpulets().predict(lenet2, [CoRunner(lenet1)]).slowdown == 1.0


def test_gpulets_refits() -> None:
    draw = np.random.default_rng(0)
    predictor = Gpulets("refit")
    for _ in range(60):
        one, other = (member(str(draw.random()), l2=draw.random(), dram=draw.random()) for _ in range(2))
        y = 1.0 + 0.1 * one.features["l2"] + 0.2 * other.features["l2"] + 0.5 * other.features["dram"]
        predictor.learn(Observation(one, 0.01 * y, [Stay(0.01 * y, (other,))], 0.01))
    asked = predictor.predict(member("x", l2=0.5, dram=0.5), [CoRunner(member("y", l2=0.5, dram=0.5))])
    assert asked.slowdown == pytest.approx(1.4, abs=1e-4)


def test_igniter_adds_launches_cache_and_clock() -> None:
    """Two batches: D = 0.00475 x 2 - 0.00902 = 0.00048 ms for each of 80 kernels; 10 ms x (1 + 0.22 x 0.2); power
    53.5 + 2 x 150 W, 53.5 above the most: the clock falls by 1.0254 x 53.5 of 1530 MHz."""
    one, other = member("a", l2=0.5), member("b", l2=0.2)
    expected = (0.00048 * 80 + 10 * 1.044) / 10 / (1 - 1.0254 * 53.5 / 1530)
    assert Igniter(kernels=80, power_w=150.0).predict(one, [CoRunner(other)]).slowdown == pytest.approx(expected)


def test_igniter_foretells_what_its_own_program_does() -> None:
    """ResNet-50 beside VGG-19, 16 images on half of the SMs each: 22.919 and 57.009 ms, alone 21.381 and 53.228.

    Worked out with icloud-ecnu/igniter from its profile: time on the GPU, L2 use, sensitivity to the other's, kernels,
    and the power of both, 132.342 and 166.537 W. Copies take 606,112 bytes x 16 at 10 GB/s, never slowed.
    Its model does not slow the launches of a kernel by the other's L2 use: 0.074 ms x 3.6 % less than here.
    """
    copies_ms, power_w = 606_112 * 16 / 10e6, 132.342 + 166.537  # on half of the SMs each, so that the sum is of both
    resnet50 = member("resnet50", solo_s=20.4109e-3, share=0.5, l2=0.170865)
    vgg19 = member("vgg19", solo_s=52.2582e-3, share=0.5, l2=0.165776)
    for target, other, sensitivity, kernels, alone_ms, beside_ms in (
        (resnet50, vgg19, 0.216306, 80, 21.381, 22.919),
        (vgg19, resnet50, 0.201773, 29, 53.228, 57.009),
    ):
        predictor = Igniter(alpha_cache=sensitivity, kernels=kernels, power_w=power_w)
        assert 1e3 * target.solo_s + copies_ms == pytest.approx(alone_ms, abs=5e-4)
        foretold_ms = 1e3 * target.solo_s * predictor.predict(target, [CoRunner(other)]).slowdown
        assert foretold_ms + copies_ms == pytest.approx(beside_ms, abs=0.004)


def test_orion_counts_time_in_the_same_class() -> None:
    """a is compute-bound for half its time, b for a quarter: 1 + 0.8 x 0.5 x 0.25, and never memory-bound together."""
    kernels = Kernels(np.zeros(2), np.array([0.005, 0.005]), {"sm": np.array([0.9, 0.1]), "dram": np.array([0.9, 0.1])})
    other = Kernels(np.array([0.0, 0.005]), np.array([0.005, 0.010]), {"sm": np.array([0.7, np.nan])})
    a, b = (member(name)._replace(kernels=each) for name, each in (("a", kernels), ("b", other)))
    assert Orion(same=1.8).predict(a, [CoRunner(b, 0.0)]).slowdown == pytest.approx(1.0 + 0.8 * 0.5 * 0.25, abs=0.11)
    assert Orion(same=1.8).slowdown_beside(a, [b]) == pytest.approx(1.0 + 0.8 * 0.5 * 0.25)


def test_roofline_of_kernels_expects_more_than_of_averages() -> None:
    """Both ask for 0.9 of the DRAM half of the time: half of a's busy half meets b's, so E[I] = 1 + 0.25 x 0.8; the
    averages ask for 0.9 together and are not slowed. 512 moments tell shares to about 1 %."""
    kernels = Kernels(np.zeros(2), np.array([0.005, 0.005]), {"dram": np.array([0.9, 0.0])})
    a, b = (member(name, dram=0.45, sm=0.0)._replace(kernels=kernels) for name in "ab")
    assert Roofline("fair").slowdown_beside(a, [b]) == pytest.approx(1.2, abs=0.01)
    assert Roofline("fair", granularity="batch").slowdown_beside(a, [b]) == 1.0


def test_roofline_shares_max_min() -> None:
    """Of 0.8, 0.6 and 0.2 of one resource, 0.2 is granted and the others get 0.4 each."""
    a, b, c = member("a", sm=0.8), member("b", sm=0.6), member("c", sm=0.2)
    assert Roofline().slowdown_beside(a, [b, c]) == pytest.approx(2.0)
    assert Roofline().slowdown_beside(b, [a, c]) == pytest.approx(1.5)
    assert Roofline().slowdown_beside(c, [a, b]) == 1.0


def test_isotonic_regression_equals_scikit_learns() -> None:
    module = pytest.importorskip("sklearn.isotonic")
    draw = np.random.default_rng(0)
    total, count = draw.random(40) * 3, draw.integers(1, 5, 40).astype(float)
    theirs = module.IsotonicRegression().fit_transform(np.arange(40), total / count, sample_weight=count)
    assert isotonic(total, count) == pytest.approx(theirs)


def test_bubble_up_learns_a_curve_that_never_falls() -> None:
    predictor = BubbleUp(resources=("dram",))
    for step in range(60):
        use = 0.1 + 0.8 * step / 60
        other = Member("b", step, 0.01, {"dram": use})
        y = 1.0 + max(0.0, use - 0.3)
        predictor.learn(Observation(member("a", dram=0.5), 0.01 * y, [Stay(0.01 * y, (other,))], 0.01))
    said = [
        predictor.predict(member("a", dram=0.5), [CoRunner(Member("c", n, 0.01, {"dram": u}))]).slowdown
        for n, u in enumerate((0.15, 0.4, 0.6, 0.85))
    ]
    assert said == sorted(said)
    assert said[-1] == pytest.approx(1.55, abs=0.05)  # a bin is 0.05 wide


def test_a_pair_table_separates_who_did_it() -> None:
    """Beside b alone 1.2, beside c alone 2.0; batches that met each for half of the time are told from both."""
    a, b, c = member("a"), member("b"), member("c")
    table = PairTable()
    for _ in range(200):
        for other, y in ((b, 1.2), (c, 2.0)):
            table.learn(Observation(a, 0.01 * y, [Stay(0.01 * y, (other,))], 0.01))
    stays = [Stay(0.008, (b,)), Stay(0.008, (c,))]
    assert table.predict(a, [], stays).slowdown == pytest.approx(1.6)
