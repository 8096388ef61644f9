"""Say in one line a batch what a profile holds."""

from typing import Any

import numpy as np

from isim.profiler.profile import Profile


def summary(profile: Profile) -> list[dict[str, Any]]:
    """Return, of each (model, batch size), its kernels, its solo time in ms, how much of it is gaps, and mean use.

    Means of `sm` and `dram` are over the time its operations run, and None where not every one was measured.

    Examples
    --------
    >>> from isim.profiler.device.analytic import analytic_profile
    >>> line, = summary(analytic_profile("T4", ["resnet50"], [8]))
    >>> line["kernels"], round(line["solo_ms"], 2)
    (56, 4.01)
    """
    return [
        {"model": model, "batch_size": batch_size, **_batch(profile, model, batch_size)}
        for model in profile.models
        for batch_size in profile.batch_sizes(model)
    ]


def _batch(profile: Profile, model: str, batch_size: int) -> dict[str, Any]:
    operations = profile.operations(model, batch_size)
    duration_ns = np.array(operations["duration_ns"].to_pylist(), dtype=float)
    solo_ns = profile.solo_ns(model, batch_size)
    means = {}
    for column in ("sm", "dram"):
        used = [(time, use) for time, use in zip(duration_ns, operations[column].to_pylist(), strict=True) if time]
        known = bool(used) and all(use is not None for _, use in used)
        means[f"mean_{column}"] = float(sum(time * use for time, use in used) / duration_ns.sum()) if known else None
    return {
        "kernels": operations["kind"].to_pylist().count("kernel"),
        "solo_ms": solo_ns / 1e6,
        "gap_share": 1 - float(duration_ns.sum()) / solo_ns,
        **means,
    }


def summary_text(profile: Profile) -> str:
    """Return the summary as a table for people, one line a batch.

    Examples
    --------
    >>> from isim.profiler.device.analytic import analytic_profile
    >>> print(summary_text(analytic_profile("T4", ["resnet50"], [8])))
    model     batch  kernels  solo ms  in gaps  mean sm  mean dram
    resnet50      8       56     4.01    0.014     0.62       0.32
    """
    lines = [("model", "batch", "kernels", "solo ms", "in gaps", "mean sm", "mean dram")]
    for line in summary(profile):
        means = ("-" if mean is None else f"{mean:.2f}" for mean in (line["mean_sm"], line["mean_dram"]))
        solo_ms, gap_share = f"{line['solo_ms']:.2f}", f"{line['gap_share']:.3f}"
        lines.append((line["model"], str(line["batch_size"]), str(line["kernels"]), solo_ms, gap_share, *means))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([cells[0].ljust(widths[0]), *(map(str.rjust, cells[1:], widths[1:]))]).rstrip() for cells in lines
    )
