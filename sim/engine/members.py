"""What a predictor is told of each (model, batch size, SM share): its profile, made once."""

import numpy as np

from isim.operations import RESOURCES, Floats, Operations, means
from isim.policies.kernels import Kernels
from isim.policies.predictors.predictor import Member
from isim.profiler.profile import Profile
from isim.sharing_modes import Sharing

_COLUMNS = (*RESOURCES, "sm_needed")
AVERAGES = "batch"
"""The footer's `granularity` of a profile that holds one row of averages a batch, not its kernels."""


def members_of(operations: Operations, sharing: Sharing) -> dict[tuple[str, int], Member]:
    """Return the member of every (model, batch size) that a run can dispatch.

    Parameters
    ----------
    operations
        What its batches consist of, laid out for `sharing`.

    Examples
    --------
    >>> from isim.experiment import Experiment
    >>> from isim.building.inputs import load_inputs
    >>> operations = Operations(load_inputs(Experiment()).profile, ["resnet50"])
    >>> member = members_of(operations, Sharing())["resnet50", 8]
    >>> member.sm_share, len(member.kernels.duration_s) == len(member.kernels.resources["l2"])
    (1.0, True)
    """
    found = {}
    for key, variant in operations.variants.items():
        kernels, share = operations.kernels(*key), sharing.share(variant.model)
        found[key] = Member(*key, variant.solo_s, means(kernels), share, kernels)
    return found


class ProfiledMembers:
    """Look members of measured co-location up in a profile, at the share of the SMs that they were held to.

    Parameters
    ----------
    profile
        None where only durations were measured: members then have no features and no kernels.
    """

    def __init__(self, profile: Profile | None) -> None:
        self._profile = profile
        self._found: dict[tuple[str, int, float], Member | None] = {}

    def member(self, model: str, batch_size: int, sm_share: float, solo_s: float | None) -> Member | None:
        """Return the member; None if the profile does not hold it, or nobody measured it alone.

        Parameters
        ----------
        sm_share
            0..1; what was not profiled at this share is taken at the whole GPU.
        solo_s
            How long it was measured to take alone at this share, in seconds; None where it was not.
        """
        key = model, batch_size, sm_share
        if key not in self._found:
            self._found[key] = self._made(*key, solo_s)
        return self._found[key]

    def _made(self, model: str, batch_size: int, sm_share: float, solo_s: float | None) -> Member | None:
        if self._profile is None:
            return None if solo_s is None else Member(model, batch_size, solo_s, {}, sm_share)
        profiled = [s for s in (sm_share, 1.0) if model in self._profile.models
                    and batch_size in self._profile.batch_sizes(model, s)]  # fmt: skip
        if not profiled:
            return None
        table = self._profile.operations(model, batch_size, profiled[0])

        def column(name: str) -> Floats:
            return np.asarray(table[name].to_numpy(zero_copy_only=False), dtype=np.float64)

        kernels = Kernels(
            column("gap_ns") / 1e9, column("duration_ns") / 1e9, {name: column(name) for name in _COLUMNS}
        )
        if solo_s is None:
            solo_s = self._profile.solo_ns(model, batch_size, profiled[0]) / 1e9
        whole = self._profile.footer.get("granularity") != AVERAGES
        return Member(model, batch_size, solo_s, means(kernels), sm_share, kernels if whole else None)
