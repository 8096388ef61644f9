"""A predictor that runs a contention model forward from what a server can see."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, runtime_checkable

from isim.contention.contention_file import load_contention
from isim.engine.batch import Batch
from isim.engine.remembered import Remembered
from isim.engine.shadow_gpu import ShadowGpu
from isim.errors import PredictorError
from isim.operations import Operations, Variant
from isim.policies.predictors.predictor import CoRunner, Gone, Member, Observation, Prediction, Stay
from isim.sharing_modes import Sharing


@runtime_checkable
class Foresees(Protocol):
    """A predictor that runs batches forward, and so must be told what they consist of."""

    def use(self, operations: Operations, sharing: Sharing, slots: int) -> None:
        """Take the profile's operations, how processes share the GPU, and how many batches it holds at once."""
        ...


class Finishes(NamedTuple):
    """When batches finish, counted from now, if nothing else is dispatched."""

    target_s: float
    co_runners_s: tuple[float, ...]
    """In the order in which they were given."""


class _Stretch(NamedTuple):
    """From when to when a batch is on the GPU, unless it finishes before."""

    member: Member
    start_s: float
    leave_s: float = math.inf


class LookAhead:
    """Expect what a contention model makes of the kernels that are known to be there, if nothing else is dispatched.

    It sees what a server sees: the profile, who runs beside whom since when. It starts every co-runner when it was
    dispatched, beside those that are still there; what left before is not known to it, nor are execution noise and
    the work of requests. Its model may be another than that of the simulated hardware, or be fitted to other GPUs.

    Parameters
    ----------
    contention
        What it believes in: a contention model, `NAME[:parameter=value]`, or the path of a contention file.

    Raises
    ------
    ContentionError
        There is no such model.

    Examples
    --------
    >>> LookAhead("fair").contention
    'fair'

    References
    ----------
    Chen et al., *Prophet: precise QoS prediction on non-preemptive accelerators*, ASPLOS'17.
    """

    def __init__(self, contention: str = "roofline") -> None:
        self.contention = contention
        self._model = load_contention(contention)[0]
        self._made: tuple[Operations, Sharing, int] | None = None
        self._gpu: ShadowGpu | None = None
        self._from_empty = Remembered()

    def use(self, operations: Operations, sharing: Sharing, slots: int) -> None:
        """Take what batches consist of.

        Raises
        ------
        ContentionError
            A column that the contention model needs was not profiled.
        """
        self._made = operations, sharing, slots
        self._gpu = ShadowGpu(slots, operations, self._model, sharing)
        self._from_empty = Remembered()

    def predict(self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay] = ()) -> Prediction:
        """Return the slowdown of the target from its dispatch to the finish found.

        Raises
        ------
        PredictorError
            Nothing was said of what batches consist of.
        """
        finish_s = self.finishes(target, co_runners, so_far).target_s
        return Prediction((_total_s(so_far) + finish_s) / target.solo_s)

    def finishes(self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay] = ()) -> Finishes:
        """Return when the target and every co-runner finish, 0 of one that should have finished by now.

        Raises
        ------
        PredictorError
            Nothing was said of what batches consist of.
        """
        now_s = _total_s(so_far)
        left_s = [at_s - now_s for at_s in self._run([*_stretches(co_runners, so_far, now_s), _Stretch(target, 0.0)])]
        if co_runners:  # it is still running
            left_s = [max(0.0, value) for value in left_s]
        return Finishes(left_s[-1], tuple(left_s[: len(co_runners)]))

    def finishes_s(
        self, running: Sequence[CoRunner], joining: Sequence[Member] = (), gone: Sequence[Gone] = ()
    ) -> Sequence[float]:
        """Return how long each takes from now on, `running` first; 0 of one that should have finished by now.

        Raises
        ------
        PredictorError
            Nothing was said of what batches consist of.
        """
        together = [_Stretch(member, 0.0) for member in joining]
        if not running and not gone:
            kinds = tuple((member.model, member.batch_size) for member in joining)
            return self._from_empty.get(kinds, partial(self._run, together))
        stretches = [_Stretch(each.member, -each.elapsed_s) for each in running] + together
        left = [_Stretch(each.member, -each.dispatched_ago_s, -each.left_ago_s) for each in gone]
        return [max(0.0, at_s) for at_s in self._run(stretches + left)[: len(stretches)]]

    def _run(self, stretches: Sequence[_Stretch]) -> list[float]:
        """Return when each batch finishes or is taken off; those of one start are dispatched in the order given."""
        gpu, variants = self._cleared(len(stretches))
        order = sorted(range(len(stretches)), key=lambda i: stretches[i].start_s)
        batches: dict[int, Batch] = {}
        changes = [(stretches[i].start_s, 1, place, i) for place, i in enumerate(order)]
        changes += [
            (stretches[i].leave_s, 0, place, i) for place, i in enumerate(order) if stretches[i].leave_s < math.inf
        ]
        for time_s, enters, place, i in sorted(changes):
            gpu.run(time_s)
            if enters:
                batches[i] = Batch(place, _variant(variants, stretches[i].member), (), time_s, 1.0, 1.0)
                gpu.dispatch(batches[i], time_s)
            elif batches[i] in gpu.residents:
                gpu.evict(batches[i], time_s)
        gpu.run()
        return [batches[i].dispatched_s + batches[i].duration_s for i in range(len(stretches))]

    def _cleared(self, batches: int) -> tuple[ShadowGpu, dict[tuple[str, int], Variant]]:
        """Return the GPU on the side, empty and with room for so many batches, and what these consist of."""
        if self._made is None:
            raise PredictorError(
                "predictor look-ahead: knows no kernels (it was told of no profile); use it in 'isim run', or in "
                "'isim evaluate' of a run folder"
            )
        operations, sharing, slots = self._made
        if self._gpu is None or batches > slots:  # a policy may ask about more than there is room for
            self._made = operations, sharing, max(slots, batches)
            self._gpu = ShadowGpu(self._made[2], operations, self._model, sharing)
        self._gpu.clear()
        return self._gpu, operations.variants

    def learn(self, observation: Observation) -> None:
        """Learn nothing: what it believes was fitted before."""

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the GPU on the side, which is made anew."""
        return {**self.__dict__, "_gpu": None}


def _variant(variants: Mapping[tuple[str, int], Variant], member: Member) -> Variant:
    try:
        return variants[member.model, member.batch_size]
    except KeyError:
        raise PredictorError(
            f"predictor look-ahead: no measurement of {member.model} at batch size {member.batch_size}; "
            "ask about batches that the profile holds"
        ) from None


def _total_s(stays: Sequence[Stay]) -> float:
    return math.fsum(stay.duration_s for stay in stays)


def _stretches(co_runners: Sequence[CoRunner], so_far: Sequence[Stay], now_s: float) -> list[_Stretch]:
    """Return from when to when each co-runner was, or may still be, there, counted from the target's dispatch.

    Those of now come first, in their order, and leave when they are done. Of one that was there at the dispatch of
    the target and has left, only that is known; it is taken to have started then.
    """
    open_: list[tuple[Member, float]] = []
    closed: list[_Stretch] = []
    time_s = 0.0
    for stay in (*so_far, Stay(0.0, tuple(co.member for co in co_runners))):
        wanted = list(stay.co_runners)
        kept = []
        for member, start_s in open_:
            if member in wanted:
                wanted.remove(member)
                kept.append((member, start_s))
            else:
                closed.append(_Stretch(member, start_s, time_s))
        open_ = kept + [(member, time_s) for member in wanted]
        time_s += stay.duration_s
    return [_Stretch(co.member, now_s - co.elapsed_s) for co in co_runners] + closed
