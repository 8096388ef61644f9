"""A profile: what each operation of a model's batch takes of a GPU when it runs alone."""

import difflib
from typing import Any, Self

import pyarrow as pa

from isim.errors import ProfileError
from isim.profiler.check_profile import batch_rows, table_problems
from isim.profiler.conform import conformed, footer_problems
from isim.profiler.footed_table import FootedTable
from isim.profiler.parquet_file import footer_text
from isim.profiler.schema import KEY, ORIGINS, SCHEMA, SCHEMA_VERSION


class Profile(FootedTable):
    """Hold the operations of each (model, batch size) and where they come from; made by `read` or `from_table`.

    Examples
    --------
    >>> table = pa.table({
    ...     "model": ["tiny"] * 2, "batch_size": [4] * 2, "sm_share": [1.0] * 2, "position": [0, 1],
    ...     "kind": ["kernel", "end"], "name": ["gemm", "end"], "duration_ns": [900, 0], "gap_ns": [50, 50],
    ... })
    >>> profile = Profile.from_table(table, {"origin": "imported"})
    >>> profile.models, profile.batch_sizes("tiny"), profile.solo_ns("tiny", 4)
    (('tiny',), (4,), 1000)
    >>> profile.operations("tiny", 4)["name"].to_pylist(), profile.origin
    (['gemm', 'end'], 'imported')
    >>> profile.write("profile.parquet")
    >>> Profile.read("profile.parquet")
    <Profile imported: 1 batches of tiny>
    """

    _key = "isim.profile"
    _what = "a profile"
    _made_by = "'isim profile' or 'isim import profile'"

    def __init__(self, table: pa.Table, footer_json: str) -> None:
        super().__init__(table, footer_json)
        self._rows = batch_rows(table)

    @classmethod
    def from_table(cls, table: pa.Table, footer: dict[str, Any], where: str = "profile") -> Self:
        """Check, sort and adopt `table`; optional columns it lacks are null, and `schema` of the footer is filled in.

        Parameters
        ----------
        where
            What the errors call the table, such as its path.

        Raises
        ------
        ProfileError
            Anything is wrong with the columns, the values or the footer; all problems at once.
        """
        footer = {"schema": SCHEMA_VERSION, **footer}
        table, misfits = conformed(table, SCHEMA, "a profile")
        if not misfits:
            table = table.sort_by([(name, "ascending") for name in KEY]).combine_chunks()
            misfits = list(table_problems(table))
        problems = [*footer_problems(footer, "the profile", SCHEMA_VERSION, ORIGINS), *misfits]
        footer_json = footer_text(footer, problems)
        if problems:
            raise ProfileError(*(f"{where}: {problem}" for problem in problems))
        return cls(table, footer_json)

    @property
    def origin(self) -> str:
        """`measured`, `imported` or `analytic`; every result derived from the profile repeats it."""
        return str(self.footer["origin"])

    @property
    def models(self) -> tuple[str, ...]:
        """The models profiled, sorted."""
        return tuple(sorted({model for model, _, _ in self._rows}))

    def batch_sizes(self, model: str, sm_share: float = 1.0) -> tuple[int, ...]:
        """Return the batch sizes profiled of `model`, ascending.

        Raises
        ------
        ProfileError
            The model was not profiled.
        """
        if model not in self.models:
            near = difflib.get_close_matches(model, self.models, 1)
            advice = f"did you mean {near[0]!r}?" if near else "profile it with 'isim profile'"
            raise ProfileError(f"profile: no measurement of {model!r} (has: {', '.join(self.models)}); {advice}")
        return tuple(sorted(size for name, size, share in self._rows if (name, share) == (model, sm_share)))

    def operations(self, model: str, batch_size: int, sm_share: float = 1.0) -> pa.Table:
        """Return the operations of one batch in launch order, its `end` row (if any) last.

        Raises
        ------
        ProfileError
            This batch was not profiled.
        """
        rows = self._rows.get((model, batch_size, sm_share))
        if rows is None:
            sizes = ", ".join(map(str, self.batch_sizes(model, sm_share))) or "none"
            share = "" if sm_share == 1 else f" and SM share {sm_share:g}"
            raise ProfileError(
                f"profile: no measurement of {model} at batch size {batch_size}{share} (measured: {sizes}); "
                "profile it with 'isim profile' or choose a measured size"
            )
        return self.table.slice(rows.start, rows.stop - rows.start)

    def solo_ns(self, model: str, batch_size: int, sm_share: float = 1.0) -> int:
        """Return how long a batch takes alone in ns: all its gaps and durations."""
        operations = self.operations(model, batch_size, sm_share)
        return sum(value for name in ("duration_ns", "gap_ns") for value in operations[name].to_pylist() if value)

    def __repr__(self) -> str:
        return f"<Profile {self.origin}: {len(self._rows)} batches of {', '.join(self.models)}>"
