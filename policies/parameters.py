"""Check a policy's parameters, all at once."""

from isim.errors import PolicyError


def is_whole(value: object, least: int = 1) -> bool:
    """Say whether `value` is a whole number of at least `least`.

    Examples
    --------
    >>> is_whole(8), is_whole(0), is_whole(2.5)
    (True, False, False)
    """
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def check_parameters(policy: str, *checks: tuple[str, object, bool, str]) -> None:
    """Raise one error that lists every parameter out of range.

    Parameters
    ----------
    policy
        The policy's name, for the message.
    checks
        For each parameter its name, its value, whether that is valid, and the rule it must keep.

    Raises
    ------
    PolicyError
        A value breaks its rule.

    Examples
    --------
    >>> check_parameters("static", ("batch_size", 0, is_whole(0), "a whole number of at least 1"))
    Traceback (most recent call last):
    isim.errors.PolicyError: policy static: batch_size is out of range (found 0); give a whole number of at least 1
    """
    problems = [
        f"policy {policy}: {name} is out of range (found {value!r}); give {rule}"
        for name, value, valid, rule in checks
        if not valid
    ]
    if problems:
        raise PolicyError(*problems)
