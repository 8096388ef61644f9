"""Operations divided into what takes time."""

from worlds import kernel, profile_of

from isim.engine.phases import Phases
from isim.operations import Operations


def test_what_takes_no_time_is_left_out() -> None:
    end = {"kind": "end", "duration_ns": 0, "gap_ns": 0}
    operations = Operations(
        profile_of(
            {
                ("a", 1): [kernel(3000, gap_ns=1000), kernel(2000), end],
                ("b", 1): [kernel(4000, gap_ns=9000), {**end, "gap_ns": 500}],
            }
        ),
        ["a", "b"],
    )
    phases = Phases(operations, eviction_s=70e-9)
    a, b = operations.variants["a", 1], operations.variants["b", 1]
    assert phases.span(a.first, a.last) == (0, 3)
    assert phases.span(b.first, b.last) == (3, 6)
    assert (phases.table["duration_s"] * 1e9).round().tolist() == [1000, 3000, 2000, 9000, 4000, 500, 70]
    assert phases.table["runs"].tolist() == [0, 1, 1, 0, 1, 0, 0]
    assert phases.operation.tolist() == [0, 0, 1, 3, 3, 4]
    # A gap of at most a quarter of its batch is held through: 1000 of 6000 and 500 of 13,500, not 9000 of 13,500.
    assert phases.table["held"].tolist() == [1, 0, 0, 0, 0, 1, 0]
