"""A plan: which models on which GPU, in which batches, and the keys of an experiment that runs it."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from isim.errors import ExperimentError


class Part(NamedTuple):
    """What a model has of one GPU."""

    gpu: int
    model: str
    rate_rps: float
    batch_size: int
    duration_s: float
    """Of such a batch, alone on its part of the GPU."""
    sm_share: float
    """Of the SMs, 0..1; all parts of a model have the same."""
    duty_cycle_s: float | None
    """In which a GPU runs one batch of each of its models; None where they run beside each other."""

    @property
    def busy_share(self) -> float:
        """The part of the time in which its batches run, at the planned rate."""
        return self.duration_s / (self.duty_cycle_s or self.batch_size / self.rate_rps)


class Plan(NamedTuple):
    """Parts of GPUs, in the order of these.

    Examples
    --------
    >>> plan = Plan("nexus", (Part(0, "a", 64.0, 8, 0.075, 1.0, 0.125), Part(0, "b", 32.0, 4, 0.05, 1.0, 0.125)))
    >>> plan.serving_keys()["policy"], plan.serving_keys()["sharing"]
    ('planned:batch_sizes=a@8/b@4', 'exclusive')
    """

    planner: str
    parts: tuple[Part, ...]

    @property
    def gpus(self) -> int:
        """How many GPUs it takes."""
        return 1 + max(part.gpu for part in self.parts)

    def serving_keys(self) -> dict[str, Any]:
        """Return the keys of an experiment that say how it is served.

        Raises
        ------
        ExperimentError
            A model's name cannot stand in them; all problems at once.
        """
        by_model: dict[str, list[Part]] = {}
        for part in self.parts:
            by_model.setdefault(part.model, []).append(part)
        if problems := [
            f"plan: a model's name holds one of / , = (found {model!r}), which part what a policy and a router are "
            "given; rename it in the profile and the trace"
            for model in by_model
            if {*"/,="} & {*model}
        ]:
            raise ExperimentError(*problems)
        sizes = "/".join(f"{model}@{max(part.batch_size for part in parts)}" for model, parts in by_model.items())
        place = "/".join(_place(parts) for parts in by_model.values())
        router = {"router": f"by-model:place={place}"} if self.gpus > 1 else {}
        return {"gpus": self.gpus, **router, "policy": f"planned:batch_sizes={sizes}", **self._sharing()}

    def document(self) -> dict[str, Any]:
        """Return the plan as JSON holds it; keys end in their units."""
        parts = [part._asdict() | {"busy_share": part.busy_share} for part in self.parts]
        return {"planner": self.planner, "gpus": self.gpus, "parts": parts, "notes": self.notes()}

    def lines(self) -> list[str]:
        """Return the plan as lines of text, a part each."""
        return [
            f"Planned by {self.planner}:",
            *(
                f"GPU {part.gpu}: {part.model} at {part.rate_rps:.4g} rps in batches of {part.batch_size}"
                + (f" on {part.sm_share:g} of the SMs" if part.sm_share < 1 else "")
                for part in self.parts
            ),
        ]

    def notes(self) -> list[str]:
        """Return what its experiment does not hold to.

        Examples
        --------
        >>> plan = Plan("nexus", tuple(Part(gpu, "a", 64.0, 16 - 8 * gpu, 0.1, 1.0, 0.1) for gpu in (0, 1)))
        >>> plan.notes()
        ['a: planned batches of 8 on GPU 1; the experiment allows 16, a policy has one size a model']
        """
        largest: dict[str, int] = {}
        for part in self.parts:
            largest[part.model] = max(part.batch_size, largest.get(part.model, 0))
        return [
            f"{part.model}: planned batches of {part.batch_size} on GPU {part.gpu}; the experiment allows "
            f"{largest[part.model]}, a policy has one size a model"
            for part in self.parts
            if part.batch_size < largest[part.model]
        ]

    def _sharing(self) -> dict[str, Any]:
        if any(part.duty_cycle_s is not None for part in self.parts):
            return {"sharing": "exclusive", "concurrency": 1}
        shares = {part.model: part.sm_share for part in self.parts if part.sm_share < 1}
        held = ",".join(f"{model}={share:g}" for model, share in shares.items())
        most = max(Counter(part.gpu for part in self.parts).values())
        return {"sharing": f"mps:{held}".rstrip(":"), "concurrency": most}


def _place(parts: Sequence[Part]) -> str:
    """Return where a model is placed; by weight, if its parts serve different rates."""
    even = all(part.rate_rps == parts[0].rate_rps for part in parts)
    return "/".join(f"{part.model}@{part.gpu}" + ("" if even else f"={part.rate_rps:.9g}") for part in parts)
