import itertools

import pytest

from isim.errors import PolicyError
from isim.policies.clipper import Clipper
from isim.policies.policy import Dispatch, Request
from isim.policies.rehearsal import FixedProfile, Rehearsal


def batch_sizes(policy: Clipper, slo_s: float, requests: int) -> list[int]:
    """Return the sizes sent of one long queue; a batch of n takes n ms."""
    waiting = [Request(i, "m", 0.0, slo_s, 0, 1, 1.0) for i in range(requests)]
    profile = FixedProfile(tuple(range(1, 65)), 0.0, 0.001)
    log = Rehearsal(policy, waiting, 1, profile).run().log
    return [len(decision.requests) for _, decision in log if isinstance(decision, Dispatch)]


def test_saws_around_the_largest_size_in_time() -> None:
    """Sizes 1 to 20 take up to 20 ms, 21 is late: floor(21 * 0.9) = 18, then up again."""
    sizes = batch_sizes(Clipper(slo_s=0.0205), 1.0, 400)
    assert sizes[:21] == list(range(1, 22))
    assert sizes[21:29] == [18, 19, 20, 21, 18, 19, 20, 21]


def test_increase_and_decrease_are_parameters() -> None:
    """1, 5, 9 (late) -> floor(9 * 0.5) = 4, 8 (in time), 12 (late) -> 6."""
    assert batch_sizes(Clipper(inc=4, dec=0.5, slo_s=0.0085), 1.0, 48) == [1, 5, 9, 4, 8, 12, 6, 3]


def test_takes_the_slo_of_the_requests() -> None:
    assert max(batch_sizes(Clipper(), 0.0105, 100)) == 11


def test_does_not_grow_on_batches_that_are_not_full() -> None:
    policy = Clipper(slo_s=1.0)
    apart = [Request(i, "m", i * 0.1, 10.0, 0, 1, 1.0) for i in range(10)]
    together = [Request(10 + i, "m", 2.0, 10.0, 0, 1, 1.0) for i in range(8)]
    log = Rehearsal(policy, apart + together, 1, FixedProfile((1, 2, 4, 8), 0.0, 0.001)).run().log
    sizes = [len(decision.requests) for _, decision in log if isinstance(decision, Dispatch)]
    # The first full batch (of one) made it two; the single requests since never filled that.
    assert list(itertools.islice(sizes, 10, None)) == [1, 2, 3, 2]


@pytest.mark.parametrize("dec", [0.0, 1.0, -0.5])
def test_decrease_out_of_range(dec: float) -> None:
    with pytest.raises(PolicyError, match="dec is out of range"):
        Clipper(dec=dec)
