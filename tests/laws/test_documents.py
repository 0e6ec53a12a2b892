"""What the documents show is what happens."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import alertlib as al
from alertlib.kernels.bar import TickBar
from alertlib.report.glossary import TERMS
from runners.live.database.chain import KINDS
from tests.support.backtests import FORTY_SESSIONS
from tests.support.synthetic import frame

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LIBRARY = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def test_the_readme_shows_what_the_command_prints() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "runners.backtest", "--gate"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
        check=True,
    )
    printed = [line.rstrip() for line in done.stdout.splitlines()]
    shown = [line.rstrip() for line in blocks("text")[0].splitlines()]

    assert len(shown) > 10
    assert [line for line in shown if line not in printed] == []


def test_the_first_two_commands_set_up_and_run() -> None:
    first, second = blocks("bash")[:2]

    assert first.strip().endswith("&& python -m runners.backtest --gate")
    assert "pip install" in first
    assert "pip install" in second
    assert "pytest" in second


def test_the_python_of_the_page_on_the_library_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # it saves a run
    scope: dict[str, Any] = {}
    for code in blocks("python", LIBRARY):
        exec(compile(code, "library.md", "exec"), scope)

    assert scope["follow"].name == "follow"
    assert scope["agreed"].name == "agreed"


def test_the_python_of_the_page_on_models_runs() -> None:
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    scope: dict[str, Any] = {"bars": al.read_bars(al.sample_path())}
    for code in blocks("python", text):
        exec(compile(code, "models.md", "exec"), scope)

    card = scope["run"].scorecard
    assert 30 < card.data["sessions"] < 60  # the first have too little past to learn from
    assert not card.in_sample_possible
    assert scope["desk"].fitted_until.isoformat() == "2021-03-31"


def test_the_python_of_the_page_on_explanations_runs() -> None:
    text = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")
    scope: dict[str, Any] = {}
    for code in blocks("python", text):
        exec(compile(code, "explain.md", "exec"), scope)

    assert scope["told"].detectors["detector"].n_unique() == 4
    pushes = scope["pushes"]
    assert pushes.explain(pushes.alerts["id"][-1]).detectors["reading"].to_list() == ["body"] * 2


def test_the_python_of_the_page_on_selection_runs() -> None:
    text = (ROOT / "docs" / "selection.md").read_text(encoding="utf-8")
    scope: dict[str, Any] = {}
    for code in blocks("python", text):
        exec(compile(code, "selection.md", "exec"), scope)

    # Three hundred trials of luck, and nobody is taken in by the best of them.
    assert scope["deflated"].probability < 0.95
    assert scope["hansen"].consistent > 0.05
    assert scope["white"].p > 0.05
    assert scope["overfitting"].combinations == 924


def test_the_python_of_the_page_on_searching_runs() -> None:
    text = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")
    scope: dict[str, Any] = {}
    for code in blocks("python", text):
        exec(compile(code, "search.md", "exec"), scope)

    assert len(scope["found"]) == 12
    assert len(scope["walk"].folds) >= 2


CI = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")


def test_the_workflow_to_copy_installs_the_checkout_and_its_gate_passes(tmp_path: Path) -> None:
    (text,) = blocks("yaml", CI)
    steps = yaml.safe_load(text)["jobs"]["gate"]["steps"]
    install, *commands = [step["run"] for step in steps if "run" in step]

    # By its bare name an index would answer with a stranger's package.
    assert install == "pip install ."
    assert not re.search(r"install.* alertlib", CI)
    for line in commands:
        done = shell(line, tmp_path)
        assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "gate").iterdir()} == {
        "junit.xml", "scorecard.html", "scorecard.json",
    }  # fmt: skip


def test_the_other_commands_of_the_page_on_ci_run(tmp_path: Path) -> None:
    (tmp_path / "bars").mkdir()
    bars = frame(FORTY_SESSIONS)  # a walk, on which no gate passes
    bars.write_csv(tmp_path / "bars" / "win_m5.csv", datetime_format="%Y-%m-%dT%H:%M:%S")
    assert shell("python -m runners.backtest --json before.json", tmp_path).returncode == 0
    lines = [line for block in blocks("bash", CI) for line in block.splitlines()]

    assert len(lines) == 4
    for line in lines:
        done = shell(line, tmp_path)
        assert done.returncode == ("--gate" in line), done.stderr
    assert al.Scorecard.from_json((tmp_path / "gate" / "scorecard.json").read_text()).reasons
    exec(compile(blocks("python", CI)[0], "ci.md", "exec"), {})


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of a document in another folder, as bash would."""
    program, *arguments = shlex.split(line)
    assert program == "python"
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


