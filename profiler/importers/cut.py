"""What of a file is one batch, as the user states it; nothing is guessed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from isim.errors import ProfileError
from isim.profiler.kernel_name import base_name

FORMS = "whole, range=NAME, kernel=NAME or repeats=N, after stream=N, and process=N, where needed"


@dataclass(frozen=True, slots=True)
class Cut:
    """How a file falls into batches; made by `read`.

    Parameters
    ----------
    how
        `whole`: everything is one batch. `range`: each range of this name is one. `kernel`: each begins with a kernel
        of this name. `repeats`: the operations are this many equal sequences.
    name
        Of the ranges or kernels; `*` stands for any text.
    repeats
        The number of sequences.
    stream, process
        Only the operations of this stream and process count; None is all of them.

    Examples
    --------
    >>> str(Cut.read("range=infer")), str(Cut("repeats", repeats=20, stream=7))
    ('range=infer', 'stream=7,repeats=20')
    """

    how: str
    name: str = ""
    repeats: int = 1
    stream: int | None = None
    process: int | None = None

    @classmethod
    def read(cls, text: str) -> "Cut":
        """Read what a user wrote.

        Raises
        ------
        ProfileError
            It is none of the forms.

        Examples
        --------
        >>> Cut.read("stream=7,kernel=conv*")
        Cut(how='kernel', name='conv*', repeats=1, stream=7, process=None)
        """
        parts, rest = dict[str, int](), text
        while match := re.match(r"(stream|process)=(\d{1,18}),", rest):
            parts[match[1]], rest = int(match[2]), rest[match.end() :]
        how, _, value = rest.partition("=")
        stream, process = parts.get("stream"), parts.get("process")
        if rest == "whole":
            return cls("whole", stream=stream, process=process)
        if how in ("range", "kernel") and value:
            return cls(how, value, stream=stream, process=process)
        if how == "repeats" and re.fullmatch(r"[1-9]\d{0,8}", value):
            return cls("repeats", repeats=int(value), stream=stream, process=process)
        raise ProfileError(f"cut: not a way to cut a file into batches (found {text!r}); write {FORMS}")

    def __str__(self) -> str:
        filters = "".join(
            f"{key}={value}," for key in ("stream", "process") if (value := getattr(self, key)) is not None
        )
        value = f"={self.name}" if self.name else f"={self.repeats}" if self.how == "repeats" else ""
        return f"{filters}{self.how}{value}"


def wildcard(pattern: str) -> "re.Pattern[str]":
    """Return what matches a name in which `*` stands for any text, and nothing else is special.

    Examples
    --------
    >>> bool(wildcard("step#*[0]").fullmatch("step#17[0]")), bool(wildcard("step").fullmatch("steps"))
    (True, False)
    """
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def cut_sequence(cut: Cut, names: Sequence[str], same: Sequence[object], where: str) -> list[slice]:
    """Return where the batches lie in a sequence of operations: all cuts but `range`.

    Parameters
    ----------
    names
        Of the operations, in launch order.
    same
        What makes two operations the same: `repeats` holds the sequences against each other.
    where
        What the errors call the file.

    Raises
    ------
    ProfileError
        The operations are not so many equal sequences, or no kernel has the name.

    Examples
    --------
    >>> cut_sequence(Cut.read("kernel=conv"), ["fill", "conv", "add", "conv", "add"], range(5), "run.sqlite")
    [slice(1, 3, None), slice(3, 5, None)]
    """
    if cut.how == "repeats":
        return _repeated(cut.repeats, names, same, where)
    if cut.how == "kernel":
        pattern = wildcard(cut.name)
        starts = [i for i, name in enumerate(names) if pattern.fullmatch(name) or pattern.fullmatch(base_name(name))]
        if not starts:
            few = ", ".join(dict.fromkeys(base_name(name) for name in names[:200]))[:300]
            raise ProfileError(f"{where}: no kernel is called {cut.name!r} (has: {few}); name the first of a batch")
        return [slice(*bounds) for bounds in zip(starts, [*starts[1:], len(names)], strict=True)]
    return [slice(0, len(names))]


def _repeated(repeats: int, names: Sequence[str], same: Sequence[object], where: str) -> list[slice]:
    length, rest = divmod(len(names), repeats)
    if rest or not length:
        raise ProfileError(
            f"{where}: {len(names)} operations are not {repeats} equal sequences; correct repeats=, "
            "or cut by range= or kernel="
        )
    for i in range(length, len(names)):
        if same[i] != same[i - length]:
            raise ProfileError(
                f"{where}: sequence {i // length + 1} of {repeats} differs from the one before it (operation {i}: "
                f"{base_name(names[i])!r} where {base_name(names[i - length])!r} ran); cut by range= or kernel="
            )
    return [slice(start, start + length) for start in range(0, len(names), length)]
