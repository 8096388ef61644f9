"""`isim profile` and `isim import profile` as a user runs them: another process, its output and its exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from isim.profiler.profile import Profile


def isim(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "isim", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def tables(folder: Path) -> None:
    (folder / "small.csv").write_text("kernel,us,sm\ngemm,70,80\nadd,20,5\n")
    (folder / "large.csv").write_text("kernel,us,sm\ngemm,150,90\nadd,50,5\n")


COLUMNS = ("--columns", "name=kernel,duration=us,sm=sm", "--duration-unit", "us", "--utilisation-unit", "percent")


def test_an_analytic_profile_is_written_and_summed_up(tmp_path: Path) -> None:
    done = isim(tmp_path, "profile", "resnet50", "vgg19", "--device", "analytic:T4", "-o", "p.parquet")
    assert done.returncode == 0, done.stderr
    profile = Profile.read(tmp_path / "p.parquet")
    assert profile.models == ("resnet50", "vgg19")
    assert profile.batch_sizes("vgg19") == (1, 2, 4, 8)
    header, *lines = done.stdout.splitlines()
    assert header.split()[:3] == ["model", "batch", "kernels"]
    assert [line.split()[:3] for line in lines] == [
        [model, str(size), kernels] for model, kernels in (("resnet50", "56"), ("vgg19", "24")) for size in (1, 2, 4, 8)
    ]
    assert "wrote p.parquet (analytic, 336 operations)" in done.stderr


def test_models_may_stand_in_an_option(tmp_path: Path) -> None:
    sizes = ("--batch-sizes", "1", "--device", "analytic:T4")
    done = isim(tmp_path, "profile", "--models", "resnet50,vgg19", *sizes, "-o", "option.parquet")
    assert done.returncode == 0, done.stderr
    assert isim(tmp_path, "profile", "resnet50", "vgg19", *sizes, "-o", "arguments.parquet").stdout == done.stdout
    assert (tmp_path / "option.parquet").read_bytes() == (tmp_path / "arguments.parquet").read_bytes()


def test_json_says_the_same(tmp_path: Path) -> None:
    arguments = ("all", "--device", "analytic:L4", "--batch-sizes", "8", "--sequence-length", "64")
    done = isim(tmp_path, "profile", *arguments, "-o", "p.parquet", "--json")
    answer = json.loads(done.stdout)
    profile = Profile.read(tmp_path / "p.parquet")
    assert answer["origin"] == "analytic"
    assert [batch["model"] for batch in answer["batches"]] == list(profile.models)
    assert len(profile.models) == 6
    for batch in answer["batches"]:
        assert batch["solo_ms"] == pytest.approx(profile.solo_ns(batch["model"], 8) / 1e6)
        assert 0 < batch["gap_share"] < 0.2
        assert 0 < batch["mean_sm"] < 1


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    path.write_text("precious")
    arguments = ("profile", "vgg19", "--device", "analytic:T4", "--batch-sizes", "1", "-o", "p.parquet")
    refused = isim(tmp_path, *arguments)
    assert refused.returncode == 1
    assert "p.parquet: exists already" in refused.stderr
    assert path.read_text() == "precious"
    assert isim(tmp_path, *arguments, "-f").returncode == 0
    assert Profile.read(path).models == ("vgg19",)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("mlp", "--device", "cpu:9999"), 1, "no core 9999"),
        (("mlp", "--device", "cpu:x"), 1, "write cpu:0,1"),
        (("nothing", "--device", "cpu"), 1, "name an .onnx file"),
        (("a.onnx", "--device", "cpu"), 1, "a.onnx: no such file"),
        (("no_such_module:factory", "--device", "cpu"), 1, "no module 'no_such_module'"),
        (("--colocate", "mlp + mlp", "--device", "cpu"), 1, "not a model at a batch size"),
        (("--colocate", "mlp@1", "--device", "cpu"), 1, "a mix has two members or more"),
        (("--colocate", "mlp@1 + mlp@1", "--device", "cpu", "--sharing", "mps"), 1, "use threads or processes"),
        (("--colocate", "a@1 + b@1", "--device", "analytic:T4"), 2, "measures nothing"),
        (("vgg19", "--device", "tpu:0"), 1, "no such kind of device"),
        (("vgg", "--device", "analytic:T5"), 1, "did you mean 'vgg19'"),
        (("vgg19", "--device", "analytic:T4", "--batch-sizes", "1;2"), 2, "not a list of whole numbers"),
        (("vgg19", "--device", "analytic:T4", "--batch-sizes", "0"), 2, "at least one sample"),
        (("--device", "cpu"), 2, "at least one MODEL"),
        (("vgg19",), 2, "--device"),
    ],
)
def test_mistakes_end_in_a_sentence(tmp_path: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    done = isim(tmp_path, "profile", *arguments, "-o", "p.parquet")
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_tables_of_several_batches_become_one_profile(tmp_path: Path) -> None:
    tables(tmp_path)
    batches = ("bert@8=small.csv@40000/s", "bert@16=large.csv@100us")
    done = isim(tmp_path, "import", "profile", "kernel-table", *batches, *COLUMNS, "-o", "p.parquet")
    assert done.returncode == 0, done.stderr
    profile = Profile.read(tmp_path / "p.parquet")
    assert profile.origin == "imported"
    assert profile.solo_ns("bert", 8) == 200_000
    assert profile.operations("bert", 8)["gap_ns"].to_pylist() == [110_000, 0]
    assert profile.operations("bert", 16)["duration_ns"].to_pylist() == [75_000, 25_000]
    assert "large.csv: bert at batch size 16: kernels take 0.200 ms" in done.stderr
    assert [facts["duration_scale"] for facts in profile.footer["sources"]] == [1, 0.5]
    assert [line.split()[1] for line in done.stdout.splitlines()[1:]] == ["8", "16"]


def test_all_files_are_checked_before_any_is_written(tmp_path: Path) -> None:
    tables(tmp_path)
    (tmp_path / "large.csv").write_text("kernel,us,sm\ngemm,fast,90\n")
    batches = ("bert@8=small.csv", "bert@16=large.csv", "bert@32=none.csv")
    done = isim(tmp_path, "import", "profile", "kernel-table", *batches, *COLUMNS, "-o", "p.parquet")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "isim: large.csv: column 'us': not a number (found 'fast' in line 2); correct it",
        "isim: none.csv: no such file; name a CSV table of kernels",
    ]
    assert not (tmp_path / "p.parquet").exists()


@pytest.mark.parametrize(
    ("batch", "options", "message"),
    [
        ("small.csv", COLUMNS, "says not whose batch it holds"),
        ("bert@0=small.csv", COLUMNS, "not a batch's table"),
        ("bert@8=small.csv@98", COLUMNS, "not a solo period or throughput"),
        ("bert@8=small.csv@0/s", COLUMNS, "not a solo period or throughput"),
        ("bert@8=small.csv", COLUMNS[:2], "--duration-unit"),
        ("bert@8=small.csv", ("--columns", "kernel", *COLUMNS[2:]), "cannot read 'kernel'"),
        ("bert@8=small.csv", ("--columns", "name=a,name=b", *COLUMNS[2:]), "'name' stands there twice"),
    ],
)
def test_usage_is_explained(tmp_path: Path, batch: str, options: tuple[str, ...], message: str) -> None:
    tables(tmp_path)
    done = isim(tmp_path, "import", "profile", "kernel-table", batch, *options, "-o", "p.parquet")
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "p.parquet").exists()


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = isim(tmp_path, "profile", "resnet50", "--device", "analytic:T4", "-o", "file/p.parquet")
    assert done.returncode == 1
    assert done.stderr.startswith("isim: file/p.parquet: cannot be written (")
    assert done.stderr.count("\n") == 1


def test_a_batch_size_beyond_reason(tmp_path: Path) -> None:
    sizes = "99999999999999999999999"
    done = isim(tmp_path, "profile", "resnet50", "--device", "analytic:T4", "--batch-sizes", sizes, "-o", "p.parquet")
    assert done.returncode == 2
    assert f"a batch holds at most 1,000,000 samples (found '{sizes}'); write" in done.stderr
    assert list(tmp_path.iterdir()) == []


FACTORIES = """\
import sys
from asyncio import CancelledError
from functools import partial


