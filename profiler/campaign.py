"""What every campaign has: what must be the same for it to go on, and what its file says of where it comes from."""

import hashlib
from pathlib import Path
from typing import Any

from isim import __version__
from isim.profiler.device.contract import Bench

_LICENCE = "that of whoever measured it; isim claims none"


def campaign_key(bench: Bench) -> dict[str, Any]:
    """Return what must be the same for a campaign to go on: the device and the tools.

    Examples
    --------
    >>> from isim.profiler.device.cpu import open_bench
    >>> sorted(campaign_key(open_bench("cpu")))
    ['device', 'facts', 'isim']
    """
    return {"device": bench.device.spec, "facts": dict(bench.device.facts()), "isim": __version__}


def identity(model: str) -> str:
    """Return the SHA-256 of a model that is a file (with what stands behind a `?`), else its name.

    Examples
    --------
    >>> identity("resnet18")
    'resnet18'
    """
    name, _, sizes = model.partition("?")
    path = Path(name)
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()}?{sizes}" if path.is_file() else model


def measured_footer(bench: Bench) -> dict[str, Any]:
    """Return what the footer of everything measured on a bench says: device, versions, what was not recorded.

    Examples
    --------
    >>> from isim.profiler.device.cpu import open_bench
    >>> footer = measured_footer(open_bench("cpu"))
    >>> footer["origin"], footer["backend"], footer["device"]["kind"]
    ('measured', 'cpu', 'cpu')
    """
    return {
        "origin": "measured",
        "backend": bench.device.spec.partition(":")[0],
        "device": dict(bench.device.facts()),
        "versions": {"isim": __version__},
        "notes": list(bench.notes),
        "licence": _LICENCE,
    }
