"""A profile keeps what it was given, refuses what is wrong, and its files are whole, equal and readable."""

import pickle
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isim.errors import ProfileError
from isim.profiler.profile import Profile
from isim.profiler.schema import SCHEMA, SHARES

FOOTER = {"origin": "measured", "device": {"name": "a GPU"}}


def row(**changes: Any) -> dict[str, Any]:
    return {
        **dict.fromkeys(SCHEMA.names),
        **{"model": "m", "batch_size": 1, "sm_share": 1.0, "position": 0, "kind": "kernel", "name": "gemm"},
        **{"duration_ns": 10, "gap_ns": 2},
        **changes,
    }


def profile(*rows: dict[str, Any], footer: dict[str, Any] = FOOTER) -> Profile:
    return Profile.from_table(pa.Table.from_pylist(list(rows), schema=SCHEMA), footer)


def problems(*rows: dict[str, Any], footer: dict[str, Any] = FOOTER) -> tuple[str, ...]:
    with pytest.raises(ProfileError) as caught:
        profile(*rows, footer=footer)
    return caught.value.problems


shares = st.none() | st.floats(0, 1)
counts = st.none() | st.integers(0, 2**62)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    keys = st.tuples(st.sampled_from(["a", "ü b", "c"]), st.integers(1, 99), st.sampled_from([1.0, 0.5]))
    rows = []
    for model, batch_size, sm_share in draw(st.sets(keys, min_size=1, max_size=4)):
        length = draw(st.integers(1, 5))
        for position in range(length):
            rows.append(
                row(
                    **{"model": model, "batch_size": batch_size, "sm_share": sm_share, "position": position},
                    **{"name": draw(st.text(max_size=5)), "duration_ns": draw(st.integers(1, 10**12))},
                    **{"gap_ns": draw(st.integers(0, 10**12)), "grid": draw(counts), "samples": draw(counts)},
                    **{share: draw(shares) for share in SHARES},
                )
            )
        if draw(st.booleans()):
            rows.append({**rows[-1], "position": length, "kind": "end", "duration_ns": 0})
    return profile(*draw(st.permutations(rows)))


@given(original=profiles())
@settings(max_examples=40, deadline=None)
def test_a_file_holds_the_profile(original: Profile, tmp_path_factory: pytest.TempPathFactory) -> None:
    first, second = (tmp_path_factory.mktemp("profile") / "p.parquet" for _ in range(2))
    original.write(first)
    read = Profile.read(first)
    assert read.table.equals(original.table)
    assert read.footer == original.footer == {"schema": "1", **FOOTER}
    assert read.digest() == original.digest()
    read.write(second)
    assert second.read_bytes() == first.read_bytes()


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_read_right_or_refused(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("profile") / "p.parquet"
    original = profile(row(), row(position=1, sm=0.5))
    original.write(path)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(content))
    try:
        read = Profile.read(path)
    except ProfileError as error:
        assert all(problem.startswith(f"{path}: ") for problem in error.problems)
    else:
        assert read.table.equals(original.table)


def test_operations_come_in_launch_order() -> None:
    made = profile(
        row(model="b", batch_size=8, position=1, name="second"),
        row(model="b", batch_size=8, position=0, name="first", gap_ns=5),
        row(model="b", batch_size=2),
        row(model="b", batch_size=4, sm_share=0.5),
        row(model="a", batch_size=1),
    )
    assert made.models == ("a", "b")
    assert made.batch_sizes("b") == (2, 8)
    assert made.batch_sizes("b", sm_share=0.5) == (4,)
    assert made.operations("b", 8)["name"].to_pylist() == ["first", "second"]
    assert made.solo_ns("b", 8) == 10 + 5 + 10 + 2
    assert made.origin == "measured"


def test_optional_columns_may_be_absent_and_are_null() -> None:
    columns = [field.name for field in SCHEMA if not field.nullable]
    made = Profile.from_table(pa.Table.from_pylist([row()], schema=SCHEMA).select(columns), FOOTER)
    assert made.table.schema.names == SCHEMA.names
    assert made.table["dram"].to_pylist() == [None]


def test_the_digest_is_of_the_content() -> None:
    original = profile(row(sm=0.5))
    assert profile(row(sm=0.5)).digest() == original.digest()
    assert profile(row(sm=0.25)).digest() != original.digest()
    assert profile(row()).digest() != original.digest()
    assert profile(row(sm=0.5), footer={**FOOTER, "origin": "imported"}).digest() != original.digest()
    assert pickle.loads(pickle.dumps(original)).digest() == original.digest()


