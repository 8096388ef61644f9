"""Each model on GPUs of its own."""

from collections.abc import Mapping, Sequence

from isim.errors import RouterError
from isim.policies.policy import Request
from isim.policies.routers.router import Fleet


class ByModel:
    """Send the requests of each model to the GPUs where it is placed, in turn if there are several.

    Parameters
    ----------
    place
        Where models are: `resnet50@0`, or `resnet50@0/resnet50@1` for one on two GPUs. Each model that is not named
        goes to the GPU with the fewest models among those that can serve it, the lowest number if several can.

    Raises
    ------
    RouterError
        A placement that is not written so.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> fleet = SimpleNamespace(able={"a": (0, 1), "b": (0, 1), "c": (0, 1)}, open_requests=[0, 0])
    >>> router = ByModel(place=("b@0",))
    >>> [router.route(fleet, SimpleNamespace(model=model)) for model in "abc"]
    [1, 0, 0]
    """

    def __init__(self, place: tuple[str, ...] = ()) -> None:
        self.place = place
        self._named: dict[str, list[int]] = {}
        problems = []
        for each in place:
            model, at, gpu = each.rpartition("@")
            if model and at and gpu.isdecimal():
                self._named.setdefault(model, []).append(int(gpu))
            else:
                problems.append(f"router by-model: not a placement (found {each!r}); write place=MODEL@GPU/MODEL@GPU")
        if problems:
            raise RouterError(*problems)
        self._placed: Mapping[str, Sequence[int]] = {}
        self._turn: dict[str, int] = {}

    def route(self, fleet: Fleet, request: Request) -> int:
        """Return the model's GPU, the next one if it has several."""
        if not self._placed:
            self._placed = self._placement(fleet.able)
        gpus = self._placed[request.model]
        if len(gpus) == 1:
            return gpus[0]
        turn = self._turn[request.model] = (self._turn.get(request.model, -1) + 1) % len(gpus)
        return gpus[turn]

    def _placement(self, able: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
        if problems := [
            f"router by-model: place {model}@{gpu}: "
            + (f"no such model (served: {', '.join(able)})" if model not in able else "that GPU does not serve it")
            + "; correct the placement"
            for model, gpus in self._named.items()
            for gpu in gpus
            if gpu not in able.get(model, ())
        ]:
            raise RouterError(*problems)
        placed: dict[str, list[int]] = dict(self._named)
        models = dict.fromkeys((gpu for gpus in able.values() for gpu in gpus), 0)
        for gpu in (gpu for gpus in placed.values() for gpu in gpus):
            models[gpu] += 1
        for model, able_gpus in able.items():
            if model not in placed:
                emptiest = min(able_gpus, key=lambda gpu: (models[gpu], gpu))
                placed[model] = [emptiest]
                models[emptiest] += 1
        return placed
