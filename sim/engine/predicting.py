"""Ask a run's predictor about every batch at its dispatch, and teach it when the batch has finished."""

from collections import deque
from collections.abc import Callable, Sequence

from isim.contention.contract import ContentionModel
from isim.engine.ask import ask, teach
from isim.engine.batch import Batch
from isim.engine.gpu import Gpu
from isim.engine.look_ahead import Foresees
from isim.engine.members import members_of
from isim.engine.oracle import Oracle
from isim.engine.view import LiveView
from isim.errors import PredictorError
from isim.operations import Operations
from isim.policies.predictors.predictor import CoRunner, Member, Observation, Prediction, Predictor, Stay
from isim.sharing_modes import Sharing


class Predicting:
    """Stand between a simulation and a predictor, which sees what a server sees.

    Parameters
    ----------
    predictor
        Freshly built.
    spec
        How to name it in errors.
    record
        Told of each prediction when its batch has finished, or at the end of the run: the batch, what was said at its
        dispatch, and its measured slowdown (None if it has not finished).
    """

    def __init__(
        self, predictor: Predictor, spec: str, record: Callable[[Batch, Prediction, float | None], None]
    ) -> None:
        self.predictor = predictor
        self._spec = spec
        self._record = record
        self._oracle = predictor if isinstance(predictor, Oracle) else None
        self._members: dict[int, Member] = {}
        """By the first operation of a variant."""
        self._said: dict[int, Prediction] = {}
        """By batch that runs."""
        self._member_of: dict[int, Member] = {}
        """By batch that runs, or was there with one that runs."""
        self._left: deque[tuple[float, int]] = deque()
        """When each of the latter left, and its id."""

    def start(
        self, gpu: Gpu, view: LiveView, noise: Callable[[float, int], float] | None, slots: int,
        operations: Operations, contention: ContentionModel, sharing: Sharing,
    ) -> None:  # fmt: skip
        """Hand the predictor what it may know; only the oracle may know the GPU itself, and the luck of each batch."""
        self._members = {
            operations.variants[key].first: member for key, member in members_of(operations, sharing).items()
        }
        if isinstance(self.predictor, Foresees):
            self.predictor.use(operations, sharing, slots)
        if self._oracle is not None:
            self._oracle.watch(gpu, view, noise, slots, operations, contention, sharing)

    def dispatch(self, batch: Batch, residents: Sequence[Batch]) -> None:
        """Ask about a batch that is about to join `residents`.

        Raises
        ------
        PredictorError
            The predictor raised, or said what no batch can be.
        """
        now_s = batch.dispatched_s
        members = self._member_of
        members[batch.batch_id] = target = self._members[batch.variant.first]
        if batch.continues is not None:  # a part of a batch, of which no predictor knows anything
            return
        if self._oracle is not None:
            said = self._oracle.expect(batch)
        else:
            beside = [CoRunner(members[other.batch_id], now_s - other.dispatched_s) for other in residents]
            said = ask(self.predictor, self._spec, target, beside)
        self._said[batch.batch_id] = said

    def leave(self, batch: Batch, residents: Sequence[Batch]) -> None:
        """Teach a batch that has just left `residents`, unless it was preempted, or went on where one had been.

        Raises
        ------
        PredictorError
            The predictor raised, or refused the observation.
        """
        if batch.preempted is None and batch.continues is None:
            self._finish(batch)
        elif batch.continues is None:
            self._record(batch, self._said.pop(batch.batch_id), None)
        members, left = self._member_of, self._left
        left_s = batch.finished_s if batch.preempted is None else batch.left_s
        left.append((left_s, batch.batch_id))
        # Nobody who still runs has met what left before the oldest of them was dispatched.
        oldest_s = residents[0].dispatched_s if residents else left_s
        while left and left[0][0] <= oldest_s:
            del members[left.popleft()[1]]

    def _finish(self, batch: Batch) -> None:
        members, own = self._member_of, batch.batch_id
        stays = []
        for start_s, finish_s, batch_ids in batch.overlaps:
            if len(batch_ids) == 2:  # the usual case, made faster: every finished batch comes by here
                first, second = batch_ids
                beside: tuple[Member, ...] = (members[second if first == own else first],)
            else:
                beside = tuple([members[other] for other in batch_ids if other != own])
            stays.append(Stay(finish_s - start_s, beside))
        solo_s = batch.variant.solo_s * batch.work
        if not solo_s > 0.0:
            raise PredictorError(
                f"predictor {self._spec}: a batch of {batch.model} takes no time alone, so it has no slowdown; "
                "profile it anew, or run without a predictor"
            )
        teach(self.predictor, self._spec, Observation(members[own], batch.duration_s, stays, solo_s))
        self._record(batch, self._said.pop(own), batch.duration_s / solo_s)

    def end(self, residents: Sequence[Batch]) -> None:
        """Record what was said of batches that the end of the run cut off."""
        for batch in residents:
            if batch.continues is None:
                self._record(batch, self._said.pop(batch.batch_id), None)
