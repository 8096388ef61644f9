"""iGniter's analytical model: scheduling of kernels, L2, and the clock under a limit of power."""

from collections.abc import Sequence

from isim.policies.predictors.instant import Instant
from isim.policies.predictors.loads import Loads
from isim.policies.predictors.over_time.reading import ReadingName
from isim.policies.predictors.parameters import number
from isim.policies.predictors.predictor import Member


class Igniter(Instant):
    """Expect (D n + T (1 + a sum of the others' L2 use)) / (T f / F), with D = alpha_sch (batches) + beta_sch.

    n is the batch's number of kernels, T its time alone, f = min(F, F + alpha_f (P - P_max)) the clock at the power P
    of all. The constants are those of its V100, recovered from its repository (icloud-ecnu/igniter, b1ff2ab). A profile
    has no power of a batch, so that all have the same; with none, the clock stays.

    Parameters
    ----------
    alpha_cache
        a: slowdown per unit of the others' L2 use, at least 0; 0.22 is the mean of its four models.
    alpha_sch_ms, beta_sch_ms
        Delay of a kernel's launch per batch on the GPU, and its offset, ms.
    kernels
        n where only averages were profiled, at least 0.
    power_w
        Of a batch on all SMs, at least 0.
    idle_power_w, most_power_w
        Of the GPU.
    clock_mhz, alpha_f_mhz_per_w
        F, and how it falls with power above the most.
    features, alpha
        See `Instant`.

    Raises
    ------
    PredictorError
        A parameter is out of range; `l2` was not measured.

    Examples
    --------
    >>> a, b = Member("a", 1, 0.020, {"l2": 0.2}), Member("b", 1, 0.050, {"l2": 0.18})
    >>> round(Igniter(kernels=80).slowdown_beside(a, [b]), 5)
    1.04152

    References
    ----------
    F. Xu et al., "iGniter: Interference-aware GPU resource provisioning for predictable DNN inference in the cloud",
    IEEE TPDS 34, 2023.
    """

    def __init__(
        self,
        alpha_cache: float = 0.22,
        alpha_sch_ms: float = 0.00475,
        beta_sch_ms: float = -0.00902,
        kernels: int = 50,
        power_w: float = 0.0,
        idle_power_w: float = 53.5,
        most_power_w: float = 300.0,
        clock_mhz: float = 1530.0,
        alpha_f_mhz_per_w: float = -1.0254,
        features: ReadingName = "static",
        alpha: float = 0.5,
    ) -> None:
        self.alpha_cache, self.alpha_sch_ms, self.beta_sch_ms = alpha_cache, alpha_sch_ms, beta_sch_ms
        self.kernels, self.power_w, self.idle_power_w = kernels, power_w, idle_power_w
        self.most_power_w, self.clock_mhz, self.alpha_f_mhz_per_w = most_power_w, clock_mhz, alpha_f_mhz_per_w
        checks = [
            number("alpha_cache", alpha_cache, at_least=0),
            number("alpha_sch_ms", alpha_sch_ms),
            number("beta_sch_ms", beta_sch_ms),
            number("kernels", kernels, at_least=0),
            number("power_w", power_w, at_least=0),
            number("idle_power_w", idle_power_w, at_least=0),
            number("most_power_w", most_power_w, above=0),
            number("clock_mhz", clock_mhz, above=0),
            number("alpha_f_mhz_per_w", alpha_f_mhz_per_w, at_most=0),
        ]
        super().__init__("igniter", checks, features, alpha)
        self._loads = Loads("igniter", ("l2",))

    def slowdown_beside(self, target: Member, others: Sequence[Member]) -> float:
        """Return the slowdown by launches, L2 and the clock together."""
        count = self.kernels if target.kernels is None else len(target.kernels.duration_s)
        delay_ms = max(0.0, self.alpha_sch_ms * (1 + len(others)) + self.beta_sch_ms)
        solo_ms = 1e3 * target.solo_s
        cache = self.alpha_cache * sum([self._loads(other)[0] for other in others])
        above_w = self.idle_power_w - self.most_power_w
        above_w += self.power_w * sum([member.sm_share for member in (target, *others)])
        clock = 1.0 + max(0.0, above_w) * self.alpha_f_mhz_per_w / self.clock_mhz
        return (delay_ms * count + solo_ms * (1.0 + cache)) / (solo_ms * max(clock, 0.1))