def exits(batch_size):
    sys.exit(0)


def call_exits(batch_size):
    return lambda: sys.exit(0)


def cancelled(batch_size):
    raise CancelledError


def no_attribute(batch_size):
    return None.shape


def needs_more(batch_size, width):
    return print


def not_ours(batch_size):
    return partial(int, "one")


def fine(batch_size):
    return lambda: sum(range(2000))


def third_exits(batch_size):
    calls = []

    def call():
        calls.append(0)
        if len(calls) == 3:
            sys.exit(0)

    return call
"""
RAISED = {
    "exits": "factories:exits at batch size 1: raised SystemExit at factories.py:7 (0); correct that line",
    "call_exits": "call_exits at batch size 1: raised SystemExit at factories.py:11 (0); correct that line",
    "third_exits": "third_exits at batch size 1: raised SystemExit at factories.py:40 (0); correct that line",
}


def said_of(folder: Path, name: str, **modules: str) -> str:
    for module, source in {"factories": FACTORIES, **modules}.items():
        (folder / f"{module}.py").write_text(source)
    done = isim(
        folder, "profile", name, "--device", "cpu", "--batch-sizes", "1", "--timeout", "500ms", "-o", "p.parquet"
    )
    assert done.returncode == 1, done.stderr
    assert not (folder / "p.parquet").exists()
    (said,) = [line for line in done.stderr.splitlines() if "does not report its cores' clocks" not in line]
    return said


@pytest.mark.parametrize("name", RAISED)
def test_what_a_users_model_raises_is_a_sentence_also_when_it_exits(tmp_path: Path, name: str) -> None:
    assert said_of(tmp_path, f"factories:{name}") == f"isim: {RAISED[name]}"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cancelled", "raised CancelledError at factories.py:15; correct that line"),
        ("no_attribute", "raised AttributeError at factories.py:19 ('NoneType' object has no attribute 'shape'); "),
        ("needs_more", "raised TypeError (needs_more() missing 1 required positional argument: 'width'); name a "),
        ("not_ours", "raised ValueError (invalid literal for int() with base 10: 'one'); correct it"),
        ("missing", "factories:missing: no such function (module 'factories' at factories.py lacks it); name one "),
    ],
)
def test_what_else_a_users_model_raises(tmp_path: Path, name: str, said: str) -> None:
    assert said in said_of(tmp_path, f"factories:{name}")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import sys\nsys.exit(0)\n", "module:f: raised SystemExit at module.py:2 (0) as it was imported; correct "),
        ("f = lambda b: (\n", "module:f: not valid Python at module.py:1 ('(' was never closed: f = lambda b: (); "),
        ("\nimport not_installed\n", "module:f: raised ModuleNotFoundError at module.py:2 (No module named 'not_ins"),
    ],
    ids=["exits", "syntax", "imports"],
)
def test_what_a_users_module_raises(tmp_path: Path, source: str, said: str) -> None:
    assert said in said_of(tmp_path, "module:f", module=source)


@pytest.mark.parametrize("sharing", ["threads", "processes"])
@pytest.mark.parametrize("name", RAISED)
def test_what_a_member_of_a_mix_raises(tmp_path: Path, name: str, sharing: str) -> None:
    (tmp_path / "factories.py").write_text(FACTORIES)
    mix = ("--colocate", f"factories:fine@1 + factories:{name}@1", "--sharing", sharing, "--timeout", "500ms")
    done = isim(tmp_path, "profile", *mix, "--device", "cpu", "-o", "p.parquet")
    assert (done.returncode, done.stdout) == (1, "")
    assert RAISED[name] in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "p.parquet").exists()