def test_the_page_for_auditors_names_every_kind_of_event() -> None:
    text = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    assert {kind for kind in KINDS if f"`{kind}`" not in text} == set()


def test_the_configuration_of_the_page_for_operators_is_valid(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "operator.md").read_text(encoding="utf-8")
    (shown,) = blocks("yaml", text)
    (tmp_path / "alertas.yaml").write_text(shown, encoding="utf-8")
    assert al.load_config(tmp_path / "alertas.yaml").delivery.email.enabled


def test_the_page_on_scoring_explains_every_criterion() -> None:
    text = (ROOT / "docs" / "scoring.md").read_text(encoding="utf-8")
    for term, meaning in TERMS.items():
        assert f"- **`{term}`**: {meaning}\n" in text
    card = al.backtest(al.read_bars(al.sample_path()), audits="none", chance=False).scorecard
    assert {c.name for c in card.criteria} <= set(TERMS)


def test_the_page_on_the_library_names_every_field_of_the_bar() -> None:
    rows = re.findall(r"^\| (`.*?) \|", LIBRARY, flags=re.MULTILINE)

    assert set(TickBar._fields) == set(re.findall(r"\w+", " ".join(rows)))


def test_nothing_of_this_workplace_is_in_the_project() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    machine_paths = re.compile(r"/" + r"(work|root|farm)/")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.suffix in (".parquet", ".png") or not path.is_file():
            continue
        found = machine_paths.search(path.read_text(encoding="utf-8", errors="replace"))
        assert found is None, f"{name}: {found and found.group()}"


def test_the_embedding_example_gives_the_alerts_of_the_backtest() -> None:
    import alertlib as al

    bars = al.read_bars(al.sample_path())
    text = bars.frame.select("time", "open", "high", "low", "close").write_csv(
        datetime_format="%Y-%m-%dT%H:%M:%S"
    )
    done = subprocess.run(
        [sys.executable, "docs/embed.py"],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    alerts = al.backtest(bars, audits="none", chance=False).alerts

    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == alerts.height
    assert done.stdout.splitlines()[-1].startswith(str(alerts["time"][-1]))


def test_nothing_installs_a_strangers_package() -> None:
    """The name alertlib on the package index is somebody else's; ours is alertlib-b3."""
    by_name = re.compile(r"""(?:pip|uv|pipx)\S* install[^\n]*["' ]alertlib(?![-\w./])""")
    required = re.compile(r"""["' ]alertlib(\[\w+\])?\s*([<>=~!;@]=?|["'],?$)""", re.MULTILINE)
    places = ("*.md", "docs/**/*.*", "config/*.yaml", ".ci/*", "notebooks/*.ipynb")
    packages = ("alertlib", "runners", "benchmarks", "tests")
    texts = [path for place in places for path in ROOT.glob(place)]
    texts += [path for package in packages for path in (ROOT / package).rglob("*.*")]
    kinds = {".py", ".md", ".j2", ".html", ".js", ".yaml", ".yml", ".txt", ".ipynb", ".service", ""}
    found = [
        path.name
        for path in texts
        if path.suffix in kinds and path.is_file() and path != Path(__file__)
        # Two halves of a text, each on a line of its own, are one.
        if by_name.search(re.sub(r'"\n\s*f?"', "", path.read_text(encoding="utf-8")))
    ]
    assert found == []
    assert not required.search((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert by_name.search('pip install "alertlib[live]"')
    assert not by_name.search("pip install 'alertlib-b3[live]'")
    assert required.search('dev = [\n    "alertlib[live]",\n]')