def test_the_footer_cannot_be_changed_from_outside() -> None:
    made = profile(row())
    made.footer["origin"] = "analytic"
    assert made.origin == "measured"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "memcpy"}, "kind is unknown in 1 row (first: 'memcpy' in row 0: m, batch size 1, position 0)"),
        ({"duration_ns": -1}, "duration_ns is negative in 1 row (first: -1"),
        ({"duration_ns": 2**62}, "duration_ns is longer than 104 days in 1 row (first: 4611686018427387904"),
        ({"gap_ns": -3}, "gap_ns is negative in 1 row (first: -3"),
        ({"grid": -3}, "grid is negative in 1 row"),
        ({"batch_size": 0}, "batch_size is below 1 in 1 row"),
        ({"sm_share": 0.0}, "sm_share is outside 0..1 in 1 row"),
        ({"dram": 1.5}, "dram is outside 0..1 in 1 row (first: 1.5"),
        ({"l2": -0.1}, "l2 is outside 0..1"),
        ({"occupancy": float("nan")}, "occupancy is outside 0..1 in 1 row (first: nan"),
        ({"position": 1}, "positions are not 0..0 (found 1 where 0 belongs)"),
        ({"kind": "end", "duration_ns": 0}, "no operation, only an 'end' row"),
        ({"duration_ns": 0, "gap_ns": 0}, "the batch takes no time at all"),
        ({"duration_ns": None}, "column 'duration_ns' is empty in 1 row"),
        ({"model": None}, "column 'model' is empty in 1 row"),
    ],
)
def test_each_mistake_has_its_sentence(changes: dict[str, Any], message: str) -> None:
    assert any(message in problem for problem in problems(row(**changes)))


def test_an_end_row_only_closes_a_batch() -> None:
    early = problems(row(kind="end", duration_ns=0), row(position=1))
    assert early == (
        "profile: m at batch size 1: an 'end' row stands before the last position; it may only close the batch",
    )
    assert "has a duration" in problems(row(), row(position=1, kind="end"))[0]


def test_all_problems_come_at_once() -> None:
    found = problems(
        row(sm=2.0), row(model="other", position=3, duration_ns=-1), footer={"schema": "7", "origin": "guessed"}
    )
    assert len(found) == 5
    for part in ("schema version '7'", "origin is unknown (found 'guessed')", "sm is", "duration_ns is", "positions"):
        assert sum(part in problem for problem in found) == 1


def test_columns_are_named_in_full() -> None:
    table = pa.table({"model": ["m"], "batch_sizes": [1]})
    with pytest.raises(ProfileError) as caught:
        Profile.from_table(table, FOOTER)
    assert "profile: column 'batch_sizes' is not part of a profile; did you mean 'batch_size'?" in caught.value.problems
    assert "profile: no column 'batch_size' (has: model, batch_sizes); add it" in caught.value.problems


def test_types_are_checked_without_loss() -> None:
    table = pa.Table.from_pylist([row()], schema=SCHEMA)
    halves = table.set_column(table.schema.get_field_index("duration_ns"), "duration_ns", [[1.5]])
    with pytest.raises(ProfileError, match="column 'duration_ns' is not int64"):
        Profile.from_table(halves, FOOTER)


def test_an_empty_table_is_refused() -> None:
    assert problems() == ("profile: no rows; a profile needs at least one operation",)


def test_a_footer_must_be_json() -> None:
    assert "the footer is not JSON" in problems(row(), footer={**FOOTER, "when": object()})[0]


def test_missing_batches_say_what_there_is() -> None:
    made = profile(row(model="resnet50", batch_size=32), row(model="resnet50", batch_size=4))
    with pytest.raises(ProfileError, match=r"resnet50 at batch size 64 \(measured: 4, 32\)"):
        made.operations("resnet50", 64)
    with pytest.raises(ProfileError, match="did you mean 'resnet50'"):
        made.batch_sizes("resnet")


def test_files_that_are_no_profile_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    with pytest.raises(ProfileError, match="no such file"):
        Profile.read(path)
    path.write_text("model,batch_size\n")
    with pytest.raises(ProfileError, match="not a readable Parquet file"):
        Profile.read(path)
    table = pa.Table.from_pylist([row()], schema=SCHEMA)
    pq.write_table(table, path)
    with pytest.raises(ProfileError, match=r"no footer 'isim\.profile'"):
        Profile.read(path)
    for footer in ("[]", "{"):
        pq.write_table(table.replace_schema_metadata({"isim.profile": footer}), path)
        with pytest.raises(ProfileError, match="is not a JSON object"):
            Profile.read(path)
    pq.write_table(table.replace_schema_metadata({"isim.profile": '{"origin": "measured"}'}), path)
    with pytest.raises(ProfileError, match="schema version None is unknown"):
        Profile.read(path)


def test_writing_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.parquet"
    first, second = profile(row()), profile(row(duration_ns=99))
    first.write(path)
    with pytest.raises(ProfileError, match="exists already"):
        second.write(path)
    assert Profile.read(path).digest() == first.digest()
    second.write(path, force=True)
    assert Profile.read(path).digest() == second.digest()

    def full(_table: pa.Table, file: BinaryIO, **_options: Any) -> None:
        file.write(b"PAR1")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(ProfileError, match=r"cannot be written \(No space left"):
        first.write(path, force=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.parquet"]
    assert Profile.read(path).digest() == second.digest()


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"p.parquet: cannot be written \(No such file or directory\); choose"):
        profile(row()).write(tmp_path / "no" / "p.parquet")
