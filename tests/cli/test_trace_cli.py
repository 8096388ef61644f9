"""`isim trace` and `isim import trace` as a user meets them: a process, its streams, its exit code, its files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from isim.cli.import_ import command as import_command
from isim.cli.parameters import Rate, Seconds, Slo, Weights
from isim.cli.trace import command as trace_command
from isim.traces.trace import Trace

MAKE = ["make", "poisson", "--rate", "200rps", "--duration", "10s", "--models", "resnet50=3,bert=1", "--seed", "1"]


def isim(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "isim", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120
    )


def test_make_then_show(tmp_path: Path) -> None:
    made = isim("trace", *MAKE, "--slo", "50ms,bert=100ms", "-o", "t.parquet", cwd=tmp_path)
    assert (made.returncode, made.stdout) == (0, "")
    trace = Trace.read(tmp_path / "t.parquet")
    assert made.stderr == f"isim: wrote t.parquet: {len(trace):,} requests to bert, resnet50\n"
    assert set(zip(trace.table["model"].to_pylist(), trace.table["slo_ns"].to_pylist(), strict=True)) == {
        ("bert", 100_000_000),
        ("resnet50", 50_000_000),
    }
    shown = isim("trace", "show", "t.parquet", "--json", cwd=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    figures = json.loads(shown.stdout)
    assert figures["requests"] == len(trace)
    assert figures["duration_s"] == 10
    assert figures["sha256"] == trace.digest()
    assert figures["footer"] == trace.footer
    assert list(figures["models"]) == ["bert", "resnet50"]
    text = isim("trace", "show", "t.parquet", cwd=tmp_path).stdout.splitlines()
    assert text[0] == f"requests                  {len(trace):,}"
    assert text[-1].split()[:2] == ["resnet50", f"{figures['models']['resnet50']['requests']:,}"]


def test_a_second_trace_needs_force(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    runner = CliRunner()
    assert runner.invoke(trace_command, [*MAKE, "-o", str(path), "-q"], catch_exceptions=False).output == ""
    before = path.read_bytes()
    refused = isim("trace", *MAKE, "-o", "t.parquet", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == ("isim: t.parquet: exists already; choose another path or replace it with -f/--force\n")
    forced = runner.invoke(trace_command, [*MAKE, "-o", str(path), "-f"], catch_exceptions=False)
    assert forced.exit_code == 0
    assert path.read_bytes() == before


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    refused = isim("trace", *MAKE, "-o", "none/t.parquet", cwd=tmp_path)
    assert refused.returncode == 1
    assert (
        refused.stderr == "isim: none/t.parquet: cannot be written (No such file or directory); choose another path\n"
    )


def test_wrong_usage_exits_2_and_writes_nothing(tmp_path: Path) -> None:
    refused = isim(
        "trace",
        "make",
        "poisson",
        "--rate",
        "200",
        "--duration",
        "1s",
        "--models",
        "a",
        "-o",
        "t.parquet",
        cwd=tmp_path,
    )
    assert refused.returncode == 2
    assert refused.stderr == (
        "isim: --rate: not a rate (found '200'); write a number and a unit of rps, krps, /s, /min, such as 200rps\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_show_names_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("arrival_s,model,batch\n0,a,1\n-1,a,0\n")
    refused = isim("trace", "show", "t.csv", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    lines = refused.stderr.splitlines()
    assert lines[0] == "isim: t.csv: arrival_ns must be >= 0 (found -1000000000 in line 3); correct it"
    assert lines[1] == "isim: t.csv: batch must be >= 1 (found 0 in line 3); correct it"
    assert len(lines) == 3


def test_make_what_an_experiment_would_generate(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(
        "seed = 4\n[arrivals]\nduration = '5s'\nmodels = { vgg19 = 1 }\n"
        "[arrivals.tenants.web]\nprocess = 'gamma:cv=3'\nrate = '20rps'\n"
        "[arrivals.tenants.night]\nprocess = 'batch-poisson:size=5'\nrate = '30rps'\nmodels = { resnet50 = 1 }\n"
    )
    assert isim("trace", "make", "e.toml", "-o", "t.parquet", cwd=tmp_path).returncode == 0
    trace = Trace.read(tmp_path / "t.parquet")
    assert set(zip(trace.table["tenant"].to_pylist(), trace.table["model"].to_pylist(), strict=True)) == {
        ("web", "vgg19"),
        ("night", "resnet50"),
    }
    run = isim("run", "e.toml", "-o", "out", "-q", "--json", cwd=tmp_path)
    assert json.loads(run.stdout)["inputs"]["trace"]["content_sha256"] == trace.digest()


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["poisson", "--rate", "9rps"], 2, "Error: a process needs --rate, --duration and --models"),
        (
            ["mlperf-offline", "--rate", "9rps", "--duration", "1s", "--models", "a"],
            1,
            "isim: arrival process mlperf-offline: no trace can hold it (it needs a simulation to run); "
            "give it to 'isim run --arrivals'",
        ),
        (["c.toml"], 1, "isim: c.toml: generates no requests (found no arrivals); add a table [arrivals]"),
    ],
)
def test_what_cannot_be_made_is_told(tmp_path: Path, arguments: list[str], code: int, problem: str) -> None:
    (tmp_path / "c.toml").write_text("clients = { models = { vgg19 = 1 }, requests_per_client = 1 }\n")
    refused = isim("trace", "make", *arguments, "-o", "t.parquet", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (code, "")
    assert refused.stderr.splitlines()[-1] == problem
    assert not (tmp_path / "t.parquet").exists()


def test_import_azure(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "traces" / "azure-llm-2023" / "AzureLLMInferenceTrace_code.csv"
    arguments = ["--models", "a=1,b=2", "--map", "weights", "--seed", "3", "--slo", "2s", "--slo", "a=1s"]
    done = isim("import", "trace", "azure-llm", str(source), *arguments, "-o", "t.parquet", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "isim: wrote t.parquet: 8,819 requests to a, b\n"
    trace = Trace.read(tmp_path / "t.parquet")
    assert trace.footer["mapping"] == {
        "how": "weights",
        "by": "request",
        "order": "file",
        "models": {"a": 1, "b": 2},
        "seed": 3,
    }
    assert set(zip(trace.table["model"].to_pylist(), trace.table["slo_ns"].to_pylist(), strict=True)) == {
        ("a", 10**9),
        ("b", 2 * 10**9),
    }


def test_import_says_what_it_dropped(tmp_path: Path) -> None:
    (tmp_path / "az.csv").write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00,1,1\nlater,1,1\n")
    done = isim("import", "trace", "azure-llm", "az.csv", "-o", "t.parquet", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ("isim: wrote t.parquet: 1 request to llm\nisim: dropped 1 row: TIMESTAMP not readable\n")


def test_import_csv(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("ts,name,n,size\n7.5,a,64,1\n5,b,32,2\n")
    common = ["import", "trace", "csv", "r.csv", "--arrival-column", "ts", "--arrival-unit", "ms", "-o", "t.parquet"]
    columns = ["--model-column", "name", "--input-tokens-column", "n", "--batch-column", "size"]
    unsorted = isim(*common, *columns, cwd=tmp_path)
    assert unsorted.returncode == 1
    assert "not sorted by arrival: line 3" in unsorted.stderr
    assert isim(*common, *columns, "--sort", cwd=tmp_path).returncode == 0
    trace = Trace.read(tmp_path / "t.parquet")
    assert trace.arrival_ns.tolist() == [0, 2_500_000]
    assert trace.table["input_tokens"].to_pylist() == [32, 64]
    assert trace.table["batch"].to_pylist() == [2, 1]
    neither = CliRunner().invoke(import_command, [*common[1:]])
    assert neither.exit_code == 2
    assert neither.stderr.splitlines()[-1] == "Error: give either --model-column or --model"


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (Seconds(), "5ms", 0.005),
        (Rate(), "1.5krps", 1500.0),
        (Weights(), "resnet50=3, bert", {"resnet50": 3.0, "bert": 1.0}),
        (Weights(), "a=b=2", {"a=b": 2.0}),
        (Slo(), "50ms", {"*": 0.05}),
        (Slo(), "a=50ms,1s", {"a": 0.05, "*": 1.0}),
    ],
)
def test_parameters_are_read(type_: Seconds | Rate | Weights | Slo, text: str, value: object) -> None:
    assert type_(text) == value


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--duration", "0s"], "'--duration': not positive and finite (found '0s'); write one such as 5ms"),
        (["--duration", "1e999s"], "'--duration': not positive and finite (found '1e999s')"),
        (["--models", "a=1,"], "'--models': an entry is empty (found 'a=1,'); write MODEL=WEIGHT,..., such as "),
        (["--models", "=1"], "'--models': an entry is empty (found '=1'); write "),
        (["--models", "a=0"], "'--models': '0' is not positive and finite (found 'a=0'); write "),
        (["--models", "a=x"], "'--models': cannot read 'x' (found 'a=x'); write "),
        (["--models", "a,a"], "'--models': 'a' stands there twice (found 'a,a'); write "),
        (["--slo", "5"], "'--slo': cannot read '5' (found '5'); write [MODEL=]DURATION,..., such as "),
        (["--slo", "5ms", "--slo", "6ms"], "'--slo': '*' was given twice; give every model once"),
        (["--seed", "-1"], "'--seed': -1 is not in the range x>=0."),
    ],
)
def test_parameters_are_refused(tmp_path: Path, flags: list[str], message: str) -> None:
    result = CliRunner().invoke(trace_command, [*MAKE, "-o", str(tmp_path / "t.parquet"), *flags])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith(f"Error: Invalid value for {message}")
    assert list(tmp_path.iterdir()) == []
