"""Write TOML."""

import json
import re
from collections.abc import Mapping
from typing import Any


def toml_text(content: Mapping[str, Any], path: str = "") -> str:
    """Return nested mappings of numbers, text and lists of these as TOML; JSON's forms of them are TOML's.

    Parameters
    ----------
    path
        Of the table that is written; empty for the whole.

    Examples
    --------
    >>> print(toml_text({"slo": {"a b": "5ms"}, "gpus": 2}), end="")
    gpus = 2
    <BLANKLINE>
    [slo]
    "a b" = "5ms"
    """

    def named(key: str) -> str:
        return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)

    lines = [
        f"{named(key)} = {json.dumps(value, ensure_ascii=False)}"
        for key, value in content.items()
        if not isinstance(value, Mapping)
    ]
    for key, value in content.items():
        if isinstance(value, Mapping):
            name = f"{path}.{named(key)}" if path else named(key)
            lines += ["", f"[{name}]", toml_text(value, name)]
    return "\n".join(lines) + ("" if path else "\n")
