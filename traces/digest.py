"""Feed a column into a hash by its values, whatever its layout in memory."""

import json
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class _Hash(Protocol):
    def update(self, data: Any, /) -> None: ...


def update(sha256: _Hash, name: str, column: Any) -> None:
    """Feed the name, the type and every value of a column; equal columns feed equal bytes.

    Parameters
    ----------
    sha256
        What is fed, such as `hashlib.sha256()`.

    Examples
    --------
    >>> import hashlib
    >>> one, other = hashlib.sha256(), hashlib.sha256()
    >>> update(one, "n", pa.chunked_array([[1, 2], [3]]))
    >>> update(other, "n", pa.chunked_array([[1, 2, 3]]))
    >>> one.digest() == other.digest()
    True
    """
    array = column.combine_chunks()
    sha256.update(json.dumps([name, str(array.type), len(array), array.null_count]).encode())
    if array.null_count:
        sha256.update(np.packbits(array.is_null().to_numpy(zero_copy_only=False)))
    if pa.types.is_dictionary(array.type):
        sha256.update(json.dumps(array.dictionary.to_pylist()).encode())
        _update_numbers(sha256, array.indices)
    elif pa.types.is_list(array.type) and pa.types.is_integer(array.type.value_type):
        _update_numbers(sha256, pc.list_value_length(array))
        _update_numbers(sha256, array.flatten())
    elif pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_boolean(array.type):
        _update_numbers(sha256, array)
    else:  # extras of the source may be of any type
        sha256.update(json.dumps(array.to_pylist(), default=str).encode())


def _update_numbers(sha256: _Hash, array: Any) -> None:
    if array.null_count:
        array = array.fill_null(False if pa.types.is_boolean(array.type) else 0)
    numbers = array.to_numpy(zero_copy_only=False)
    sha256.update(np.ascontiguousarray(numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)))
