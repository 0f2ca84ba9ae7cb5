"""Replaying finished runs into MLflow: what is entered, and that a second replay enters nothing."""

import json
from pathlib import Path

import pandas as pd
import pytest
from conftest import CONFIG, NAMES
from mlflow import pyfunc
from PIL import Image
from training import measured

from wemgan.checkpoint import save_weights
from wemgan.errors import UserError
from wemgan.generator import Generator
from wemgan.track import enter_files, replay, varying

BASE = {"experiment": "trial", "seed": 0, "model": {"dit": True, "width": 8}, "loss": {"cycle": 1.0}, "train": {}}


def finished(folder: Path, run: str, **model) -> Path:
    """The files of a finished run; returns its config.json."""
    place = folder / "results" / "trial" / "runs" / run / "seed0"
    place.mkdir(parents=True)
    config = BASE | {"run": run, "model": BASE["model"] | model}
    (place / "config.json").write_text(json.dumps(config))
    pd.DataFrame({"images": [8, 16], "critic": [2.0, 1.0], "rare": [None, 3.0]}).to_csv(
        place / "history.csv", index=False
    )
    Image.new("RGB", (4, 4)).save(place / "samples.png")
    about = {"config": CONFIG, "aus": NAMES, "size": 64, "data_digest": "0" * 16}
    save_weights(place / "model.pt", Generator(CONFIG["model"], 2).state_dict(), about)
    measured(place, {"psnr": 25.5, "psnr/smile": 20.0, "au_mae": float("nan")})
    (place / "speed.json").write_text('{"images_per_second": 95.0, "gpu": null}')
    return place / "config.json"


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """A folder with two runs that were replayed, the client, the arguments of the replay, and its rows."""
    from mlflow import MlflowClient

    folder = tmp_path_factory.mktemp("project")
    data = folder / "split.csv"
    data.write_text("id\n1\n")
    configs = [finished(folder, "full"), finished(folder, "plain", dit=False)]
    store = f"sqlite:///{folder}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        rows = replay(configs, [data], store)
        yield folder, MlflowClient(store), (configs, [data], store), rows


def entries(client) -> dict[str, object]:
    experiment = client.get_experiment_by_name("trial").experiment_id
    return {entry.data.tags["run"]: entry for entry in client.search_runs([experiment])}


def test_what_varies_is_logged_of_every_run():
    configs = [BASE, BASE | {"model": {"dit": False, "width": 8}}]
    assert varying(configs) == ["model.dit", "seed"]
    assert varying(configs[:1]) == ["seed"]


def test_a_run_has_its_parameters_metrics_curves_tags_and_files(tracked):
    _, client, _, _ = tracked
    entry = entries(client)["plain"]
    assert entry.data.params == {"model.dit": "False", "seed": "0"}
    assert entry.data.metrics["final/psnr"] == 25.5 and entry.data.metrics["final/psnr/smile"] == 20.0
    assert "final/au_mae" not in entry.data.metrics
    curve = client.get_metric_history(entry.info.run_id, "train/critic")
    assert [(point.step, point.value) for point in curve] == [(8, 2.0), (16, 1.0)]
    assert [point.step for point in client.get_metric_history(entry.info.run_id, "train/rare")] == [16]
    assert {"run", "seed", "config_digest", "data_digest", "commit"} <= set(entry.data.tags)
    files = {file.path for file in client.list_artifacts(entry.info.run_id)}
    assert files == {"config.json", "history.csv", "metrics.json", "measures.csv", "samples.png", "speed.json"}
    assert entry.info.status == "FINISHED"


def test_a_run_has_its_data_with_their_digest_and_a_model_with_its_signature(tracked):
    _, client, _, _ = tracked
    entry = entries(client)["plain"]
    (data,) = entry.inputs.dataset_inputs
    assert data.dataset.digest == entry.data.tags["data_digest"] and data.dataset.name == "faces of trial"
    (output,) = entry.outputs.model_outputs
    signature = pyfunc.load_model(f"models:/{output.model_id}").metadata.signature
    assert [(column.name, column.required) for column in signature.inputs] == [
        ("image", True), ("AU12", False), ("AU26", False),
    ]  # fmt: skip
    assert [column.name for column in signature.outputs] == ["image"]


def test_a_second_replay_enters_nothing(tracked):
    _, client, arguments, rows = tracked
    before = {run: entry.info.run_id for run, entry in entries(client).items()}
    again = replay(*arguments)
    assert rows["new"].all() and not again["new"].any()
    assert {run: entry.info.run_id for run, entry in entries(client).items()} == before


def test_a_changed_run_takes_the_place_of_the_old(tracked):
    folder, client, arguments, _ = tracked
    before = {run: entry.info.run_id for run, entry in entries(client).items()}
    measured(folder / "results" / "trial" / "runs" / "full" / "seed0", {"psnr": 26.0})
    assert list(replay(*arguments)["new"]) == [True, False]
    after = entries(client)
    assert after["full"].data.metrics["final/psnr"] == 26.0
    assert after["full"].info.run_id != before["full"] and after["plain"].info.run_id == before["plain"]
    models = client.search_logged_models([after["full"].info.experiment_id])
    assert len(models) == 2  # the older one went with its run
    assert len(client.search_runs([client.get_experiment_by_name("trial").experiment_id])) == 2


def test_a_database_that_was_moved_is_refused_with_a_sentence(tracked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="made in another folder.*delete mlflow.db"):
        replay(*tracked[2])


def test_controls_and_tables_are_entered_once_and_replaced_when_they_change(tracked):
    folder, client, (_, _, store), _ = tracked
    table = folder / "summary.md"
    table.write_text("| psnr |")
    first = enter_files("trial", "control copy", {"psnr": 30.0, "fd": float("nan")}, [table], store)
    assert enter_files("trial", "control copy", {"psnr": 30.0}, [table], store) == first
    assert client.get_run(first).data.metrics == {"final/psnr": 30.0}
    assert [file.path for file in client.list_artifacts(first)] == ["summary.md"]
    table.write_text("| psnr | ssim |")
    second = enter_files("trial", "control copy", {"psnr": 31.0}, [table], store)
    assert second != first and client.get_run(first).info.lifecycle_stage == "deleted"
    client.delete_run(second)
