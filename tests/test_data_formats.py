"""The tables of docs/data-formats.md are the schemas of the code: names, types, order and what may be null."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from isim.profiler.recording_schema import SCHEMA as RECORDING
from isim.profiler.schema import SCHEMA as PROFILE
from isim.profiler.telemetry import SCHEMA as TELEMETRY
from isim.run_schema import BATCHES, OVERLAPS, PREDICTIONS, REQUESTS
from isim.traces.schema import COLUMNS, RATES, RATES_REQUIRED, REQUIRED

PAGE = (Path(__file__).parent.parent / "docs" / "data-formats.md").read_text(encoding="utf-8")
TRACE = pa.schema([pa.field(name, type_, nullable=name not in REQUIRED) for name, type_ in COLUMNS.items()])
WINDOWS = pa.schema([pa.field(name, type_, nullable=name not in RATES_REQUIRED) for name, type_ in RATES.items()])
TYPES = {"double": "float64", "float": "float32"}


def words(field: pa.Field) -> tuple[str, str]:
    """Return how the page writes a column and its type."""
    name = str(field.type)
    if pa.types.is_dictionary(field.type):
        name = "dictionary"
    elif pa.types.is_list(field.type):
        name = f"list of {field.type.value_type}"
    return field.name, TYPES.get(name, name) + (", null" if field.nullable else "")


@pytest.mark.parametrize(
    ("introduction", "schema"),
    [
        ("## Profile\n", PROFILE),
        ("## Co-location recording\n", RECORDING),
        ("## Telemetry\n", TELEMETRY),
        ("## Trace\n", TRACE),
        ("## Rates\n", WINDOWS),
        ("`requests.parquet`, one row", REQUESTS),
        ("`batches.parquet`, one row", BATCHES),
        ("`overlaps.parquet`, one row", OVERLAPS),
        ("`predictions.parquet`, in a run", PREDICTIONS),
    ],
)
def test_the_page_is_the_schema(introduction: str, schema: pa.Schema) -> None:
    table = PAGE[PAGE.index(introduction) :].partition("\n| column ")[2].partition("\n\n")[0]
    columns = [(name, type_) for name, type_ in re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE)]
    assert columns == [words(field) for field in schema]
