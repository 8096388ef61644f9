"""The base name of a kernel, by which the records of different profilers are the same kernel."""

_OPEN, _CLOSE = "<([{", ">)]}"


def base_name(name: str) -> str:
    """Return a kernel's name without return type, namespaces, template arguments and parameters.

    Examples
    --------
    >>> base_name("void at::native::(anonymous namespace)::softmax<float, (int)4>(float*, int)")
    'softmax'
    >>> base_name("copy_blocked[v1,cw51c](Array<long long, 1, C>, long long)"), base_name("sgemm_128x64_nn")
    ('copy_blocked', 'sgemm_128x64_nn')
    """
    depth, kept = 0, []
    for character in name:
        if character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth -= 1
        elif depth <= 0:
            kept.append(character)
    last = "".join(kept).split("::")[-1].split()
    return last[-1] if last else name
