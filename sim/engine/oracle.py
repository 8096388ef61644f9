"""The truth itself, as a predictor: what no server can have, and no predictor can beat."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

from isim.contention.contract import ContentionModel
from isim.engine.batch import Batch
from isim.engine.gpu import Gpu
from isim.engine.look_ahead import Finishes
from isim.engine.remembered import Remembered
from isim.engine.shadow_gpu import ShadowGpu
from isim.engine.view import LiveView
from isim.errors import PredictorError
from isim.operations import Operations, Variant
from isim.policies.policy import Request
from isim.policies.predictors.predictor import CoRunner, Gone, Member, Observation, Prediction, Stay
from isim.sharing_modes import Sharing


class Oracle:
    """Know when batches finish if nothing else is dispatched: true contention, true progress, true execution noise.

    It is handed the simulated GPU by the engine, and answers only while that runs. A batch that is not dispatched yet
    is taken to hold the requests at the head of its model's queue, as many as fit, and a further one those behind them.
    It looks at who is really there, whatever co-runners it is asked about.

    Examples
    --------
    See `isim.engine.simulation.Simulation`, which hands it the world: `isim run --predictor oracle`.
    """

    def __init__(self) -> None:
        self._world: tuple[Gpu, LiveView, Callable[[float, int], float] | None] | None = None
        self._shadow: ShadowGpu | None = None
        self._from_empty = Remembered()

    def watch(
        self, gpu: Gpu, view: LiveView, noise: Callable[[float, int], float] | None, slots: int,
        operations: Operations, contention: ContentionModel, sharing: Sharing,
    ) -> None:  # fmt: skip
        """Take the GPU, what is known of its queues, and the luck of each request; called by the engine."""
        self._world = gpu, view, noise
        self._shadow = ShadowGpu(slots + 1, operations, contention, sharing)  # it may be asked when no slot is free
        self._from_empty = Remembered()

    def expect(self, batch: Batch) -> Prediction:
        """Return the slowdown of a batch that is about to be dispatched."""
        finish_s = self._finishes(batch).target_s
        return Prediction(finish_s / batch.solo_s)

    def predict(self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay] = ()) -> Prediction:
        """Return the slowdown of the target, from its dispatch to its finish.

        Raises
        ------
        PredictorError
            No simulation runs, or no such batch runs on its GPU.
        """
        batch = self._batch(target, so_far)
        finish_s = self._finishes(batch).target_s
        _, view, _ = self._handed()
        return Prediction((view.now_s - batch.dispatched_s + finish_s) / batch.solo_s)

    def finishes(self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay] = ()) -> Finishes:
        """Return when the target and every resident finish, counted from now; residents in order of dispatch.

        Raises
        ------
        PredictorError
            As of `predict`.
        """
        return self._finishes(self._batch(target, so_far))

    def finishes_s(
        self, running: Sequence[CoRunner], joining: Sequence[Member] = (), gone: Sequence[Gone] = ()
    ) -> Sequence[float]:
        """Return how long each resident, and then each of `joining`, takes from now on.

        Who is in `running` does not matter, only whether anybody is.

        Raises
        ------
        PredictorError
            No simulation runs, or more would join than one more than there are free slots.
        """
        gpu, view, _ = self._handed()
        if len(joining) > view.free_slots + 1:
            raise PredictorError(
                f"predictor oracle: {len(joining)} batches cannot join (found {view.free_slots} free slots); ask about "
                "one more than that at most"
            )
        shadow, heads = self._shadow, self._heads(joining)
        assert shadow is not None
        if not running:  # what is said depends on nothing else, but whether the gate is known on the side
            question = shadow.gating is gpu.gating, *[head.kind for head in heads]
            return self._from_empty.get(question, lambda: self._left_s((), heads))
        return self._left_s(gpu.residents, heads)

    def _left_s(self, there: Sequence[Batch], heads: Sequence["_Head"]) -> list[float]:
        """Return how long those that are there, if any are to be, and then those that join take from now on."""
        gpu, view, _ = self._handed()
        shadow = self._shadow
        assert shadow is not None
        residents = {}
        if there:
            residents = shadow.stand_as(gpu)
        else:
            shadow.clear()
        joined = [head.batch((1 << 62) + number, view.now_s) for number, head in enumerate(heads)]
        for batch in joined:
            shadow.dispatch(batch, view.now_s)
        shadow.run()
        return [
            0.0 if batch is None else batch.duration_s - (view.now_s - batch.dispatched_s)
            for batch in (*(residents.get(batch.batch_id) for batch in there), *joined)
        ]

    def learn(self, observation: Observation) -> None:
        """Learn nothing: it knows."""

    def _handed(self) -> tuple[Gpu, LiveView, Callable[[float, int], float] | None]:
        if self._world is None:
            raise PredictorError(
                "predictor oracle: no simulation runs (it knows only a simulated GPU, while it runs); use it in "
                "'isim run --predictor oracle'"
            )
        return self._world

    def _batch(self, target: Member, so_far: Sequence[Stay]) -> Batch:
        gpu, view, _ = self._handed()
        behind_s = sum(stay.duration_s for stay in so_far)
        for batch in gpu.residents if so_far else ():
            closed_s = sum(overlap.finish_s - overlap.start_s for overlap in batch.overlaps)
            if (batch.model, batch.batch_size) == target[:2] and abs(closed_s - behind_s) <= 1e-9:
                return batch
        if so_far:
            raise PredictorError(
                f"predictor oracle: no batch of {target.model} with such overlaps runs now; ask about a resident"
            )
        return self._heads((target,))[0].batch(1 << 62, view.now_s)

    def _heads(self, members: Sequence[Member]) -> list["_Head"]:
        """Return what batches of the requests at the heads of their models' queues are, each request in one of them."""
        _, view, noise = self._handed()
        assert self._shadow is not None
        variants, queues = self._shadow.variants, view.queues
        taken: dict[str, int] = {}
        heads = []
        for model, size, *_ in members:
            variant, queue, skip = variants[model, size], queues.get(model), taken.get(model, 0)
            requests = _oldest(queue, size, skip) if queue else ()
            if not requests:  # they are still to come
                heads.append(_Head((variant, 1.0, 1.0, False), ()))
                continue
            taken[model] = skip + len(requests)
            first = requests[0]
            luck = 1.0 if noise is None else noise(variant.noise_sigma, first.request_id)
            work = first.work if len(requests) == 1 else max([request.work for request in requests])
            heads.append(_Head((variant, work, luck, first.priority > 0), requests))
        return heads

    def _finishes(self, target: Batch) -> Finishes:
        gpu, view, _ = self._handed()
        shadow = self._shadow
        assert shadow is not None
        residents = shadow.stand_as(gpu)
        own = residents.get(target.batch_id)
        if own is None:
            own = Batch(
                target.batch_id, target.variant, target.requests, view.now_s, target.work, target.noise,
                urgent=target.urgent,
            )  # fmt: skip
            shadow.dispatch(own, view.now_s)
        shadow.run()
        # Durations are added up step by step from the dispatch, as the engine adds them up.
        left_s = {
            batch_id: batch.duration_s - (view.now_s - batch.dispatched_s) for batch_id, batch in residents.items()
        }
        own_s = own.duration_s - (view.now_s - own.dispatched_s)
        return Finishes(own_s, tuple(left_s.get(batch.batch_id, 0.0) for batch in gpu.residents))


class _Head(NamedTuple):
    """A batch that is not dispatched yet."""

    kind: tuple[Variant, float, float, bool]
    """All of it that a GPU can tell: its operations, its work, its luck, and whether it is urgent."""
    requests: tuple[Request, ...]

    def batch(self, batch_id: int, now_s: float) -> Batch:
        """Return it as dispatched now."""
        variant, work, luck, urgent = self.kind
        return Batch(batch_id, variant, self.requests, now_s, work, luck, urgent=urgent)


def _oldest(queue: Sequence[Request], most: int, skip: int) -> tuple[Request, ...]:
    """Return the oldest waiting requests of a model, but for the first, that fit into a batch."""
    taken: list[Request] = []
    samples = 0
    for request in islice(queue, skip, None):
        samples += request.samples
        if samples > most:
            break
        taken.append(request)
    return tuple(taken)
