"""Import the co-location campaigns of KACE (SoCC'24) and PEACE on a V100: closed loops under MPS or time-slicing."""

import re
from collections.abc import Sequence
from pathlib import Path

from isim.errors import ProfileError
from isim.profiler.importers.recordings.csv_table import CsvTable, Line, raise_problems, read_tables
from isim.profiler.importers.recordings.experiment import Campaign, Execution, Experiment
from isim.profiler.importers.recordings.kace_campaign import CAMPAIGNS, until_the_second_ended
from isim.profiler.importers.recordings.kace_solo import CHOICES, SoloThroughputs, Workload, choose
from isim.profiler.importers.recordings.plausible import NOISE, Plausible
from isim.profiler.profile import Profile

_CAMPAIGN = ("experiment", "sharing", "members", "position", "workload", "mps_percent", "throughput_colocated")
_PAIR = ("workload1", "workload2")
_LABELLED = (*_PAIR, "w1throughput", "w2throughput", "w1exclusive_throughput", "w2exclusive_throughput")
_GSLICE = (*_PAIR, *(f"w{n}_{what}" for n in (1, 2) for what in ("mps_pct", "tput_colocated", "tput_solo_same_mps")))
_WORKLOAD = re.compile(r"(.+)_batch([1-9]\d*)-(.+)")
FACTS = {
    "format": "kace",
    "device": {"name": "Tesla V100-SXM2-32GB"},
    "stack": "PyTorch FP32, Hugging Face models; processes that run batches back to back",
    "source": "KACE (SoCC'24), github.com/nba556677go/KACE-artifact; PEACE, github.com/PACELab/PEACE-artifact",
    "licence": "none stated: all rights reserved by the authors",
}


def read_kace(
    paths: Sequence[str | Path], *, solo: str = "rule", profile: Profile | None = None, noise: float = NOISE
) -> Campaign:
    """Read any of `pairs.csv`, `labelled_pairs.csv`, `solo_throughput_vs_mps.csv`, `pairs_gslice_freq1530.csv`.

    Files are told apart by their columns. One with the columns of `pairs.csv` may have any number of members.

    Parameters
    ----------
    solo
        Whose solo throughputs count: `rule`, `kace` or `peace`; see `choose`.
    profile, noise
        What the rule knows of the kernels, and how much faster than possible a measurement may be.

    Raises
    ------
    ProfileError
        Anything is wrong with the files; all problems at once.
    """
    if solo not in CHOICES:
        raise ProfileError(f"kace: unknown solo throughputs (found {solo!r}); state one of {', '.join(CHOICES)}")
    tables = read_tables(paths)
    files = _Files()
    for table in sorted(tables, key=lambda table: "campaign" not in table.header):  # a campaign says more of a pair
        files.read(table)
    raise_problems(tables, files.problems)
    alone, chosen, notes = choose(files.solos, solo, Plausible(profile, noise))
    left_out = {"stands there twice": files.repeated} if files.repeated else {}
    facts = {**FACTS, "files": [table.facts for table in tables], "solo": chosen}
    if files.inferred:
        facts["sharing_inferred"] = sorted(files.inferred)
        notes.append(f"its source does not label the sharing mode {', '.join(sorted(files.inferred))}: it is inferred")
    return Campaign([*alone, *files.experiments.values()], facts, left_out, tuple(notes))


