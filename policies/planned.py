"""What a planner laid out for one GPU: batches of planned sizes, models in turn."""

from collections.abc import Iterable

from isim.errors import PolicyError
from isim.policies.deadlines import by_deadline
from isim.policies.early_drop import window
from isim.policies.fitting import size_limit, too_large
from isim.policies.policy import Arrival, Decision, Dispatch, Drop, Event, View


class Planned:
    """Let the models take turns, each with one batch at a time, of at most its planned size.

    Nothing waits for a batch to fill while a slot is free. What would make a batch late is dropped early, as by Nexus:
    a window of the planned size moves along the queue, the first due first, until its first request has time for a
    batch of the whole window. With one slot, a request waits for at most a cycle of all models' batches, if no more
    arrive in one than are planned; beside each other, in parts of a GPU, for at most one batch of its own model.

    Parameters
    ----------
    batch_sizes
        Most samples in a batch by model: `resnet50@8/bert@4`. The largest profiled size for what is not named. A
        request that holds more is a batch of its own, or refused if no profiled batch can hold it.

    Raises
    ------
    PolicyError
        A size is not written so, or, at the first decision on a model, larger than any size profiled of it.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> arrivals = [("a", 0.0), ("a", 0.001), ("b", 0.002), ("a", 0.003), ("a", 0.004)]
    >>> print(rehearse(Planned(batch_sizes=("a@2",)), arrivals, solo_s=0.010, slots=2))
    0 ms: a 0
    2 ms: b 2
    10 ms: a 1 3
    20 ms: a 4

    References
    ----------
    H. Shen et al., "Nexus", SOSP 2019, sections 6.1 and 6.3: a node runs its sessions in a cycle; S. Choi et al.,
    "Serving heterogeneous machine learning models on multi-GPU servers with spatio-temporal sharing", USENIX ATC 2022:
    a part of a GPU runs one batch at a time.
    """

    def __init__(self, batch_sizes: tuple[str, ...] = ()) -> None:
        self.batch_sizes = batch_sizes
        self._planned: dict[str, int] = {}
        self._limits: dict[str, int] = {}
        self._turn = 0
        problems = []
        for each in batch_sizes:
            model, at, size = each.rpartition("@")
            if not (model and at and size.isdecimal() and int(size)):
                problems.append(f"not a batch size (found {each!r}); write batch_sizes=MODEL@SIZE/MODEL@SIZE")
            elif model in self._planned:
                problems.append(f"batch_sizes names {model} twice (found {each!r}); give it one size")
            else:
                self._planned[model] = int(size)
        if problems:
            raise PolicyError(*(f"policy planned: {problem}" for problem in problems))

    def named_models(self) -> dict[str, str]:
        """Return the models named; see `NamesModels`."""
        return {f"batch_sizes={model}@{size}": model for model, size in self._planned.items()}

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Drop and serve, one model after the other, as long as a slot is free."""
        if isinstance(event, Arrival):
            request = event.request
            if request.samples > self._limit(view, request.model):  # more than is planned may still be profiled
                largest = max(view.profile.batch_sizes(request.model))
                if request.samples > largest:
                    return (too_large(request, largest),)
        free, models = view.free_slots, list(view.queues)
        if not free:
            return ()
        decisions: list[Decision] = []
        busy = {batch.model for batch in view.residents}
        for model in (*models[self._turn :], *models[: self._turn]):
            if not free:
                break
            if model in busy or not view.queues[model]:
                continue
            queue = by_deadline(view.queues[model])
            late, batch = window(queue, self._limit(view, model), view.profile, view.now_s)
            if late:
                decisions.append(Drop(queue[:late], "would make a batch late"))
            if batch:
                decisions.append(Dispatch(batch))
                self._turn = (models.index(model) + 1) % len(models)
                free -= 1
        return decisions

    def _limit(self, view: View, model: str) -> int:
        limit = self._limits.get(model)
        if limit is None:
            asked = self._planned.get(model)
            self._limits[model] = limit = size_limit(view, model, asked, "planned", "batch_sizes")
        return limit
