"""Every command that reads a file, given one that it cannot use: one sentence that names it, and nothing written."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from isim.cli import cli
from isim.errors import IsimError
from isim.traces.trace import Trace


def _cut_off(path: Path) -> None:
    Trace.from_columns(arrival_ns=range(1000), model="a").write(path)
    path.write_bytes(path.read_bytes()[:-40])


FILES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "folder": lambda path: path.mkdir(),
    "empty": lambda path: path.write_bytes(b""),
    "junk": lambda path: path.write_bytes(bytes(range(256)) * 4),
    "cut off": _cut_off,
}

COMMANDS = [
    "show FILE",
    "run --trace FILE",
    "run --profile FILE --trace t.parquet",
    "run FILE",
    "trace show FILE",
    "trace check FILE",
    "trace diff t.parquet FILE",
    "trace make FILE.toml -o x",
    "trace slice FILE -o x --start 1ns",
    "trace merge t.parquet FILE -o x",
    "trace split FILE -o x --by model",
    "trace map FILE -o x --models b --map stripes",
    "trace thin FILE -o x --share 0.5",
    "trace replicate FILE -o x --factor 2 --jitter 1ms",
    "trace scale FILE -o x --method time --factor 2",
    "trace scale FILE -o x --method fit --factor 2",
    "trace dequantize FILE -o x",
    "trace fit FILE -o x --law gamma",
    "trace resample FILE -o x --law gamma",
    "trace expand FILE -o x --method poisson",
    "trace shape FILE -o x --sum 1s --to 1s --lowest 1rps --highest 2rps --models a",
    "import trace auto FILE -o x",
    "import trace azure-llm FILE -o x",
    "import trace azure-functions-2019 FILE -o x",
    "import trace azure-functions-2021 FILE -o x",
    "import trace burstgpt FILE -o x",
    "import trace mooncake FILE -o x",
    "import trace servegen FILE -o x",
    "import trace disb FILE -o x",
    "import trace counts FILE -o x --width 1s",
    "import trace csv FILE -o x --arrival-column t --arrival-unit s --model a",
    "import trace jsonl FILE -o x --arrival-column t --arrival-unit s --model a",
    "import profile auto a@1=FILE -o x",
    "import profile kineto a@1=FILE -o x",
    "import profile nsys a@1=FILE -o x",
    "import profile ncu a@1=FILE -o x",
    "import profile trtexec a@1=FILE -o x",
    "import profile onnxruntime a@1=FILE -o x",
    "import profile nvidia-smi FILE -o x",
    "import profile igniter FILE -o x",
    "import profile gpulet FILE -o x",
    "import profile kernel-table a@1=FILE -o x --columns name=n,duration=d --duration-unit ns",
    "import recording csv FILE -o x --columns experiment=e,model=m,batch_size=b,duration=d,sharing=s --duration-unit s",
    "import recording kace FILE -o x",
    "import recording igniter FILE -o x",
    "import recording gpulet FILE -o x",
    "import recording abacus FILE -o x",
    "import recording echo-slowdown FILE -o x",
    "import recording gpgpusim FILE -o x --clock-mhz 1000",
    "import recording kineto FILE -o x --member a@1=kernel=a --member b@1=kernel=b --sharing streams",
    "import recording nsys FILE -o x --member a@1=kernel=a --member b@1=kernel=b --sharing streams",
]


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    Trace.from_columns(arrival_ns=[0, 5], model="a").write("t.parquet")
    FILES[kind](Path("bad file"))
    before = sorted(tmp_path.rglob("*"))
    arguments = [word.replace("FILE", "bad file") for word in shlex.split(command)]
    with pytest.raises(IsimError) as caught:
        cli.main(arguments, standalone_mode=False)
    for problem in caught.value.problems:
        assert re.match(r"bad file(\.toml|/run\.json)?: .+; .+", problem), problem
        assert "Error" not in problem and "Traceback" not in problem
    assert sorted(tmp_path.rglob("*")) == before
