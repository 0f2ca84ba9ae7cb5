"""A whole experiment for real, tiny: what the tools then show, serve, and make again from its results."""

import base64
import io
import json
import shutil
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import CHROMIUM, browser_page, compare_runs, serving
from mlflow import MlflowClient
from PIL import Image
from project import TINY, dvc, git, is_idle, make_finished, snakemake

from wemgan.editor import Editor

needs_browser = pytest.mark.skipif(not CHROMIUM, reason="no chromium here (Debian: apt-get install chromium)")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project after its tiny experiment, committed."""
    return make_finished(tmp_path_factory.mktemp("experiment"), "tiny", pretend=False, overlay=TINY)


def store(folder: Path) -> str:
    return f"sqlite:///{folder}/mlflow.db"


def entries(folder: Path) -> dict[str, object]:
    """The entries of the experiment in MLflow by name, of which there is one each."""
    client = MlflowClient(store(folder))
    found = client.search_runs([client.get_experiment_by_name("tiny").experiment_id])
    by_name = {entry.info.run_name: entry for entry in found}
    assert len(by_name) == len(found)
    return by_name


def test_both_tools_have_nothing_to_do_and_the_tables_are_there(made):
    assert is_idle(made, "tiny")
    scores = json.loads((made / "results" / "tiny" / "scores.json").read_text())
    assert set(scores) == {"full", "no_dit"} and scores["full"]["psnr"] > 10


def test_mlflow_has_every_run_with_all_that_belongs_to_it(made):
    client, found = MlflowClient(store(made)), entries(made)
    assert {"full seed 0", "no_dit seed 0", "control copy", "tables and figures"} <= set(found)
    for name, dit in (("full seed 0", "True"), ("no_dit seed 0", "False")):
        entry = found[name]
        assert entry.info.status == "FINISHED" and entry.data.params == {"model.dit": dit, "seed": "0"}
        assert {"final/psnr", "final/au_mae_judge", "train/critic"} <= set(entry.data.metrics)
        curve = client.get_metric_history(entry.info.run_id, "train/critic")
        assert [point.step for point in curve] == [24, 48, 72, 96]
        grids = [file.path for file in client.list_artifacts(entry.info.run_id, "samples")]
        assert grids == ["samples/000000048", "samples/000000096"]
        assert entry.inputs.dataset_inputs[0].dataset.digest == entry.data.tags["data_digest"]
        assert len(entry.outputs.model_outputs) == 1


def test_a_model_is_served_and_answers_an_edit_request(made):
    model = entries(made)["full seed 0"].outputs.model_outputs[0].model_id
    data = made / "results" / "tiny" / "data"
    face = np.load(data / "faces.npy")[0]
    buffer = io.BytesIO()
    Image.fromarray(face).save(buffer, "PNG")
    asked = {"image": base64.b64encode(buffer.getvalue()).decode(), "AU12": 0.8}
    place = {"MLFLOW_TRACKING_URI": store(made)}
    with serving(["models", "serve", "-m", f"models:/{model}", "--env-manager", "local"], made, **place) as address:
        answer = ask(address, {"dataframe_records": [asked]})
        edit = Image.open(io.BytesIO(base64.b64decode(answer["predictions"][0]["image"])))
        small = Image.new("RGB", (8, 8))
        small.save(buffer := io.BytesIO(), "PNG")
        wrong = {"image": base64.b64encode(buffer.getvalue()).decode()}
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(address, {"dataframe_records": [wrong]})
        assert "8 x 8 pixels; an aligned face of 64 x 64 is wanted" in refused.value.read().decode()
    editor = Editor(str(made / "results/tiny/runs/full/seed0/model.pt"), torch.device("cpu"), None)
    change = np.array([[0.8, 0.0]], np.float32)
    assert np.array_equal(np.asarray(edit), editor(face[None], np.zeros_like(change), change)[0])


def ask(address: str, content: dict) -> dict:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/invocations", json.dumps(content).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_the_store_is_made_anew_from_the_results_alone_in_a_clone_too(made, tmp_path):
    clone = tmp_path / "clone"
    dvc(made, "remote", "add", "--local", "--force", "--default", "shared", str(tmp_path / "remote"))
    dvc(made, "push")
    git(tmp_path, "clone", "--quiet", str(made), str(clone))
    dvc(clone, "remote", "add", "--local", "--default", "shared", str(tmp_path / "remote"))
    dvc(clone, "pull")
    assert not (clone / "mlflow.db").exists()
    before = {name: entry.data.metrics for name, entry in entries(made).items()}
    for _ in range(2):  # twice gives no doubles
        done = snakemake(clone, "tiny", "--forcerun", "track")
        assert done.returncode == 0 and "Rule: train" not in done.stderr
        again = {name: entry.data.metrics for name, entry in entries(clone).items()}
        assert set(again) == set(before)
        for name, metrics in again.items():
            assert metrics == {key: value for key, value in before[name].items() if not key.startswith("system/")}
    assert is_idle(clone, "tiny")


def test_a_model_of_another_configuration_is_not_measured(made, tmp_path):
    """By hand put where another belongs: Snakemake cannot know, and the evaluation refuses it with a sentence."""
    runs = made / "results" / "tiny" / "runs"
    kept = tmp_path / "model.pt"
    shutil.move(runs / "no_dit" / "seed0" / "model.pt", kept)
    shutil.copy(runs / "full" / "seed0" / "model.pt", runs / "no_dit" / "seed0" / "model.pt")
    done = snakemake(made, "tiny", "runs", "--forcerun", "evaluate", "--allowed-rules", "runs", "evaluate")
    assert done.returncode != 0
    assert "no_dit/seed0/model.pt was trained with another configuration than it is evaluated with" in done.stderr
    git(made, "checkout", "--quiet", ".")
    dvc(made, "checkout", "--force")
    assert is_idle(made, "tiny")


@needs_browser
def test_the_ablations_are_compared_in_a_browser(made, tmp_path):
    metrics = ["final/au_mae_judge", "final/psnr"]
    ui = ["ui", "--backend-store-uri", store(made), "--workers", "1"]
    with serving(ui, made) as address, browser_page() as page:
        compare_runs(page, address, "tiny", ["full seed 0", "no_dit seed 0"], metrics)
        axes = page.locator(".parcoords .axis-title").all_text_contents()
        page.screenshot(path=tmp_path / "compare.png")
    assert [axis for axis in axes if axis] == ["model.dit", *metrics]
    with Image.open(tmp_path / "compare.png") as picture:
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 50  # it is not blank


@needs_browser
def test_the_report_opens_in_a_browser_with_its_figures(made, tmp_path):
    report = tmp_path / "report.html"
    done = snakemake(made, "tiny", "--report", str(report))
    assert done.returncode == 0, done.stderr
    with browser_page() as page:
        page.goto(report.as_uri(), wait_until="load")
        page.get_by_text("Figures", exact=True).first.click()
        row = page.get_by_role("row").filter(has_text="figures/trade.png")
        row.get_by_role("link").or_(row.get_by_role("button")).first.click()
        picture = page.locator("img[src^='data:image/png']").last
        picture.wait_for()
        assert picture.evaluate("image => image.naturalWidth") > 600
        page.get_by_text("Results", exact=True).first.click()
        page.get_by_text("Samples", exact=True).first.click()
        for ablation in ("full", "no_dit"):
            page.get_by_role("cell", name=ablation, exact=True).first.wait_for()
