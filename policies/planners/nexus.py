"""Nexus' planner: squishy bin packing of models onto GPUs that serve their models in turn."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from isim.policies.planners.nexus_session import Session


class Share(NamedTuple):
    """What a session has of a node: one batch in every duty cycle."""

    session: Session
    rate_rps: float
    batch_size: int


class Node(NamedTuple):
    """A GPU that runs one batch of each of its sessions in every duty cycle."""

    duty_cycle_s: float
    shares: tuple[Share, ...]

    @property
    def occupancy(self) -> float:
        """The part of the duty cycle in which the GPU is busy."""
        return sum(share.session.duration_s(share.batch_size) for share in self.shares) / self.duty_cycle_s


def plan_nodes(sessions: Iterable[Session]) -> list[Node]:
    """Pack sessions onto as few GPUs as the heuristic finds.

    A session gets whole GPUs while it can fill them; what is left of its rate shares a GPU with others, as one batch
    each in a duty cycle short enough for all of them. Residues are placed by occupancy, the largest first, each where
    it leaves the least room.

    Parameters
    ----------
    sessions
        Models with objective and rate; a rate of 0 is left out.

    Returns
    -------
    The nodes: first the full ones, then the shared.

    Raises
    ------
    ValueError
        Two batches of one do not fit in a session's objective.

    Examples
    --------
    A and B share a GPU, in which they fit exactly; C would be too long beside A (the paper's example, section 4.1):

    >>> a = Session("A", 0.200, 64, (4, 8, 16), (0.050, 0.075, 0.100))
    >>> b = Session("B", 0.250, 32, (4, 8, 16), (0.050, 0.090, 0.125))
    >>> c = Session("C", 0.250, 32, (4, 8, 16), (0.060, 0.095, 0.125))
    >>> for node in plan_nodes([a, b, c]):
    ...     print(f"{node.duty_cycle_s:.3f} s:", *(f"{share.session.name} {share.batch_size}" for share in node.shares))
    0.125 s: A 8 B 4
    0.125 s: C 4

    References
    ----------
    H. Shen et al., "Nexus: A GPU cluster engine for accelerating DNN-based video analysis", SOSP 2019, section 6.1,
    algorithm 1.
    """
    nodes: list[Node] = []
    residues: list[Node] = []
    for session in sessions:
        rate_rps, size = session.rate_rps, session.saturated_batch_size
        if not size:
            raise ValueError(
                f"session {session.name}: the SLO is shorter than two batches of one (found {session.slo_s:g} s, "
                f"one takes {session.duration_s(1):g} s); raise the SLO"
            )
        duration_s = session.duration_s(size)
        while rate_rps * duration_s >= size * (1 - 1e-9):
            nodes.append(Node(duration_s, (Share(session, size / duration_s, size),)))
            rate_rps -= size / duration_s
        if rate_rps > 1e-9 * session.rate_rps:
            residues.append(_residue(session, rate_rps))
    shared: list[Node] = []
    for residue in sorted(residues, key=lambda node: -node.occupancy):
        merged = [(i, together) for i, node in enumerate(shared) if (together := merge(node, residue)) is not None]
        if merged:
            i, best = max(merged, key=lambda each: each[1].occupancy)
            shared[i] = best
        else:
            shared.append(residue)
    return nodes + shared


def _residue(session: Session, rate_rps: float) -> Node:
    size, duty_s = session.residual(rate_rps)
    if session.duration_s(size) > duty_s * (1 + 1e-9):
        # Profiled sizes are far apart: the largest that gathers in time is too small to keep up. Any number of requests
        # may run as the size above it, and the most of those that gather in time do keep up.
        sizes = range(1, session.saturated_batch_size + 1)
        size = max(size for size in sizes if (size - 1) / rate_rps + session.duration_s(size) <= session.slo_s)
        duty_s = min(session.slo_s - session.duration_s(size), size / rate_rps)
    return Node(duty_s, (Share(session, rate_rps, size),))


def merge(node: Node, other: Node) -> Node | None:
    """Return both on one GPU, or None if their batches do not fit in the shorter of the duty cycles."""
    duty_s = min(node.duty_cycle_s, other.duty_cycle_s)
    shares = tuple(
        share._replace(batch_size=_at_least(share.rate_rps * duty_s)) for share in (*node.shares, *other.shares)
    )
    together = Node(duty_s, shares)
    fits = together.occupancy <= 1 + 1e-9
    return together if fits else None


def node_batch_sizes(sessions: Sequence[Session]) -> dict[str, int]:
    """Return the batch sizes with which one node serves all sessions.

    If they do not fit in one duty cycle, or while a rate is not known (0), sizes are the largest that the objectives
    allow: what falls short can only be served in larger batches.

    Examples
    --------
    >>> a, b = Session("a", 0.2, 64, (4, 8, 16), (0.05, 0.075, 0.1)), Session("b", 0.2, 30, (1, 4), (0.04, 0.05))
    >>> node_batch_sizes([a, b])
    {'a': 8, 'b': 4}
    >>> node_batch_sizes([a, b._replace(rate_rps=8)])
    {'a': 8, 'b': 1}
    """
    node: Node | None = None
    if all(session.rate_rps > 0 for session in sessions):
        for session in sessions:
            size, duty_s = session.residual(session.rate_rps)
            alone = Node(duty_s, (Share(session, session.rate_rps, size),))
            node = alone if node is None else merge(node, alone)
            if node is None:
                break
    if node is None:
        return {session.name: session.saturated_batch_size or session.batch_sizes[0] for session in sessions}
    return {share.session.name: share.batch_size for share in node.shares}


def _at_least(requests: float) -> int:
    """Return the whole number of requests that a batch must hold, forgiving the rounding of rates times cycles."""
    return max(1, math.ceil(requests - 1e-9))
