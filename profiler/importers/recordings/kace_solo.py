"""Choose the solo throughput of each workload of KACE between its own and PEACE's, and leave out stale ones."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from isim.profiler.importers.recordings.experiment import Execution, Experiment
from isim.profiler.importers.recordings.plausible import Plausible

SOURCES = ("kace", "peace")
CHOICES = ("rule", *SOURCES)


class Workload(NamedTuple):
    """A model at a batch size; what is no inference has its kind in the model's name."""

    model: str
    batch_size: int

    def batch_ns(self, throughput_per_s: float) -> float:
        """Return how long a batch takes at so many samples a second."""
        return self.batch_size / throughput_per_s * 1e9


@dataclass
class SoloThroughputs:
    """Hold what the files say of the workloads alone, and how fast each ran beside others at most, in samples/s.

    Parameters
    ----------
    kace
        At the whole GPU.
    peace
        By SM share, 1.0 being the whole GPU.
    """

    kace: dict[Workload, float] = field(default_factory=dict)
    peace: dict[Workload, dict[float, float]] = field(default_factory=dict)
    fastest_beside: dict[Workload, float] = field(default_factory=dict)

    def whole(self, source: str) -> dict[Workload, float]:
        """Return the throughputs at the whole GPU that `kace` or `peace` has."""
        return self.kace if source == "kace" else {key: by[1.0] for key, by in self.peace.items() if 1.0 in by}

    @property
    def models(self) -> list[str]:
        """Every model of any source."""
        return sorted({workload.model for workload in (*self.kace, *self.peace)})


def choose(
    solos: SoloThroughputs, choice: str, plausible: Plausible
) -> tuple[list[Experiment], dict[str, str], list[str]]:
    """Return the experiments with one member, the source chosen for each model, and what to tell people.

    KACE's own throughput is taken unless it is stale: above the bound of the workload's kernels, or below one that
    the workload reached beside others. Then PEACE's is. What holds of one batch size holds of the model: they were
    measured with one program. KACE's and PEACE's programs differ in the time of the host, so that KACE's duration at
    a share of the SMs is PEACE's there, and by how much the two differ at the whole GPU.

    Parameters
    ----------
    choice
        `rule`, or the source to take wherever it has a value.
    """
    experiments, chosen, notes = list[Experiment](), dict[str, str](), list[str]()
    for model in solos.models:
        stale = {source: list(_stale(solos, model, source, plausible)) for source in SOURCES}
        wanted = SOURCES if choice == "rule" else (choice, *SOURCES)
        has = [source for source in wanted if any(workload.model == model for workload in solos.whole(source))]
        good = [source for source in has if choice != "rule" or not stale[source]]
        if choice == "rule":
            for source in has:
                if stale[source]:
                    used = good[0] if good else "none"
                    notes.append(f"{model}: {source}'s solo throughput is stale ({stale[source][0]}); used: {used}")
        if good:
            chosen[model] = good[0]
            experiments += _alone(solos, model, good[0])
    return experiments, chosen, notes


def _stale(solos: SoloThroughputs, model: str, source: str, plausible: Plausible) -> Iterator[str]:
    """Yield why the source's throughputs of a model cannot be."""
    for workload, throughput_per_s in sorted(solos.whole(source).items()):
        if workload.model != model:
            continue
        alone = f"batch size {workload.batch_size}: {throughput_per_s:.4g}/s alone"
        solo_ns, beside_per_s = workload.batch_ns(throughput_per_s), solos.fastest_beside.get(workload)
        if plausible.undercut(*workload, solo_ns):
            yield f"{alone} exceeds the bound of its kernels"
        elif beside_per_s is not None and plausible.faster(workload.batch_ns(beside_per_s), solo_ns):
            yield f"{alone}, {beside_per_s:.4g}/s beside others"


def _alone(solos: SoloThroughputs, model: str, source: str) -> Iterator[Experiment]:
    for workload, throughput_per_s in sorted(solos.whole(source).items()):
        if workload.model != model:
            continue
        durations_ns = {1.0: workload.batch_ns(throughput_per_s)}
        by_share = solos.peace.get(workload, {})
        if 1.0 in by_share:  # else nothing says how the two programs differ
            host_ns = durations_ns[1.0] - workload.batch_ns(by_share[1.0])
            durations_ns |= {share: workload.batch_ns(per_s) + host_ns for share, per_s in by_share.items()}
        for share, duration_ns in sorted(durations_ns.items()):
            label = f"{model} at batch size {workload.batch_size}, {share:.0%} of the SMs, alone"
            yield Experiment(label, "mps", (Execution(0, *workload, duration_ns, share),))
