"""The truth itself, as a predictor: what no server can have, and no predictor can beat."""

from collections.abc import Callable, Mapping, Sequence

from isim.contention.contract import ContentionModel
from isim.engine.batch import Batch
from isim.engine.gpu import Gpu
from isim.engine.look_ahead import Finishes
from isim.engine.shadow_gpu import ShadowGpu
from isim.engine.view import LiveView
from isim.errors import PredictorError
from isim.operations import Operations
from isim.policies.policy import Request
from isim.policies.predictors.predictor import CoRunner, Gone, Member, Observation, Prediction, Stay
from isim.sharing_modes import Sharing


class Oracle:
    """Know when batches finish if nothing else is dispatched: true contention, true progress, true execution noise.

    It is handed the simulated GPU by the engine, and answers only while that runs. A batch that is not dispatched yet
    is taken to hold the requests at the head of its model's queue, as many as fit. It looks at who is really there,
    whatever co-runners it is asked about.

    Examples
    --------
    See `isim.engine.simulation.Simulation`, which hands it the world: `isim run --predictor oracle`.
    """

    def __init__(self) -> None:
        self._world: tuple[Gpu, LiveView, Callable[[float, int], float] | None] | None = None
        self._shadow: ShadowGpu | None = None

    def watch(
        self, gpu: Gpu, view: LiveView, noise: Callable[[float, int], float] | None, slots: int,
        operations: Operations, contention: ContentionModel, sharing: Sharing,
    ) -> None:  # fmt: skip
        """Take the GPU, what is known of its queues, and the luck of each request; called by the engine."""
        self._world = gpu, view, noise
        self._shadow = ShadowGpu(slots + 1, operations, contention, sharing)  # it may be asked when no slot is free

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
        shadow = self._shadow
        assert shadow is not None
        shadow.clear()
        residents = shadow.stand_as(gpu) if running else {}
        joined = [self._at_head(member, (1 << 62) + number) for number, member in enumerate(joining)]
        for batch in joined:
            shadow.dispatch(batch, view.now_s)
        shadow.run()
        there = [residents.get(batch.batch_id) for batch in gpu.residents] if running else []
        return [
            0.0 if batch is None else batch.duration_s - (view.now_s - batch.dispatched_s)
            for batch in (*there, *joined)
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
        gpu, _, _ = self._handed()
        behind_s = sum(stay.duration_s for stay in so_far)
        for batch in gpu.residents if so_far else ():
            closed_s = sum(overlap.finish_s - overlap.start_s for overlap in batch.overlaps)
            if (batch.model, batch.batch_size) == target[:2] and abs(closed_s - behind_s) <= 1e-9:
                return batch
        if so_far:
            raise PredictorError(
                f"predictor oracle: no batch of {target.model} with such overlaps runs now; ask about a resident"
            )
        return self._at_head(target, 1 << 62)

    def _at_head(self, member: Member, batch_id: int) -> Batch:
        """Return a batch of the requests at the head of its model's queue."""
        _, view, noise = self._handed()
        assert self._shadow is not None
        variant = self._shadow.variants[member.model, member.batch_size]
        requests = _oldest(view.queues, member)
        luck = noise(variant.noise_sigma, requests[0].request_id) if noise is not None and requests else 1.0
        work = max((request.work for request in requests), default=1.0)
        urgent = bool(requests) and requests[0].priority > 0
        return Batch(batch_id, variant, requests, view.now_s, work, luck, urgent=urgent)

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


def _oldest(queues: Mapping[str, Sequence[Request]], target: Member) -> tuple[Request, ...]:
    """Return the oldest waiting requests of a model that fit into a batch."""
    taken: list[Request] = []
    samples = 0
    for request in queues.get(target.model, ()):
        samples += request.samples
        if samples > target.batch_size:
            break
        taken.append(request)
    return tuple(taken)
