"""What claims to be a contention model and is none is refused in one sentence that names it and the kernels."""

from pathlib import Path

import pytest
from own_contention import HEAD, speeds
from worlds import kernel, profile_of

from isim.contention.contention_file import load_contention
from isim.contention.usable import check_usable
from isim.errors import ContentionError
from isim.operations import Operations


def method(code: str) -> str:
    return f"\nclass Mine(Base):\n    {code}\n"


SET = "for [a batch size 1 position 0]; correct speeds"
FAULTS = {
    "NaN": (
        speeds("speed[k] = 1.0 if count == 1 else np.nan"),
        "speed nan, where more than 0 and at most 1 is due, fo",
    ),
    "zero": (speeds("speed[k] = 0.0"), f"speed 0, where more than 0 and at most 1 is due, {SET}"),
    "negative": (speeds("speed[k] = -1.0"), f"speed -1, where more than 0 and at most 1 is due, {SET}"),
    "more than 1": (speeds("speed[k] = 2.0"), f"speed 2, where more than 0 and at most 1 is due, {SET}"),
    "slow alone": (speeds("speed[k] = 0.5"), f"speed 0.5, where a lone kernel must have 1, {SET}"),
    "nothing written": (speeds("pass"), f"speed nan, where more than 0 and at most 1 is due, {SET}"),
    "foreign parameter": (
        speeds("speed[k] = parameters[7]"),
        f"speeds raised IndexError at m.py:32 (index 7 is out of bounds for axis 0 with size 1) {SET}",
    ),
    "written too far": (speeds("speed[k + 1] = 1.0"), "speeds raised IndexError at m.py:32 (index 1 is out of bound"),
    "plain Python": (
        method("speeds = staticmethod(_plain)"),
        "speeds is not compiled (found function); decorate the function with @njit(SPEEDS)",
    ),
    "no function": (
        method("speeds = 3"),
        "speeds is not compiled (found int); decorate the function with @njit(SPEEDS)",
    ),
    "a method": (method("speeds = _ones"), "speeds would be called with self; write speeds = staticmethod(...)"),
    "two arguments": (
        "\n@njit\ndef _two(running, speed):\n    pass\n" + method("speeds = staticmethod(_two)"),
        "speeds takes other arguments (found (running, speed)); write (running, count, demand, parameters, speed)",
    ),
    "other types": (
        speeds("pass", "@njit('void(i4,i4,i4,i4,i4)')"),
        "speeds is compiled for other types; decorate the function with @njit(SPEEDS)",
    ),
    "returns speeds": (
        "\n@njit\ndef _own(running, count, demand, parameters, speed):\n    return 1.0\n"
        + method("speeds = staticmethod(_own)"),
        "speeds returns float64; write into speed[0:count] and return nothing",
    ),
    "not to be compiled": (
        speeds("print(open('x'))", "@njit"),
        "speeds cannot be compiled: TypingError at m.py:32 (Failed in nopython mode pipeline (step: nopython",
    ),
    "no speeds": (
        "\nclass Mine:\n    parameters = np.zeros(1)\n",
        "no speeds, demand; a contention model has speeds, ",
    ),
    "parameters of a list": (
        method("parameters = [1.0]"),
        "parameters is no array (found list); return a 1-dimensional",
    ),
    "parameters of integers": (
        method("parameters = np.zeros(2, int)"),
        "parameters is another array (found int64, 1-dime",
    ),
    "parameters of NaN": (
        method("parameters = np.array([np.nan])"),
        "parameters holds nan; return a 1-dimensional float",
    ),
    "parameters raise": (
        method("parameters = property(lambda self: self.kapa)"),
        "parameters raised AttributeError at m.py:30 ('Mine' object has no attribute 'kapa')",
    ),
    "demand of one dimension": (
        method("def demand(self, operations): return np.zeros(len(operations.kinds))"),
        "demand is another array (found float64, 1-dimensional); return a 2-dimensional float64 array of finite",
    ),
    "demand of other length": (
        method("def demand(self, operations): return np.zeros((1, 3))"),
        "demand has 1 rows for 3 operations; return one row an operation",
    ),
    "demand transposed": (
        method("def demand(self, operations): return np.zeros((2, len(operations.kinds))).T"),
        "demand is not contiguous; return a 2-dimensional float64 array",
    ),
    "demand of NaN": (
        method("def demand(self, operations): return np.column_stack([operations.columns['l2']])"),
        "demand holds nan; return a 2-dimensional",
    ),
    "demand raises": (
        method("def demand(self, operations): return operations.columns['sms']"),
        "demand raised KeyError at m.py:30 ('sms'); correct that line",
    ),
    "demand takes nothing": (
        method("def demand(self): return np.zeros((3, 1))"),
        "demand takes other arguments; write demand(self, operations)",
    ),
}


@pytest.fixture
def operations() -> Operations:
    kernels = {("a", 1): [kernel(10**6, sm=0.5), kernel(10**6, sm=0.9)], ("b", 1): [kernel(10**6, sm=0.7)]}
    return Operations(profile_of(kernels), ["a", "b"])


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_contention_model_is_refused(
    operations: Operations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    code, sentence = FAULTS[fault]
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(HEAD + code)
    with pytest.raises(ContentionError) as error:
        check_usable(load_contention("m.py:Mine")[0], operations, "m.py:Mine")
    assert str(error.value).startswith(f"contention m.py:Mine: {sentence}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("spec", ["none", "constant", "fair", "roofline", "leftover:kappa=1.2", "block-scheduler"])
def test_built_ins_are_usable(spec: str) -> None:
    kernels = [kernel(10**6, sm=0.9, l2=0.3, dram=0.8), kernel(10**6, sm=0.1, l2=1.0, dram=1.0)]
    check_usable(load_contention(spec)[0], Operations(profile_of({("a", 1): kernels}), ["a"]), spec)
