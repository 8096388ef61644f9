"""What tells members apart for a memory of what was worked out from their profiles."""

from hashlib import blake2b
from typing import NamedTuple

from isim.policies.predictors.predictor import Member

_MOST_KEPT = 4_000
"""Members; a server of some models meets far fewer."""


class ProfileKey(NamedTuple):
    """Equal for members of whom all that was profiled is equal; sorted by name first."""

    model: str
    batch_size: int
    sm_share: float
    digest: bytes
    """Of the time alone, the features and the kernels."""


class ProfileKeys:
    """Make the key of each member once: names do not do, since a model is called the same on every GPU.

    Examples
    --------
    >>> key = ProfileKeys()
    >>> one, same, other = (Member("a", 1, 0.002, {"sm": use}) for use in (0.8, 0.8, 0.1))
    >>> key(one) == key(same), key(one) == key(other)
    (True, False)
    """

    def __init__(self) -> None:
        # By where a member lies in memory, which costs nothing to tell; each is held, so that nothing else lies there.
        self._known: dict[int, tuple[Member, ProfileKey]] = {}

    def __call__(self, member: Member) -> ProfileKey:
        """Return the member's key."""
        known = self._known.get(id(member))
        if known is not None:
            return known[1]
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        key = ProfileKey(member.model, member.batch_size, member.sm_share, _digest(member))
        self._known[id(member)] = member, key
        return key

    def __getstate__(self) -> dict[str, object]:
        return {"_known": {}}  # where members lie is true of this process alone


def _digest(member: Member) -> bytes:
    kernels = member.kernels
    columns = [] if kernels is None else sorted(kernels.resources.items())
    names = kernels and (len(kernels.duration_s), [name for name, _ in columns])
    digest = blake2b(repr((member.solo_s, sorted(member.features.items()), names)).encode(), digest_size=16)
    if kernels is not None:
        for column in (kernels.gap_s, kernels.duration_s, *(column for _, column in columns)):
            digest.update(column.tobytes())
    return digest.digest()
