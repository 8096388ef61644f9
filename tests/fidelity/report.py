"""Print simulated against measured slowdowns, and write build/fidelity.json; `make fidelity` runs this."""

import argparse
import json
from pathlib import Path

import numpy as np
import v100_pairs

from isim.calibration.replay import PHASES
from isim.contention.leftover import Leftover
from isim.contention.none import NoContention


def main() -> None:
    """Compare, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the measurements")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    contention = Leftover(kappa=1.0, beta=0.05)
    rows = v100_pairs.compare(arguments.data, contention)
    errors = np.array([row.error for row in rows])
    baseline = np.array([row.error for row in v100_pairs.compare(arguments.data, NoContention())])
    spread = np.array(v100_pairs.repeatability(arguments.data))
    figures = {
        "n": len(rows),
        "contention": {"name": contention.name, "kappa": contention.kappa, "beta": contention.beta},
        "initial_phases": PHASES,
        "mape": float(errors.mean()),
        "median_ape": float(np.median(errors)),
        "p90_ape": float(np.percentile(errors, 90)),
        "no_interference_mape": float(baseline.mean()),
        "no_interference_p90_ape": float(np.percentile(baseline, 90)),
        "repeats": {"n": len(spread), "median": float(np.median(spread)), "p90": float(np.percentile(spread, 90))},
        "members": [
            {
                "workload": row.workload,
                "co_runner": row.co_runner,
                "measured_slowdown": row.measured,
                "simulated_slowdown": row.simulated,
                "ape": row.error,
            }
            for row in rows
        ],
    }
    arguments.output.write_text(json.dumps({"v100_pairs": figures}, indent=2) + "\n")
    print(f"{'workload':<34}{'beside':<34}{'measured':>9}{'simulated':>10}{'error':>8}")
    for row in rows:
        print(f"{row.workload:<34}{row.co_runner:<34}{row.measured:>9.3f}{row.simulated:>10.3f}{row.error:>8.3f}")
    print(
        f"V100 pairs, {len(rows)} slowdowns: leftover MAPE {figures['mape']:.4f}, 90th percentile "
        f"{figures['p90_ape']:.4f}; no interference {figures['no_interference_mape']:.4f}, "
        f"{figures['no_interference_p90_ape']:.4f}"
    )
    print(
        f"Repeats of a measurement differ by {np.median(spread):.3f} (median of {len(spread)}), "
        f"{np.percentile(spread, 90):.3f} (90th percentile)"
    )


if __name__ == "__main__":
    main()
