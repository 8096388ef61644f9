"""The operations of every (model, batch size) that a run can dispatch, laid end to end for the compiled loop."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isim.errors import ContentionError, ProfileError
from isim.policies.kernels import Kernels
from isim.profiler.profile import Profile

Floats = npt.NDArray[np.float64]

RESOURCES = ("sm", "memory", "tensor", "l2", "dram", "pcie")


class Variant(NamedTuple):
    """One (model, batch size): where its operations lie and how long they take alone."""

    model: str
    batch_size: int
    first: int
    last: int
    """The operation after its last one."""
    solo_s: float
    gap_s: float
    """The part of `solo_s` in which the GPU does nothing for the batch."""
    noise_sigma: float
    """Relative dispersion of the batch's duration; NaN where the profile does not hold it."""


class Operations:
    """Lay out a profile's operations as arrays, and answer what a server may know of them.

    Parameters
    ----------
    profile
        Measurements at full SM share.
    models
        The models to lay out, each of which the profile must hold.
    where
        How to name the profile in errors.

    Raises
    ------
    ProfileError
        The profile lacks a model, or holds it at lower SM shares only.
    """

    def __init__(self, profile: Profile, models: Iterable[str], where: str = "profile") -> None:
        self.where = where
        self.variants: dict[tuple[str, int], Variant] = {}
        wanted = list(dict.fromkeys(models))
        if missing := [model for model in wanted if model not in profile.models]:
            raise ProfileError(
                *(
                    f"{where}: no measurement of model {model!r} (has: {', '.join(profile.models)}); "
                    "profile it with 'isim profile', or map the trace onto models that are profiled"
                    for model in missing
                )
            )
        if partial := [model for model in wanted if not profile.batch_sizes(model)]:
            raise ProfileError(
                *(
                    f"{where}: no measurement of model {model!r} at SM share 1 (found only lower shares); "
                    "profile it on the whole GPU with 'isim profile'"
                    for model in partial
                )
            )
        tables = [
            (model, size, profile.operations(model, size)) for model in wanted for size in profile.batch_sizes(model)
        ]

        def column(name: str) -> Floats:
            parts = [np.asarray(table[name].to_numpy(zero_copy_only=False), dtype=np.float64) for *_, table in tables]
            return np.concatenate(parts) if parts else np.zeros(0)

        self.kinds: npt.NDArray[np.str_] = np.asarray([k for *_, table in tables for k in table["kind"].to_pylist()])
        self.gap_s = column("gap_ns") / 1e9
        self.duration_s = column("duration_ns") / 1e9
        self.columns: Mapping[str, Floats] = {name: column(name) for name in (*RESOURCES, "sm_needed")}
        sigma_s = 1.4826 * column("duration_mad_ns") / 1e9
        for values in (self.gap_s, self.duration_s, *self.columns.values()):
            values.setflags(write=False)
        self.owners: list[tuple[str, int, int]] = []
        first = 0
        for model, size, table in tables:
            last = first + table.num_rows
            self.owners += [(model, size, position) for position in range(table.num_rows)]
            gap_s, solo_s = 0.0, 0.0
            for i in range(first, last):  # in the order the engine adds them up
                gap_s += self.gap_s[i]
                solo_s = solo_s + self.gap_s[i] + self.duration_s[i]
            sigma = float(np.sum(sigma_s[first : last - 1 if self.kinds[last - 1] == "end" else last]) / solo_s)
            self.variants[model, size] = Variant(model, size, first, last, float(solo_s), float(gap_s), sigma)
            first = last
        self._sm_shares: Mapping[str, float] = {}
        self._sizes = {model: tuple(profile.batch_sizes(model)) for model in wanted}
        self._by_samples = {
            model: [None, *(self.variants[model, next(s for s in sizes if s >= n)] for n in range(1, sizes[-1] + 1))]
            for model, sizes in self._sizes.items()
        }

    @property
    def models(self) -> Iterable[str]:
        """The models that are laid out."""
        return self._sizes.keys()

    def batch_sizes(self, model: str) -> Sequence[int]:
        """Return the profiled batch sizes of a model, ascending."""
        return self._sizes[model]

    def sm_share(self, model: str) -> float:
        """Return the part of the SMs that the process of a model is held to, 0..1."""
        return self._sm_shares.get(model, 1.0)

    def by_samples(self, model: str) -> Sequence[Variant | None]:
        """Return, at index n, the smallest profiled size that holds n samples."""
        return self._by_samples[model]

    def solo_s(self, model: str, samples: int) -> float:
        """Return the solo duration of a batch of `samples`, run as the smallest profiled size that holds them.

        Raises
        ------
        ProfileError
            No profiled batch size is that large.
        """
        sizes = self._sizes[model]
        if not 1 <= samples <= sizes[-1]:
            raise ProfileError(
                f"{self.where}: no measurement of {model} at batch size {samples} (largest measured: {sizes[-1]}); "
                "profile it with 'isim profile', or lower max_batch"
            )
        variant = self._by_samples[model][samples]
        assert variant is not None
        return variant.solo_s

    def features(self, model: str, batch_size: int) -> Mapping[str, float]:
        """Return the time-weighted mean of each measured resource column over the kernels of a batch (0..1)."""
        return means(self.kernels(model, batch_size))

    def kernels(self, model: str, batch_size: int) -> Kernels:
        """Return the operations of a profiled batch."""
        variant = self.variants[model, batch_size]
        span = slice(variant.first, variant.last)
        columns = {name: values[span] for name, values in self.columns.items()}
        return Kernels(self.gap_s[span], self.duration_s[span], columns)

    @property
    def is_copy(self) -> npt.NDArray[np.bool_]:
        """Which operations are copies over the link."""
        return np.isin(self.kinds, ("memcpy_h2d", "memcpy_d2h"))

    def needed(self, name: str, fallback: str | None, contention: str) -> Floats:
        """Return a resource column of the kernels, 0 for copies over the link.

        What moves or sets memory within the device (`memset`, `memcpy_d2d`) needs no counters: it asks for all of L2
        and DRAM and for no SM, as long as nothing else was measured.

        Parameters
        ----------
        name, fallback
            The column, and the one that stands in where it is null.
        contention
            Which model asks, for the error.

        Raises
        ------
        ContentionError
            Kernels without a measurement in either column.
        """
        values = self.columns[name].copy()
        if fallback is not None:
            values = np.where(np.isnan(values), self.columns[fallback], values)
        within = np.isin(self.kinds, ("memset", "memcpy_d2d")) & np.isnan(values)
        values[within] = 0.0 if name == "sm" else 1.0
        holds_no_sm = self.is_copy | (self.duration_s == 0)
        values[holds_no_sm] = 0.0
        if (missing := np.flatnonzero(np.isnan(values))).size:
            model, size, position = self.owners[int(missing[0])]
            named = f"column '{name}'" + (f" (or '{fallback}')" if fallback else "")
            raise ContentionError(
                f"{self.where}: {named} is not measured in {missing.size} of {int((~holds_no_sm).sum())} kernels "
                f"(first: {model} at batch size {size}, position {position}), and contention '{contention}' needs it; "
                "profile with hardware counters, or choose --contention none or constant"
            )
        return values

    def link(self, kind: str) -> Floats:
        """Return the demand of copies of one direction on their link; a copy whose rate was not measured takes all.

        It is never quite 0 for a copy, which is what tells copies from kernels.
        """
        pcie = np.where(np.isnan(self.columns["pcie"]), 1.0, np.maximum(self.columns["pcie"], 1e-9))
        return np.where(self.kinds == kind, pcie, 0.0)


def means(kernels: Kernels) -> Mapping[str, float]:
    """Return the time-weighted mean of each resource over the operations in which it was measured (0..1)."""
    found = {}
    for name in RESOURCES:
        values = kernels.resources[name]
        measured = ~np.isnan(values)
        if measured.any() and kernels.duration_s[measured].sum() > 0:
            found[name] = float(np.average(values[measured], weights=kernels.duration_s[measured]))
    return found
