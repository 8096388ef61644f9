"""Every verb of `isim trace`, and every format of `isim import trace`, from the command line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from worlds import kernel, profile_of

from isim.cli.import_trace import import_trace
from isim.cli.trace import command as trace_command
from isim.errors import IsimError
from isim.traces.rates import Rates
from isim.traces.trace import Trace

SECOND_NS = 10**9


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder, with a trace of 2,000 requests in 100 s."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    Trace.from_columns(
        arrival_ns=np.sort(rng.integers(0, 100 * SECOND_NS, 2000)),
        model=rng.choice(["a", "b"], 2000, p=[0.75, 0.25]),
        tenant=rng.choice(["u", "v", "w"], 2000),
        input_tokens=rng.integers(1, 100, 2000),
        duration_ns=100 * SECOND_NS,
    ).write("t.parquet")
    return tmp_path


def trace(*arguments: str) -> Result:
    result = CliRunner().invoke(trace_command, [*arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit | IsimError):
        raise result.exception
    return result


def done(*arguments: str) -> str:
    """Run a verb that succeeds and return what it says on standard error."""
    result = trace(*arguments)
    assert result.exit_code == 0, result.output
    return result.stderr


def test_scale(folder: Path) -> None:
    said = done("scale", "t.parquet", "--method", "time", "--factor", "2", "-o", "x.parquet")
    assert said == "isim: wrote x.parquet: 2,000 requests to a, b\n"
    assert Trace.read("x.parquet").duration_ns == 50 * SECOND_NS
    done("scale", "t.parquet", "--method", "thin", "--rate", "10rps", "--seed", "1", "-o", "x.parquet", "-f", "-q")
    thinned = Trace.read("x.parquet")
    assert len(thinned) == pytest.approx(1000, abs=100)
    assert thinned.footer["history"] == [{"op": "thin", "params": {"by": None, "share": 0.5}, "seed": 1}]
    done("scale", "t.parquet", "--method", "replicate", "--factor", "3", "--jitter", "1s", "-o", "x.parquet", "-f")
    assert len(Trace.read("x.parquet")) == 6000
    done("scale", "t.parquet", "--method", "fit", "--factor", "2", "--window", "50s", "-o", "x.parquet", "-f")
    assert len(Trace.read("x.parquet")) == pytest.approx(4000, abs=300)
    assert "input_tokens" in Trace.read("x.parquet").table.column_names


def test_slice_and_merge(folder: Path) -> None:
    done("slice", "t.parquet", "--end", "30s", "-o", "x.parquet")
    done("slice", "t.parquet", "--start", "30s", "-o", "y.parquet")
    done("merge", "x.parquet", "y.parquet", "--in-turn", "-o", "z.parquet")
    assert Trace.read("z.parquet").digest() == Trace.read("t.parquet").digest()
    done("slice", "t.parquet", "--models", "b", "-o", "b.parquet")
    assert Trace.read("b.parquet").models == ("b",)


def test_split_and_merge(folder: Path) -> None:
    assert done("split", "t.parquet", "--by", "model", "-o", "parts") == (
        "isim: wrote parts: 2,000 requests in 2 parts\n"
    )
    listed = json.loads((folder / "parts" / "split.json").read_text())
    assert sorted(listed) == ["a", "b"]
    assert sum(part["requests"] for part in listed.values()) == 2000
    done("merge", *(f"parts/{part['file']}" for part in listed.values()), "-o", "z.parquet")
    assert Trace.read("z.parquet").digest() == Trace.read("t.parquet").digest()
    assert isinstance(trace("split", "t.parquet", "--by", "model", "-o", "parts").exception, IsimError)
    done("split", "t.parquet", "--shares", "train=4,test=1", "-o", "parts", "-f")
    assert sorted(path.name for path in (folder / "parts").iterdir()) == ["split.json", "test.parquet", "train.parquet"]


def test_map(folder: Path) -> None:
    done("map", "t.parquet", "--models", "x,y", "--by", "tenant", "-o", "m.parquet")
    table = Trace.read("m.parquet").table
    assert len(set(zip(table["tenant"].to_pylist(), table["model"].to_pylist(), strict=True))) == 3
    done("map", "t.parquet", "--models", "x,y,z", "--zipf", "1", "--seed", "2", "-o", "m.parquet", "-f")
    counts = np.bincount(Trace.read("m.parquet").model_codes)
    assert counts[0] == pytest.approx(2000 * 6 / 11, abs=100)  # 1 / (1 + 1/2 + 1/3)


def test_thin_replicate_dequantize(folder: Path) -> None:
    done("thin", "t.parquet", "--share", "0.5", "--by", "tenant", "-o", "x.parquet")
    assert 1 <= len(set(Trace.read("x.parquet").table["tenant"].to_pylist())) < 3
    done("replicate", "t.parquet", "--factor", "2", "--jitter", "5ms", "-o", "y.parquet")
    assert len(Trace.read("y.parquet")) == 4000
    Trace.from_columns(arrival_ns=np.repeat(np.arange(20), 5) * 3 * SECOND_NS, model="a").write("grid.parquet")
    assert done("dequantize", "grid.parquet", "-o", "spread.parquet") == (
        "isim: wrote spread.parquet: 100 requests to a\n"
    )
    assert len(np.unique(Trace.read("spread.parquet").arrival_ns)) == 100


def test_fit_and_resample(folder: Path) -> None:
    result = trace("fit", "t.parquet", "--window", "50s", "-o", "r.parquet")
    assert result.stderr == "isim: wrote r.parquet: 4 windows of a, b\n"
    rows = [line.split()[:3] for line in result.stdout.splitlines()[2:]]
    assert rows == [
        [model, *law] for model in "ab" for law in (["gamma", "mle"], ["gamma", "moments"], ["poisson", "mle"])
    ]
    listed = json.loads(trace("fit", "t.parquet", "--law", "poisson", "--json", "-o", "r.parquet", "-f", "-q").stdout)
    assert [(window["model"], [found["law"] for found in window["fits"]]) for window in listed] == [
        ("a", ["poisson"]),
        ("b", ["poisson"]),
    ]
    done("resample", "r.parquet", "--rate", "40rps", "--cv-factor", "2", "-o", "x.parquet")
    assert len(Trace.read("x.parquet")) == pytest.approx(4000, abs=4 * 2 * 64)
    done("resample", "t.parquet", "--factor", "2", "-o", "y.parquet")
    assert "input_tokens" in Trace.read("y.parquet").table.column_names


def test_expand_and_shape(folder: Path) -> None:
    Rates.from_columns(start_ns=[0, SECOND_NS], width_ns=SECOND_NS, model="f", count=[30, 10]).write("r.parquet")
    done("expand", "r.parquet", "--method", "count", "-o", "x.parquet")
    assert len(Trace.read("x.parquet")) == 40
    done("shape", "r.parquet", "--sum", "1s", "--to", "10s", "--lowest", "1rps", "--highest", "9rps",
         "--models", "m", "-o", "s.parquet")  # fmt: skip
    assert Rates.read("s.parquet").rate_rps.tolist() == [9, 1]


def test_show_check_diff(folder: Path) -> None:
    shown = trace("show", "t.parquet", "--svg", "t.svg").stdout
    assert "rate over time" in shown
    assert "Hurst exponent" in shown
    assert (folder / "t.svg").read_text().startswith("<svg")
    assert isinstance(trace("show", "t.parquet", "--svg", "t.svg").exception, IsimError)
    assert "rate over time" not in trace("show", "t.parquet", "--no-plot").stdout
    assert trace("check", "t.parquet").stdout == "t.parquet: requests, 2,000 rows, a, b; nothing wrong\n"
    Trace.from_columns(arrival_ns=np.repeat(np.arange(20), 5) * 3 * SECOND_NS, model="a").write("grid.parquet")
    assert "isim: note: 81 % of the gaps are 0" in trace("check", "grid.parquet").stderr
    assert trace("diff", "t.parquet", "t.parquet").stdout.startswith("the requests are the same\n")
    figures = json.loads(trace("diff", "t.parquet", "grid.parquet", "--json").stdout)["figures"]
    assert figures["requests"] == [2000, 100]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scale", "t.parquet", "--method", "time"], "give either --factor or --rate"),
        (["scale", "t.parquet", "--method", "time", "--factor", "2", "--rate", "1rps"], "give either --factor or "),
        (["scale", "t.parquet", "--method", "replicate", "--factor", "2"], "--method replicate needs --jitter"),
        (["scale", "t.parquet", "--method", "thin", "--factor", ".5", "--window", "1s"], "--window belongs to"),
        (["split", "t.parquet"], "give either --by or --shares"),
        (["map", "t.parquet"], "name the models with --models"),
        (["resample", "t.parquet", "--factor", "2", "--rate", "1rps"], "give --factor or --rate, not both"),
    ],
)
def test_wrong_usage_exits_2(folder: Path, arguments: list[str], message: str) -> None:
    result = trace(*arguments, "-o", "x.parquet")
    assert result.exit_code == 2
    assert f"Error: {message}" in result.stderr
    assert [path.name for path in folder.iterdir()] == ["t.parquet"]


def test_a_profile_is_no_trace(folder: Path) -> None:
    profile_of({("a", 1): [kernel(10**6)]}).write("p.parquet")
    for arguments in (["show"], ["check"], ["diff", "t.parquet"]):
        error = trace(arguments[0], *arguments[1:], "p.parquet").exception
        assert isinstance(error, IsimError)
        assert error.problems == ("p.parquet: is a profile, not a trace; give the file of a trace",)


def test_a_mistake_is_one_sentence_and_leaves_nothing(folder: Path) -> None:
    for code, arguments in (
        (1, ["thin", "none.parquet", "--share", "0.5", "-o", "x.parquet"]),
        (2, ["thin", "t.parquet", "--share", "1.5", "-o", "x.parquet"]),
        (1, ["expand", "t.parquet", "-o", "x.parquet"]),
        (1, ["slice", "t.parquet", "--start", "200s", "-o", "x.parquet"]),
        (1, ["split", "t.parquet", "--by", "user", "-o", "x"]),
    ):
        process = subprocess.run(
            [sys.executable, "-m", "isim", "trace", *arguments], capture_output=True, text=True, timeout=60
        )
        assert (process.returncode, process.stdout) == (code, "")
        assert process.stderr.startswith("isim: ")
        assert process.stderr.count("\n") == 1
        assert [path.name for path in folder.iterdir()] == ["t.parquet"]


ROWS = {
    "azure-llm": "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4,1\n",
    "azure-functions-2021": "app,func,end_timestamp,duration\na,f,1.5,0.5\n",
    "burstgpt": "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,4,1,5,API log\n",
    "mooncake": '{"timestamp": 0, "input_length": 4, "output_length": 1, "hash_ids": [0]}\n',
    "disb": '{"time": 1, "tasks": [{"id": "a", "load": {"type": "trace", "trace": [5]}, "client": {}}]}',
}


@pytest.mark.parametrize("name", ROWS)
def test_formats_are_imported_by_name_and_by_themselves(folder: Path, name: str) -> None:
    Path("requests.txt").write_text(ROWS[name])
    digests = set()
    for form in (name, "auto"):
        result = CliRunner().invoke(import_trace, [form, "requests.txt", "-o", f"{form}.parquet"])
        assert result.exit_code == 0, result.output
        digests.add(Trace.read(f"{form}.parquet").digest())
    assert len(digests) == 1
    mapped = CliRunner().invoke(import_trace, [name, "requests.txt", "--models", "x,y", "-o", "m.parquet"])
    assert mapped.exit_code == 0, mapped.output
    assert Trace.read("m.parquet").models == ("x",)


def test_rates_are_imported(folder: Path) -> None:
    Path("f.csv").write_text("HashOwner,HashApp,HashFunction,Trigger,1,2\no,a,f,http,3,0\no,a,g,http,9,1\n")
    arguments = ["azure-functions-2019", "f.csv", "--models", "x,y", "--map", "blocks", "--order", "popularity"]
    assert CliRunner().invoke(import_trace, [*arguments, "-o", "f.parquet"]).exit_code == 0
    rows = Rates.read("f.parquet").table.to_pylist()
    assert {(row["tenant"], row["model"]) for row in rows} == {("o/a/g", "x"), ("o/a/f", "y")}
    Path("chunk-1-trace.csv").write_text("0,1.5,2,Gamma,0.25,2.6\n")
    assert CliRunner().invoke(import_trace, ["servegen", "chunk-1-trace.csv", "-o", "s.parquet"]).exit_code == 0
    assert Rates.read("s.parquet").rate_rps.tolist() == [1.5]
    Path("c.txt").write_text("3 4")
    assert CliRunner().invoke(import_trace, ["counts", "c.txt", "--width", "1s", "-o", "c.parquet"]).exit_code == 0
    assert Rates.read("c.parquet").table["count"].to_pylist() == [3, 4]


def test_a_grid_is_spread_on_demand(folder: Path) -> None:
    line = '{{"timestamp": {}, "input_length": 4, "output_length": 1, "hash_ids": [0]}}\n'
    Path("m.jsonl").write_text("".join(line.format(3000 * (number // 5)) for number in range(100)))
    plain = CliRunner().invoke(import_trace, ["mooncake", "m.jsonl", "-o", "m.parquet"])
    assert "isim: note: 81 % of the gaps are 0: the clock ticked every 3 s" in plain.stderr
    spread = CliRunner().invoke(import_trace, ["mooncake", "m.jsonl", "--dequantize", "uniform", "-o", "d.parquet"])
    assert "note" not in spread.stderr
    assert len(np.unique(Trace.read("d.parquet").arrival_ns)) == 100


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from isim.cli import cli\n"
        "from isim.cli.trace import _VERBS; from isim.cli.import_trace import import_trace\n"
        "commands = [['trace', verb] for verb in _VERBS]\n"
        "commands += [['import', 'trace', name] for name in import_trace.commands]\n"
        "for words in commands:\n"
        "    assert CliRunner().invoke(cli, [*words, '--help']).exit_code == 0, words\n"
        "print(len(commands), sorted({'numpy', 'pandas', 'pyarrow', 'numba', 'scipy'} & set(sys.modules)))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (process.stdout, process.stderr) == ("27 []\n", "")


def test_show_keeps_its_columns_apart(folder: Path) -> None:
    Trace.from_columns(arrival_ns=np.arange(7) * 327 * SECOND_NS, model=["a"] * 7, duration_ns=2289 * SECOND_NS).write(
        "slow.parquet"
    )
    line = trace("show", "slow.parquet", "--no-plot").stdout.splitlines()[-1]
    assert line.split() == ["a", "7", "1.000", "0.003058", "rps", "0"]
