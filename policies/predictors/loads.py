"""What a batch asks of each resource, as a vector."""

from collections.abc import Mapping, Sequence

from isim.errors import PredictorError
from isim.policies.predictors.predictor import Member

_COMPOSITE = {"l2": "memory", "dram": "memory"}
"""What was measured of both together stands for either."""


class Loads:
    """Look up the mean use of some resources, member by member.

    Parameters
    ----------
    predictor
        Who asks, for messages.
    resources
        Names of the profile's columns.

    Examples
    --------
    >>> Loads("rls", ("sm", "l2"))(Member("a", 4, 0.002, {"sm": 0.5, "memory": 0.2}))
    [0.5, 0.2]
    """

    def __init__(self, predictor: str, resources: Sequence[str]) -> None:
        self._predictor = predictor
        self._resources = tuple((name, _COMPOSITE.get(name, "")) for name in resources)

    def __call__(self, member: Member) -> list[float]:
        """Return the member's use of each resource, 0..1.

        Raises
        ------
        PredictorError
            A resource was not measured; `memory` stands for `l2` and `dram`.
        """
        features = member.features
        load = []
        for name, composite in self._resources:
            value = features.get(name)
            if value is None:
                value = features.get(composite)
            # Neither a NaN nor a percentage is a use in 0..1; a little above 1 comes from counters at another clock.
            if value is None or not 0.0 <= value <= 2.0:
                raise self._unmeasured(member)
            load.append(value)
        return load

    def _unmeasured(self, member: Member) -> PredictorError:
        features: Mapping[str, float] = member.features
        values = {name: features.get(name, features.get(composite)) for name, composite in self._resources}
        bad = [name for name, value in values.items() if value is None or not 0.0 <= value <= 2.0]
        has = ", ".join(f"{name} {value:g}" for name, value in sorted(features.items())) or "none"
        return PredictorError(
            f"predictor {self._predictor}: {', '.join(bad)} of {member.model} at batch size {member.batch_size} "
            f"was not measured in 0..1 (has: {has}); profile it with counters, or name the resources to use with "
            "resources=a/b"
        )
