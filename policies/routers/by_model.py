"""Each model on GPUs of its own."""

import math
from collections.abc import Mapping, Sequence

from isim.errors import RouterError
from isim.policies.policy import Request
from isim.policies.routers.router import Fleet


class ByModel:
    """Send the requests of each model to the GPUs where it is placed, in turn, or by weight, if there are several.

    Parameters
    ----------
    place
        Where models are: `resnet50@0`, or `resnet50@0/resnet50@1` for one on two GPUs, of which
        `resnet50@0=3/resnet50@1` sends three of four requests to the first, spread evenly. Each model that is not named
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
        self._named: dict[str, dict[int, float]] = {}
        problems = []
        for each in place:
            model, at, target = each.rpartition("@")
            gpu, weighted, text = target.partition("=")
            weight = _weight(text) if weighted else 1.0
            if model and at and gpu.isdecimal() and weight:
                weights = self._named.setdefault(model, {})
                weights[int(gpu)] = weights.get(int(gpu), 0.0) + weight
            else:
                problems.append(f"router by-model: not a placement (found {each!r}); write place=MODEL@GPU/MODEL@GPU")
        if problems:
            raise RouterError(*problems)
        self._placed: Mapping[str, Mapping[int, float]] = {}
        self._credit: dict[str, dict[int, float]] = {}

    def route(self, fleet: Fleet, request: Request) -> int:
        """Return the model's GPU; if it has several, the one that has had least of its part."""
        if not self._placed:
            self._placed = self._placement(fleet.able)
        weights = self._placed[request.model]
        if len(weights) == 1:
            return next(iter(weights))
        credit = self._credit.setdefault(request.model, dict.fromkeys(weights, 0.0))
        for gpu, weight in weights.items():
            credit[gpu] += weight
        chosen = max(weights, key=credit.__getitem__)
        credit[chosen] -= sum(weights.values())
        return chosen

    def _placement(self, able: Mapping[str, Sequence[int]]) -> dict[str, dict[int, float]]:
        if problems := [
            f"router by-model: place {model}@{gpu}: "
            + (f"no such model (served: {', '.join(able)})" if model not in able else "that GPU does not serve it")
            + "; correct the placement"
            for model, gpus in self._named.items()
            for gpu in gpus
            if gpu not in able.get(model, ())
        ]:
            raise RouterError(*problems)
        placed = dict(self._named)
        models = dict.fromkeys((gpu for gpus in able.values() for gpu in gpus), 0)
        for gpu in (gpu for gpus in placed.values() for gpu in gpus):
            models[gpu] += 1
        for model, able_gpus in able.items():
            if model not in placed:
                emptiest = min(able_gpus, key=lambda gpu: (models[gpu], gpu))
                placed[model] = {emptiest: 1.0}
                models[emptiest] += 1
        return placed


def _weight(text: str) -> float:
    """Return a finite weight above 0; 0 for what is none."""
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 < weight < math.inf else 0.0
