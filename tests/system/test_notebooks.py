"""The notebooks, in a Jupyter kernel started in their folder, as their reader starts it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import alertlib as al
from alertlib.bars.readers.parquet import SYNTHETIC_KEY
from alertlib.scoring.compiler_cache import COMPILING
from alertlib.stats import coin_flip_bars

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
REAL = FOLDER.parents[1] / "shared" / "data" / "win_n_m5_2020-11_2021-03.parquet"
PLOTLY = "application/vnd.plotly.v1+json"
FIGURE = re.compile(r"\.(plot|plot_\w+|heatmap|parallel)\(.*\)$")
LINK = re.compile(r"\]\(([^)#]+)\)")
# What each concludes on the sample, and where the same bars have no direction.
CONCLUSIONS = {
    "01": ("the verdict is PASS", "the verdict is FAIL"),
    "02": (
        r"missed moves [1-9]\d* have the reason cooldown",
        "chance scores .* and is not beaten",
    ),
    "03": ("daemon [1-9][0-9]* alerts: the same", "daemon [1-9][0-9]* alerts: the same"),
    "04": (r"(?s)Noise.* UNPROVEN.*Made-up bars.* PROVEN", r"(?s)Noise.* UNPROVEN.* UNPROVEN"),
    "05": (r"(?m)^made-up bars: \+[1-9]", r"(?m)^made-up bars: [+-]0"),
    "06": ("sessions are not after what a model was fitted", "noise FAIL, your bars FAIL"),
}

by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(autouse=True)
def nothing_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No kernels, profiles or settings of the user, and the package as it is installed."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("PYTHONPATH", "ALERTAS_CONFIG_PATH", "ALERTAS_BARS", "ALERTAS_SYMBOL"):
        monkeypatch.delenv(name, raising=False)
    # Their readers' loops are compiled; in plain Python a notebook takes ten minutes.
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    # Commas would end the message.
    monkeypatch.setenv("PYTHONWARNINGS", f"ignore:{COMPILING.partition(',')[0]}")


def executed(path: Path) -> Any:
    """Return the notebook, run to its end, with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, kernel_name="python3", timeout=300, resources={"metadata": {"path": str(FOLDER)}}
    ).execute()
    return notebook


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def conclusion(notebook: Any) -> str:
    """Return what the last code cell prints: that and nothing else."""
    outputs = code_cells(notebook)[-1].outputs
    assert {output.get("name") for output in outputs} == {"stdout"}
    return "".join(output.text for output in outputs)


def assert_clean(notebook: Any) -> None:
    """Nothing on stderr, and a figure wherever one is asked for."""
    for cell in code_cells(notebook):
        errors = [o for o in cell.outputs if o.output_type == "error" or o.get("name") == "stderr"]
        assert errors == [], cell.source
        if FIGURE.search(cell.source.strip()):
            assert any(PLOTLY in o.get("data", {}) for o in cell.outputs), cell.source


@by_name
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    for cell in code_cells(nbformat.read(path, as_version=4)):
        assert cell.outputs == []
        assert cell.execution_count is None
        assert not cell.metadata


@by_name
def test_a_notebook_links_to_what_is_there(path: Path) -> None:
    texts = [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "markdown"]
    links = [link for text in texts for link in LINK.findall(text)]
    assert [link for link in links if not (FOLDER / link).is_file()] == []


@by_name
def test_a_notebook_says_that_the_sample_is_synthetic(path: Path) -> None:
    assert any("**synthetic**" in c.source for c in nbformat.read(path, as_version=4).cells[:2])


def test_the_table_says_when_to_read_each() -> None:
    listed = LINK.findall((FOLDER / "README.md").read_text(encoding="utf-8"))
    assert listed == [path.name for path in NOTEBOOKS]


def test_the_kernel_is_that_of_the_environment(tmp_path: Path) -> None:
    asking = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("import sys; print(sys.prefix)")]
    )
    nbformat.write(asking, tmp_path / "asking.ipynb")
    assert conclusion(executed(tmp_path / "asking.ipynb")).strip() == sys.prefix


@by_name
def test_a_notebook_concludes_from_the_sample(path: Path) -> None:
    notebook = executed(path)

    assert_clean(notebook)
    assert re.search(CONCLUSIONS[path.stem[:2]][0], conclusion(notebook)), conclusion(notebook)


@pytest.mark.slow
@by_name
def test_a_notebook_concludes_from_the_bars_it_is_given(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = coin_flip_bars(al.read_bars(al.sample_path()), seed=7)
    noise.frame.write_parquet(tmp_path / "noise.parquet", metadata={SYNTHETIC_KEY: "true"})

    first = executed(path)
    monkeypatch.setenv("ALERTAS_BARS", str(tmp_path / "noise.parquet"))
    monkeypatch.setenv("ALERTAS_SYMBOL", noise.symbol)
    second = executed(path)

    assert_clean(second)
    assert re.search(CONCLUSIONS[path.stem[:2]][1], conclusion(second)), conclusion(second)
    assert conclusion(first) != conclusion(second)


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the folder of real bars is not beside the project")
@by_name
def test_a_notebook_runs_on_real_bars(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERTAS_BARS", str(REAL))
    monkeypatch.setenv("ALERTAS_SYMBOL", "WIN$N")
    notebook = executed(path)
    assert_clean(notebook)
    assert "made-up" not in conclusion(notebook).lower()
