"""Read an experiment file: TOML, with its relative paths as seen from where isim runs."""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from isim.building.experiment_keys import is_analytic
from isim.building.gpu_list import renamed
from isim.errors import ExperimentError
from isim.fault_line import one_line

_OWN_FILE = r".+\.py(:|$)"


def read_toml(path: str | Path) -> dict[str, Any]:
    """Return the keys of an experiment file, unchecked, with paths as seen from here.

    Raises
    ------
    ExperimentError
        It cannot be read, or is not TOML.

    Examples
    --------
    >>> Path("runs").mkdir()
    >>> _ = Path("runs/e.toml").write_text('trace = "t.parquet"')
    >>> read_toml("runs/e.toml")
    {'trace': 'runs/t.parquet'}
    """
    path = Path(path)
    try:
        keys = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ExperimentError(f"{path}: no such file; give the path of an experiment file (TOML)") from None
    except OSError as error:
        raise ExperimentError(f"{path}: cannot be read ({error.strerror}); give the path of a TOML file") from None
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML, or nested beyond reason
        raise ExperimentError(f"{path}: not TOML ({one_line(error)}); correct it") from None
    for table in (keys, *(each for each in _tables(keys.get("variant")) if isinstance(each, dict))):
        rename_paths(table, lambda each: str(path.parent / each))
    return keys


def rename_paths(keys: dict[str, Any], rename: Callable[[str], str]) -> None:
    """Put other paths in place of those that an experiment names, in its own keys.

    Examples
    --------
    >>> keys = {"profile": "p.parquet", "policy": "greedy", "gpus": "2xanalytic:T4"}
    >>> rename_paths(keys, "runs/{}".format)
    >>> keys["profile"], keys["policy"], keys["gpus"]
    ('runs/p.parquet', 'greedy', '2xanalytic:T4')
    """

    def seen(name: str, value: object) -> object:
        if isinstance(value, list):
            return [seen(name, each) for each in value]
        is_file = name in ("profile", "trace") or (isinstance(value, str) and re.match(_OWN_FILE, value))
        is_file = is_file or (name == "contention" and str(value).endswith(".toml"))
        return rename(value) if isinstance(value, str) and is_file and not is_analytic(value) else value

    for name in ("profile", "trace", "policy", "predictor", "contention", "router"):
        if name in keys:
            keys[name] = seen(name, keys[name])
    if "gpus" in keys:
        keys["gpus"] = renamed(keys["gpus"], lambda profile: str(seen("profile", profile)))
    for table in [keys.get("arrivals"), *tenants(keys).values()]:
        if isinstance(table, dict) and "process" in table:
            table["process"] = seen("process", table["process"])


def _tables(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def tenants(keys: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the tables of the tenants, as far as there are any.

    Examples
    --------
    >>> tenants({"arrivals": {"tenants": {"web": {"rate": "5rps"}}}}), tenants({"arrivals": 3})
    ({'web': {'rate': '5rps'}}, {})
    """
    arrivals = keys.get("arrivals")
    tenants = arrivals.get("tenants") if isinstance(arrivals, Mapping) else None
    return tenants if isinstance(tenants, Mapping) else {}
