"""Record the co-location of several mixes, so that an interruption costs one mix at most."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from isim.profiler.campaign import campaign_key, identity, measured_footer
from isim.profiler.colocated import Rounds, measure_mix
from isim.profiler.colocation import Recording
from isim.profiler.device.contract import Bench
from isim.profiler.journal import Journal
from isim.profiler.mix import Mix
from isim.profiler.recording_schema import SCHEMA


def record_colocation(
    bench: Bench,
    mixes: Sequence[Mix],
    sharing: str,
    output: str | Path,
    *,
    rounds: Rounds | None = None,
    seed: int = 0,
    force: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Recording:
    """Measure every mix and write the recording, whole or not at all.

    Parameters
    ----------
    seed
        Of the phases at which the members of a mix begin.
    progress
        Told before each mix what comes.

    Raises
    ------
    ProfileError
        A mix cannot be measured or a file not written; the same call goes on where this one stopped.

    Examples
    --------
    >>> from isim.profiler.device.cpu import open_bench
    >>> from isim.profiler.mix import parse_mix
    >>> from isim.profiler.stopping import Stopping
    >>> short = Rounds(stretch_s=0.05, at_least=2, min_rounds=2, stopping=Stopping(timeout_s=0.0))
    >>> mixes = [parse_mix("mlp@1 + mlp@1")]
    >>> recording = record_colocation(open_bench("cpu"), mixes, "threads", "pair.parquet", rounds=short)
    >>> len(set(recording.table["experiment"].to_pylist()))
    6
    """
    rounds = rounds or Rounds()
    names = {" + ".join(map(str, mix)): mix for mix in mixes}
    key = {
        "records": "co-location",
        "models": {member.model: identity(member.model) for mix in mixes for member in mix},
        "mixes": list(names),
        **campaign_key(bench),
        "sharing": sharing,
        "rounds": asdict(rounds),
        "seed": seed,
    }
    with Journal(output, key, force) as journal:
        for number, (name, mix) in enumerate(names.items()):
            if name not in journal.results:
                progress(f"{number + 1}/{len(names)} {name}")
                journal.add(name, measure_mix(bench, mix, sharing, rounds, f"{seed} {name}"))
        recording = _recording(bench, [journal.results[name] for name in names], sharing, rounds, seed)
        recording.write(output, force)
        journal.finish()
    return recording


def _recording(bench: Bench, results: list[dict[str, Any]], sharing: str, rounds: Rounds, seed: int) -> Recording:
    experiments = [rows for result in results for rows in result["experiments"]]
    rows = [
        {**row, "experiment": number, "sharing": sharing} for number, rows in enumerate(experiments) for row in rows
    ]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    table = pa.table({name: pa.array(values, SCHEMA.field(name).type) for name, values in columns.items()})
    mixes = [{name: value for name, value in result.items() if name != "experiments"} for result in results]
    footer = {
        **measured_footer(bench),
        "method": {
            "order": "rounds of each member alone and all together, every other round backwards",
            "phase": "members begin at random within the longest solo duration",
            "counted": "fully inside the time in which all members ran, not throttled",
            "rounds": asdict(rounds),
            "seed": seed,
        },
        "rejected_share": sum(mix["rejected_share"] for mix in mixes) / len(mixes),
        "mixes": mixes,
    }
    return Recording.from_table(table, footer)
