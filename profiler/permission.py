"""Whether this user may read a GPU's hardware counters."""

import re
from pathlib import Path

_PARAMETERS = Path("/proc/driver/nvidia/params")
_STATUS = Path("/proc/self/status")
_CAP_SYS_ADMIN, _CAP_PERFMON = 21, 38

REMEDY = (
    "run as root or with CAP_SYS_ADMIN, or let every user: put 'options nvidia NVreg_RestrictProfilingToAdminUsers=0' "
    "into /etc/modprobe.d/nvidia-profiling.conf, run 'update-initramfs -u' (or 'dracut --force') and restart"
)


def counters_forbidden(parameters: Path = _PARAMETERS, status: Path = _STATUS) -> str | None:
    """Return why counters cannot be read and what to do, or None if they can or it cannot be told.

    Parameters
    ----------
    parameters, status
        What the driver and the kernel say of themselves and of this process.
    """
    restricted = re.search(r"^RmProfilingAdminOnly:\s*1", _text(parameters), re.MULTILINE)
    capabilities = re.search(r"^CapEff:\s*([0-9a-fA-F]+)", _text(status), re.MULTILINE)
    held = int(capabilities[1], 16) if capabilities else 0
    if restricted is None or held >> _CAP_SYS_ADMIN & 1 or held >> _CAP_PERFMON & 1:
        return None
    return f"the driver reserves them for the administrator (RmProfilingAdminOnly: 1); {REMEDY}"


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
