"""Members made from what a server knows of its models."""

from isim.policies.policy import SoloProfile
from isim.policies.predictors.predictor import Member


class Members:
    """Make the member of each (model, batch size) once, from what a server's profile tells.

    Examples
    --------
    >>> from isim.policies.rehearsal import FixedProfile
    >>> profile = FixedProfile((1, 4), fixed_s=0.002, per_sample_s=0.001)
    >>> Members().of(profile, "a", samples=3)
    Member(model='a', batch_size=4, solo_s=0.006, features={'sm': 0.5, 'memory': 0.5}, sm_share=1.0, kernels=None)
    """

    def __init__(self) -> None:
        self._members: dict[tuple[str, int], Member] = {}

    def of(self, profile: SoloProfile, model: str, samples: int) -> Member:
        """Return the member as which a batch of `samples` runs: at the smallest profiled size that holds them."""
        member = self._members.get((model, samples))
        if member is None:
            size = next(size for size in profile.batch_sizes(model) if size >= samples)
            solo_s, features = profile.solo_s(model, size), profile.features(model, size)
            member = Member(model, size, solo_s, features, profile.sm_share(model), profile.kernels(model, size))
            self._members[model, samples] = member
        return member
