"""The batches of a run folder as cases for predictors."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from isim.building.inputs import read_profile
from isim.engine.look_ahead import Foresees
from isim.engine.members import members_of
from isim.engine.partitions import under_sharing
from isim.errors import RunError
from isim.evaluation.cases import Case, Cases, left_out
from isim.operations import Operations
from isim.policies.predictors.predictor import CoRunner, Member, Observation, Predictor, Stay
from isim.run import Run
from isim.sharing_modes import Sharing, parse_sharing

Prepare = Callable[[Predictor], None]


def run_cases(run: Run, profile_path: str | None = None) -> tuple[Cases, Prepare]:
    """Return the batches that finished in a run, and what hands a predictor the kernels if it runs them forward.

    Parameters
    ----------
    profile_path
        Where the run's profile lies now; where the run says, if left out.

    Raises
    ------
    IsimError
        The profile cannot be read, is not the one that the run used, or lacks one of its batches.
    """
    operations, sharing, members = _members(run, profile_path)
    batches = run.table("batches").to_pydict()
    of_batch = [members.get((model, size)) for model, size in zip(batches["model"], batches["batch_size"], strict=True)]
    if None in of_batch:
        row = of_batch.index(None)
        raise RunError(
            f"{run.folder}: the profile has no measurement of {batches['model'][row]} at batch size "
            f"{batches['batch_size'][row]}, which the run dispatched; give the run's own with --profile"
        )
    member = {batch_id: found for batch_id, found in zip(batches["batch_id"], of_batch, strict=True) if found}
    dispatched_s = dict(zip(batches["batch_id"], batches["dispatched_s"], strict=True))
    stays, beside = _stays(run, member, dispatched_s)
    noise = run.description["parameters"]["noise"]
    cases = []
    rows = zip(*(batches[name] for name in ("batch_id", "finished_s", "solo_s", "slowdown")), strict=True)
    parts = _parts(run)
    for batch_id, finished_s, solo_s, slowdown in rows:
        if finished_s is None or batch_id in parts:
            continue
        target = member[batch_id]
        # The table's solo duration holds the luck of this one batch, which no server could know.
        observation = Observation(
            target, slowdown * solo_s, tuple(stays.get(batch_id, ())), target.solo_s if noise else solo_s
        )
        cases.append(Case(observation, beside.get(batch_id, ()), dispatched_s[batch_id], finished_s, ""))
    cases.sort(key=lambda case: case.finished_s)
    notes = left_out(Counter({"batches left out: not finished": len(of_batch) - len(cases)}) + Counter())
    if not cases:
        raise RunError(f"{run.folder}: no batch finished (of {len(of_batch)}); let the run last longer")
    slots = run.description["parameters"]["concurrency"]

    def prepare(predictor: Predictor) -> None:
        if isinstance(predictor, Foresees):
            predictor.use(operations, sharing, slots)

    return Cases(str(run.folder), run.description["provenance"], cases, notes), prepare


def _parts(run: Run) -> set[Any]:
    """Return the batches that went on where a preempted one had been: parts, of which no predictor is asked."""
    if not (run.folder / "preemptions.parquet").is_file():
        return set()
    table = run.table("preemptions", ["batch_id", "continues"])
    return set(table.filter(table["continues"].is_valid())["batch_id"].to_pylist())


def _members(run: Run, profile_path: str | None) -> tuple[Operations, Sharing, dict[tuple[str, int], Member]]:
    if "other_profiles" in run.description["inputs"]:
        raise RunError(
            f"{run.folder}: GPUs of several kinds (found {run.description['parameters']['gpus']}), and predictors are "
            "compared on one; give a run of one kind"
        )
    parameters, known = run.description["parameters"], run.description["inputs"]["profile"]
    models = tuple(run.summary["models"])
    path = profile_path or str(parameters["profile"])
    profile = read_profile(path, models)
    if profile.digest() != known["content_sha256"]:
        raise RunError(
            f"{path}: not the profile that {run.folder} was simulated with (its content has another SHA-256); "
            "give that one with --profile, or simulate again"
        )
    sharing = parse_sharing(parameters["sharing"])
    operations = under_sharing(Operations(profile, models, path), profile, sharing)
    return operations, sharing, members_of(operations, sharing)


def _stays(
    run: Run, member: dict[int, Member], dispatched_s: dict[int, float]
) -> tuple[dict[int, list[Stay]], dict[int, tuple[CoRunner, ...]]]:
    """Return each batch's stays, and who was there when it was dispatched."""
    overlaps = run.table("overlaps").to_pydict()
    stays: dict[int, list[Stay]] = {}
    beside: dict[int, tuple[CoRunner, ...]] = {}
    rows: Any = zip(overlaps["start_s"], overlaps["finish_s"], overlaps["batch_ids"], strict=True)
    for start_s, finish_s, batch_ids in rows:
        for place, batch_id in enumerate(batch_ids):
            others = (*batch_ids[:place], *batch_ids[place + 1 :])
            if batch_id not in stays:
                stays[batch_id] = []
                beside[batch_id] = tuple(
                    CoRunner(member[other], start_s - dispatched_s[other]) for other in others if other < batch_id
                )
            stays[batch_id].append(Stay(finish_s - start_s, tuple(member[other] for other in others)))
    return stays, beside
