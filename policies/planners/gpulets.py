"""gpulets' elastic partitioning: models on parts of GPUs, at most two parts a GPU."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from isim.policies.planners.gpulets_session import PARTS, Session, best_part, largest_batch, throughput_rps

_SLACK = 1.05
"""Relative excess over the SLO that is let pass when interference is accounted for."""
_ENOUGH = 0.85
"""The part of its rate that a piece must serve beside its neighbour."""


class Gpulet(NamedTuple):
    """A part of a GPU, and the batches it serves."""

    session: Session
    part: float
    batch_size: int
    rate_rps: float


Interference = Callable[[Gpulet, Gpulet], float]
"""The slowdown of the first gpulet's batches by the second's on the same GPU."""


def plan_gpulets(
    sessions: Iterable[Session], interference: Interference = lambda one, other: 1.0, alike: bool = False
) -> list[list[Gpulet]]:
    """Place sessions on parts of as few GPUs as the heuristic finds.

    A session is cut into pieces of the part with the best marginal throughput, and a last piece on the smallest part
    that serves the rest. Sessions go from the least rate * SLO up; each piece goes where it leaves the least of a GPU
    unused, if it and its neighbour hold their objectives beside each other, with smaller batches if need be, and still
    serve most of their rates; else on a GPU of its own.

    Parameters
    ----------
    sessions
        What to place.
    interference
        What is believed of two gpulets on one GPU; none if left out.
    alike
        Whether all pieces of a session are on parts of one size, and on GPUs of their own: what a server can run that
        holds a model to one part of each of its GPUs, in one process. The heuristic has neither rule.

    Returns
    -------
    The gpulets on each GPU.

    Raises
    ------
    ValueError
        Two batches of one do not fit in a session's objective even on a whole GPU.

    Examples
    --------
    Up to 0.4 of the GPU, throughput grows with the part; the first session needs three such parts.

    >>> session = Session("a", 0.040, 1200.0, (1, 2, 4, 8), lambda size, part: 0.0025 * size * 0.4 / min(part, 0.4))
    >>> half = session._replace(name="b", rate_rps=100.0)
    >>> [[(each.session.name, each.part, each.batch_size) for each in gpu] for gpu in plan_gpulets([session, half])]
    [[('b', 0.2, 2), ('a', 0.4, 8)], [('a', 0.4, 8), ('a', 0.4, 8)]]

    References
    ----------
    S. Choi et al., "Serving heterogeneous machine learning models on multi-GPU servers with spatio-temporal sharing",
    USENIX ATC 2022, algorithm 1.
    """
    gpus: list[list[Gpulet]] = []
    for session in sorted(sessions, key=lambda each: each.rate_rps * each.slo_s):
        for piece in _pieces(session, alike):
            _place(piece, gpus, interference, alike)
    return gpus


def _pieces(session: Session, alike: bool) -> list[Gpulet]:
    part, left_rps = best_part(session), session.rate_rps
    size, most_rps = largest_batch(session, part), throughput_rps(session, part)
    pieces = []
    while left_rps >= most_rps * (1 - 1e-9):
        pieces.append(Gpulet(session, part, size, most_rps))
        left_rps -= most_rps
    if left_rps > 1e-9 * session.rate_rps:
        parts = (part,) if alike and pieces else PARTS
        pieces.append(next(rest for each in parts if (rest := _rest(session, each, left_rps)) is not None))
    return pieces


def _rest(session: Session, part: float, rate_rps: float) -> Gpulet | None:
    """Return the largest batches that gather and run within the objective on a part, if they keep up with the rate."""
    for size in reversed(session.batch_sizes):
        duration_s = session.duration_s(size, part)
        if duration_s + size / rate_rps <= session.slo_s * (1 + 1e-9) and size / duration_s >= rate_rps:
            return Gpulet(session, part, size, rate_rps)
    # Batches need not fill before they start.
    size = largest_batch(session, part)
    return Gpulet(session, part, size, rate_rps) if size and throughput_rps(session, part) >= rate_rps else None


def _place(piece: Gpulet, gpus: list[list[Gpulet]], interference: Interference, apart: bool) -> None:
    unused = [1 - sum(each.part for each in gpu) - piece.part for gpu in gpus]
    for i in sorted(range(len(gpus)), key=lambda i: (unused[i], i)):
        own = apart and gpus[i][0].session.name == piece.session.name
        if len(gpus[i]) == 1 and unused[i] >= -1e-9 and not own:
            one = _beside(gpus[i][0], piece, interference)
            other = _beside(piece, gpus[i][0], interference)
            if one is not None and other is not None:
                gpus[i] = [one, other]
                return
    gpus.append([piece])


def _beside(piece: Gpulet, neighbour: Gpulet, interference: Interference) -> Gpulet | None:
    """Return the piece with the largest batches, up to its own, that hold its objective beside a neighbour."""
    session = piece.session
    for size in reversed([size for size in session.batch_sizes if size <= piece.batch_size]):
        smaller = piece._replace(batch_size=size)
        duration_s = session.duration_s(size, piece.part) * interference(smaller, neighbour)
        served_rps = min(piece.rate_rps, size / duration_s)
        if 2 * duration_s <= session.slo_s * _SLACK and served_rps >= _ENOUGH * piece.rate_rps:
            return smaller
    return None