class _Files:
    """Gather what the files hold."""

    def __init__(self) -> None:
        self.solos = SoloThroughputs()
        # By what was measured, so that a pair that stands in two files counts once.
        self.experiments: dict[tuple[object, ...], Experiment] = {}
        self.repeated: list[str] = []
        self.inferred: set[str] = set()
        self.problems: list[str] = []

    def read(self, table: CsvTable) -> None:
        kinds = ((_CAMPAIGN, self._campaign), (_LABELLED, self._labelled), (_GSLICE, self._gslice))
        for columns, read in kinds:
            if set(columns) <= set(table.header):
                return read(table)
        if table.header[0] == "workload" and len(table.header) > 1 and all(map(str.isdecimal, table.header[1:])):
            return self._shares(table)
        self.problems.append(
            f"{table.path}: no throughputs in a known form (has: {', '.join(table.header)}); "
            "name pairs.csv, labelled_pairs.csv, solo_throughput_vs_mps.csv or pairs_gslice_freq1530.csv"
        )
        return None

    def _campaign(self, table: CsvTable) -> None:
        """One row a member."""
        rows: dict[str, list[tuple[Line, int, Execution]]] = {}
        for line in table.lines():
            workload = self._workload(table, line, "workload")
            for source, column in (("kace", "throughput_solo_kace"), ("peace", "throughput_solo_peace")):
                if column in table.header and (per_s := table.positive(line, column)):
                    self._add_solo(source, workload, 1.0, per_s)
            per_s = table.positive(line, "throughput_colocated")
            self._add_beside(workload, per_s)
            member = table.whole(line, "position", at_least=0)
            duration_ns = workload.batch_ns(per_s) if per_s else None
            execution = Execution(member, *workload, duration_ns, table.share(line, "mps_percent"))
            rows.setdefault(line[1]["experiment"], []).append((line, member, execution))
        for label, members in rows.items():
            first = members[0][0]
            by_position = sorted((position, line[1]["workload"]) for line, position, _ in members)
            if by_position != list(enumerate(first[1]["members"].split("|"))):
                table.reject(first, "members", "not the workloads of the experiment's rows in order of position")
            executions = tuple(execution for _, _, execution in members)
            if first[1].get("campaign") in CAMPAIGNS and len(members) == 2:
                executions = until_the_second_ended(*sorted(executions, key=lambda row: row.member))
            self._add(label, self._sharing(table, first), executions)

    def _labelled(self, table: CsvTable) -> None:
        """One row a pair, at the whole GPU, with KACE's solo throughputs."""
        for line in table.lines():
            executions = []
            for member, name in enumerate(("1", "2")):
                workload = self._workload(table, line, f"workload{name}")
                if per_s := table.positive(line, f"w{name}exclusive_throughput"):
                    self._add_solo("kace", workload, 1.0, per_s)
                per_s = table.positive(line, f"w{name}throughput")
                self._add_beside(workload, per_s)
                executions.append(Execution(member, *workload, workload.batch_ns(per_s) if per_s else None))
            self._add(f"{line[1]['workload1']}|{line[1]['workload2']}", "mps", tuple(executions))

    def _gslice(self, table: CsvTable) -> None:
        """One row a pair of PEACE, with its own solo throughputs at the same share."""
        for line in table.lines():
            executions = []
            for member, name in enumerate(("w1", "w2")):
                workload = self._workload(table, line, f"workload{name[1]}")
                duration_ns, solo_ns = (
                    workload.batch_ns(per_s) if (per_s := table.positive(line, f"{name}_tput_{what}")) else None
                    for what in ("colocated", "solo_same_mps")
                )
                share = table.share(line, f"{name}_mps_pct")
                executions.append(Execution(member, *workload, duration_ns, share, solo_ns))
            self._add(f"PEACE {line[1]['workload1']}|{line[1]['workload2']}", "mps", tuple(executions))

    def _shares(self, table: CsvTable) -> None:
        """One row a workload, one column a percentage of the SMs."""
        for line in table.lines():
            workload = self._workload(table, line, "workload")
            for column in table.header[1:]:
                if per_s := table.positive(line, column):
                    self._add_solo("peace", workload, int(column) / 100, per_s)

    def _workload(self, table: CsvTable, line: Line, column: str) -> Workload:
        match = _WORKLOAD.fullmatch(line[1][column])
        if match is None:
            table.reject(line, column, "not a workload such as bert-base-cased_batch8-inf")
            return Workload("", 1)
        return Workload(match[1] if match[3] == "inf" else f"{match[1]}-{match[3]}", int(match[2]))

    def _sharing(self, table: CsvTable, line: Line) -> str:
        sharing, _, how = line[1]["sharing"].partition(" (")
        if sharing not in ("mps", "time-slicing"):
            table.reject(line, "sharing", "neither mps nor time-slicing")
        if how == "inferred)":
            self.inferred.add(sharing)
        return sharing

    def _add(self, label: str, sharing: str, executions: tuple[Execution, ...]) -> None:
        ran = sorted((row.model, row.batch_size, row.sm_share, row.duration_ns or 0.0) for row in executions)
        if (key := (sharing, *ran)) in self.experiments:
            self.repeated.append(label)
        else:
            self.experiments[key] = Experiment(label, sharing, executions)

    def _add_solo(self, source: str, workload: Workload, share: float, per_s: float) -> None:
        if source == "kace":
            self.solos.kace.setdefault(workload, per_s)
        else:
            self.solos.peace.setdefault(workload, {}).setdefault(share, per_s)

    def _add_beside(self, workload: Workload, per_s: float | None) -> None:
        fastest = self.solos.fastest_beside
        fastest[workload] = max(fastest.get(workload, 0.0), per_s or 0.0)
        if not fastest[workload]:
            del fastest[workload]
