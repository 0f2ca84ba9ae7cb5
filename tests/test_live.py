"""A training is seen in MLflow while it runs, its entry is completed afterwards, and it never depends on MLflow."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys

import pandas as pd
import pytest
from mlflow import MlflowClient
from project import free_ports
from training import arguments, measured

from wemgan import train
from wemgan.live import Live
from wemgan.track import replay


@pytest.fixture
def run(labelled, config, monkeypatch):
    """The arguments of a training in a folder laid out as the workflow's."""
    place = labelled / "results" / "trial" / "runs" / "full" / "seed0"
    place.mkdir(parents=True)
    config |= {"experiment": "trial"}
    args = arguments(labelled, str(place.relative_to(labelled)), config)
    (labelled / "results" / "trial" / "config").mkdir()
    other = config | {"model": config["model"] | {"dit": False}}
    runs = {"full/seed0": config, "no_dit/seed0": other}
    (labelled / "results" / "trial" / "config" / "runs.json").write_text(json.dumps(runs))
    monkeypatch.chdir(labelled)
    args.live = f"sqlite:///{labelled}/mlflow.db"
    return labelled, place, args


def entries(store):
    client = MlflowClient(store)
    return client, client.search_runs([client.get_experiment_by_name("trial").experiment_id])


def test_a_training_is_shown_while_it_runs_and_completed_by_the_replay(run):
    folder, place, args = run
    train.run(args)
    client, (entry,) = entries(args.live)
    assert entry.info.status == "RUNNING" and entry.data.params == {"model.dit": "True", "seed": "0"}
    history = pd.read_csv(args.history)
    assert [p.step for p in client.get_metric_history(entry.info.run_id, "train/critic")] == history["images"].tolist()
    grids = [file.path for file in client.list_artifacts(entry.info.run_id, "samples")]
    assert grids == ["samples/000000016", "samples/000000032", "samples/000000048"]

    other = place.parents[1] / "no_dit" / "seed0"
    shutil.copytree(place, other)
    config = json.loads((place / "config.json").read_text())
    config |= {"run": "no_dit", "model": config["model"] | {"dit": False}}
    (other / "config.json").write_text(json.dumps(config))
    for done in (place, other):
        measured(done, {"psnr": 20.0})
    data = [folder / "faces.csv", folder / "aus.csv", folder / "split.csv"]
    rows = replay([place / "config.json", other / "config.json"], data, args.live)
    assert rows["mlflow_id"][0] == entry.info.run_id and rows["new"].all()
    client, found = entries(args.live)
    assert {e.data.tags["run"]: e.info.status for e in found} == {"full": "FINISHED", "no_dit": "FINISHED"}
    points = client.get_metric_history(entry.info.run_id, "train/critic")
    assert [point.step for point in points] == history["images"].tolist()  # none twice
    assert client.list_artifacts(entry.info.run_id, "samples")
    assert not replay([place / "config.json", other / "config.json"], data, args.live)["new"].any()


def test_a_store_that_cannot_be_reached_stops_no_training(run, capsys):
    folder, place, args = run
    args.live = f"sqlite:///{folder}/faces.csv/mlflow.db"
    train.run(args)
    assert capsys.readouterr().out.count("not shown in MLflow from here on") == 1
    assert (place / "model.pt").exists() and len(pd.read_csv(args.history)) == 6


def test_a_store_that_goes_away_stops_no_training(run, capsys, monkeypatch):
    _, place, args = run
    log = Live._log

    def vanish(self, row):
        if row["images"] > 8:
            raise OSError("database is locked")
        log(self, row)

    monkeypatch.setattr(Live, "_log", vanish)
    train.run(args)
    assert "not shown in MLflow from here on (database is locked)" in capsys.readouterr().out
    assert (place / "model.pt").exists()


def test_trainings_that_start_at_once_on_a_missing_store_all_appear(run):
    folder, place, args = run
    program = (
        "import sys; from wemgan.live import Live\n"
        "live = Live(*sys.argv[1:3], sys.argv[3:]); live.log({'images': 8, 'critic': 1.0})"
    )
    started = []
    for seed in range(8):
        other = place.parent / f"seed{seed}"
        other.mkdir(exist_ok=True)
        config = json.loads((place / "config.json").read_text()) | {"seed": seed}
        (other / "config.json").write_text(json.dumps(config))
        words = [args.live, other / "config.json", folder / "faces.csv", folder / "aus.csv", folder / "split.csv"]
        started.append(subprocess.Popen([sys.executable, "-c", program, *map(str, words)], stdout=subprocess.PIPE))
    assert [process.communicate()[0] for process in started] == [b""] * 8
    _, found = entries(args.live)
    assert sorted(entry.data.tags["seed"] for entry in found) == [str(seed) for seed in range(8)]
    assert all(entry.data.metrics == {"train/critic": 1.0} for entry in found)


def test_what_a_training_takes_of_the_machine_is_logged(run, monkeypatch):
    _, _, args = run
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    train.run(args)
    _, (entry,) = entries(args.live)
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= set(entry.data.metrics)


def test_a_locked_store_stops_no_training_and_is_completed_afterwards(run, capsys):
    folder, place, args = run
    train.run(args)  # makes the store
    for name in ("state.pt", "model.pt"):
        (place / name).unlink()
    config = json.loads((place / "config.json").read_text()) | {"seed": 1}
    (place / "config.json").write_text(json.dumps(config))
    capsys.readouterr()
    lock = sqlite3.connect(folder / "mlflow.db", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    train.run(args)
    lock.execute("ROLLBACK")
    assert "not shown in MLflow from here on" in capsys.readouterr().out
    measured(place, {"psnr": 20.0})
    data = [folder / "faces.csv", folder / "aus.csv", folder / "split.csv"]
    (row,) = replay([place / "config.json"], data, args.live).to_dict("records")
    client = MlflowClient(args.live)
    points = client.get_metric_history(row["mlflow_id"], "train/critic")
    assert [point.step for point in points] == pd.read_csv(args.history)["images"].tolist()


def test_a_server_that_goes_away_stops_no_training_and_is_completed_afterwards(run, capsys, monkeypatch):
    folder, place, args = run
    (port,) = free_ports(1)
    server = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", args.live, "--port", str(port)]
    server += ["--artifacts-destination", str(folder / "artifacts"), "--workers", "1"]

    def serve():
        started.append(subprocess.Popen(server, start_new_session=True, stderr=subprocess.PIPE, text=True))
        for line in started[-1].stderr:
            if "Application startup complete" in line:
                return

    def end():
        os.killpg(started[-1].pid, signal.SIGKILL)
        started[-1].wait()

    log, started = Live._log, []

    def until_gone(self, row):
        if row["images"] > 16:
            end()
        log(self, row)

    serve()
    store, args.live = args.live, f"http://127.0.0.1:{port}"
    try:
        monkeypatch.setattr(Live, "_log", until_gone)
        train.run(args)
        assert "not shown in MLflow from here on" in capsys.readouterr().out
        measured(place, {"psnr": 20.0})
        serve()
        data = [folder / "faces.csv", folder / "aus.csv", folder / "split.csv"]
        (row,) = replay([place / "config.json"], data, args.live).to_dict("records")
    finally:
        end()
    _, (entry,) = entries(store)
    assert entry.info.run_id == row["mlflow_id"] and entry.info.status == "FINISHED"
    points = MlflowClient(store).get_metric_history(row["mlflow_id"], "train/critic")
    assert [point.step for point in points] == pd.read_csv(args.history)["images"].tolist()
