"""What is co-located: models at batch sizes, as a user writes them."""

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

from isim.errors import ProfileError

_MEMBER = re.compile(r"(?P<model>.+)@(?P<size>\d+)(?:/(?P<share>[0-9.]+))?")


class Member(NamedTuple):
    """One model at one batch size, held to a share of the SMs (0..1).

    Examples
    --------
    >>> str(Member("mlp", 8, 0.5))
    'mlp@8/0.5'
    """

    model: str
    batch_size: int
    sm_share: float = 1.0

    def __str__(self) -> str:
        share = "" if self.sm_share == 1 else f"/{self.sm_share:g}"
        return f"{self.model}@{self.batch_size}{share}"


Mix = tuple[Member, ...]


def parse_mix(text: str) -> Mix:
    """Return the members that `MODEL@BATCH + MODEL@BATCH` names; `@BATCH/SHARE` holds one to a share of the SMs.

    Raises
    ------
    ProfileError
        The text is not so written.

    Examples
    --------
    >>> parse_mix("resnet18@4 + mlp@8/0.5")
    (Member(model='resnet18', batch_size=4, sm_share=1.0), Member(model='mlp', batch_size=8, sm_share=0.5))
    """
    members, problems = [], []
    for part in text.split(" + ") if " + " in text else text.split("+"):
        match = _MEMBER.fullmatch(part.strip())
        share = _share(match["share"]) if match else None
        if match is None or share is None or int(match["size"]) < 1:
            problems.append(
                f"--colocate {text!r}: not a model at a batch size (found {part.strip()!r}); write "
                "'resnet18@4 + mlp@8', and '@4/0.5' to hold one to half of the SMs"
            )
        else:
            members.append(Member(match["model"], int(match["size"]), share))
    if problems:
        raise ProfileError(*problems)
    if len(members) < 2:
        raise ProfileError(f"--colocate {text!r}: a mix has two members or more (found {len(members)}); add ' + …'")
    return tuple(members)


def all_mixes(
    models: Sequence[str], batch_sizes: Sequence[int], members: int = 2, limit: int | None = None
) -> list[Mix]:
    """Return every mix of so many members, each beside itself as well; at most `limit`, spread evenly.

    Examples
    --------
    >>> [" + ".join(map(str, mix)) for mix in all_mixes(["a", "b"], [1])]
    ['a@1 + a@1', 'a@1 + b@1', 'b@1 + b@1']
    >>> len(all_mixes(["a", "b", "c"], [1], members=3)), len(all_mixes(["a", "b", "c"], [1, 2, 4], limit=5))
    (10, 5)
    """
    single = [Member(model, size) for model in models for size in batch_sizes]
    mixes: list[Mix] = list(itertools.combinations_with_replacement(single, members))
    if limit is None or limit >= len(mixes):
        return mixes
    return [mixes[(2 * index + 1) * len(mixes) // (2 * limit)] for index in range(limit)]


def _share(text: str | None) -> float | None:
    try:
        share = float(text) if text else 1.0
    except ValueError:
        return None
    return share if 0 < share <= 1 else None
