"""Tell the format of a file of requests from its beginning."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from isim.errors import TraceError
from isim.traces.delimited import opened, unreadable
from isim.traces.importers import azure_functions_2019, azure_functions_2021, azure_llm, burstgpt, disb, mooncake
from isim.traces.importers.servegen import is_servegen
from isim.traces.trace import Trace

_HEADERS: Mapping[str, tuple[str, ...]] = {
    "azure-llm": azure_llm.COLUMNS,
    "azure-functions-2019": azure_functions_2019.KEYS,
    "azure-functions-2021": azure_functions_2021.COLUMNS,
    "burstgpt": burstgpt.COLUMNS,
}


def detect(path: str | Path) -> str:
    """Return the name of the format, as `isim import trace` calls it.

    Only what a format alone has decides: its column names, its fields, or windows of ServeGen's six columns.

    Raises
    ------
    TraceError
        The file is missing, or of no format that shows itself.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "requests.csv"
    ...     _ = path.write_text("app,func,end_timestamp,duration\\n")
    ...     detect(path)
    'azure-functions-2021'
    """
    path = Path(path)
    with opened(path) as file:
        try:
            beginning = file.read(1 << 16).decode("utf-8-sig", errors="ignore").lstrip()
        except (OSError, EOFError) as error:
            raise unreadable(path, error) from None
    line = beginning.partition("\n")[0].strip()
    names = {name.strip() for name in line.split(",")}
    for name, columns in _HEADERS.items():
        if names >= set(columns):
            return name
    if is_servegen(line):
        return "servegen"
    if names >= {"arrival_s", "model"} or names >= {"arrival_ns", "model"}:
        raise TraceError(f"{path}: a trace already ({line}); use it as it is")
    if line.startswith("{"):
        try:
            fields = set(json.loads(line))
        except ValueError:  # not an object a line, but one that spans lines
            fields = set()
        if fields >= set(mooncake.COLUMNS):
            return "mooncake"
        if fields >= {"time", "tasks"} or (not fields and re.search(r'"tasks"\s*:', beginning)):
            return "disb"
    known = ", ".join([*_HEADERS, "servegen", "mooncake", "disb"])
    raise TraceError(
        f"{path}: the format is not one that shows itself (found {line[:60]!r}; these do: {known}); "
        "name it, and the columns of csv or jsonl, or the time of counts"
    )


def read_detected(path: str | Path, name: str, model: str | None = None) -> Trace:
    """Read a file in the format that `detect` named, if it holds requests.

    Parameters
    ----------
    model
        What the trace calls the model, where the file does not name it.

    Raises
    ------
    TraceError
        The format holds rates, or the file cannot be read.

    Examples
    --------
    >>> _ = Path("2021.csv").write_text("app,func,end_timestamp,duration\\na,f,7.5,0.5\\n")
    >>> read_detected("2021.csv", detect("2021.csv"))
    <Trace: 1 requests to function>
    """
    if name in ("azure-functions-2019", "servegen"):
        raise TraceError(f"{path}: holds rates, not requests (found {name}); use 'isim import trace {name}'")
    if name == "burstgpt":
        return burstgpt.read_burstgpt(path)
    if name == "disb":
        return disb.read_disb(path)
    if name == "azure-functions-2021":
        return azure_functions_2021.read_azure_functions_2021(path, model or "function")
    read = azure_llm.read_azure_llm if name == "azure-llm" else mooncake.read_mooncake
    return read(path, model or "llm")
