"""What is published is what was measured, and the README shows it."""

import json
from pathlib import Path

import pandas as pd
import pytest

from wemgan.columns import CONTROLS, METRICS
from wemgan.errors import UserError
from wemgan.publish import block, durations, insert, markers, work

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("folder", sorted(path.parent for path in ROOT.glob("docs/*/provenance.json")))
def test_the_readme_shows_the_published_tables(folder):
    provenance = json.loads((folder / "provenance.json").read_text())
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert provenance["experiment"] == folder.name
    assert block(folder, provenance) in readme


def test_a_table_stands_between_its_experiments_markers():
    (start, end), other = markers("long"), "\n".join(markers("demo"))
    text = insert(f"a\n{start}\nold\n{end}\n{other}\nb\n", f"{start}\nnew\n{end}", "long")
    assert text == f"a\n{start}\nnew\n{end}\n{other}\nb\n"


def test_a_readme_without_a_place_for_the_experiment_stays_as_it_is():
    assert insert("nothing here", "new", "long") == "nothing here"


def test_half_a_place_is_told_in_a_sentence():
    with pytest.raises(UserError, match="once each, or neither"):
        insert(f"{markers('long')[0]}\n", "new", "long")


def test_work_is_summed_from_the_benchmark_files(tmp_path):
    head = "s\th:m:s\tmax_rss\n"
    (tmp_path / "train").mkdir()
    for name, line in {"train/a": "100\t0\t900", "train/b": "200\t0\t1100", "split": "1\t0\t-"}.items():
        (tmp_path / f"{name}.tsv").write_text(f"{head}{line}\n")
    table = durations(tmp_path)
    assert table["step"].tolist() == ["train", "split", "in all"]
    assert table["seconds_each"].tolist() == [150, 1, 301] and table["jobs"].tolist() == [2, 1, 3]
    assert work(table) == (
        "Work: 5 minutes in all, which the cores share; by step, train 150 s each (2). Peak memory of a step: 1.1 GB."
    )


@pytest.mark.parametrize("table", sorted(ROOT.glob("docs/*/summary.md")), ids=lambda path: path.parent.name)
def test_every_control_that_wins_in_a_published_table_is_explained(table):
    assert "UNEXPLAINED" not in table.read_text(encoding="utf-8")


def test_the_metrics_page_names_every_metric_judge_and_control():
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    words = set(METRICS) | set(CONTROLS) | {"judge", "hog", "mediapipe", "mtcnn"}
    missing = {word for word in words if f"`{word}" not in page}
    assert not missing


def of(experiment: str, run: str, metric: str, column: str = "mean") -> float:
    """A published metric of a row."""
    table = pd.read_csv(ROOT / "docs" / experiment / "intervals.csv").set_index(["run", "metric"])
    return table.loc[(run, metric), column]


def gain(run: str, expressions: pd.DataFrame) -> float:
    """PSNR to the truth of the strong expressions, in the mean."""
    return expressions[(expressions["run"] == run) & (expressions["group"] == "strong")]["psnr"].mean()


def test_figures_in_the_prose_are_the_published_ones():
    page, data, readme = (
        " ".join((ROOT / name).read_text(encoding="utf-8").split())
        for name in ("docs/metrics.md", "docs/data.md", "README.md")
    )
    model = "celeba full seed0"
    quoted = [f"SSIM ({of('london', model, 'ssim'):.3f} against {of('london', 'copy', 'ssim'):.3f}"]
    quoted += [f"blur {of('london', 'blur', 'ssim'):.3f}"]
    quoted += [f"identity distance ({of('london', model, 'acd_mobilefacenet'):.3f})"]
    quoted += [f"two photos ({of('london', 'truth', 'acd_mobilefacenet'):.3f})"]
    moved = of("demo", "copy", "au_mae_hog") - of("demo", "fooled", "au_mae_hog")
    quoted += [
        f"{100 * moved / (of('demo', 'copy', 'au_mae_hog') - of('demo', 'truth', 'au_mae_hog')):.0f} % of the AU error"
    ]
    assert [words for words in quoted if words not in page] == []

    quoted = [
        f"{of('celeba', 'copy', f'au_mae_{by}'):.3f} to {of('celeba', 'full', f'au_mae_{by}'):.3f}"
        for by in ("mediapipe", "hog")
    ]
    apart = "disagreement_mediapipe_hog"
    quoted += [f"stands at {of('celeba', 'wrong', 'au_mae_hog'):.3f}"]
    quoted += [f"on edits ({of('celeba', 'full', apart):.3f}) than on real faces ({of('celeba', 'copy', apart):.3f})"]
    quoted += [f"identity distance is {of('celeba', 'full', 'acd_mobilefacenet'):.2f}"]
    assert [words for words in quoted if words not in data] == []

    cards = pd.read_csv(ROOT / "docs" / "demo" / "cards.csv")
    expressions = pd.read_csv(ROOT / "docs" / "rows" / "expressions.csv")
    nearer = of("rows", "paired", "psnr") - of("rows", "full", "psnr")
    strong = gain("paired", expressions) - gain("full", expressions)
    quoted = [f"{cards['distance'].dropna().item():.4f} of two halves of the real faces"]
    quoted += [f"comes {nearer:.1f} dB nearer to the truth than `full`, and {strong:.1f} dB on strong expressions"]
    assert [words for words in quoted if words not in readme] == []
