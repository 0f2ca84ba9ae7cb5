"""Replay finished runs into MLflow: parameters, curves, final metrics, sample grid, configuration and model.

The database is rebuilt from the files of the results at any time: what is in it already is left alone, so a replay
after another changes nothing. `mlflow ui` in the project's root shows the default store, mlflow.db.
"""

import argparse
import math
from pathlib import Path

import pandas as pd

from wemgan.config import OVERRIDABLE
from wemgan.errors import UserError, run_cli
from wemgan.files import digest, read_json, whole
from wemgan.origin import code_commit

STORE = "sqlite:///mlflow.db"
PARTS = ("history.csv", "metrics.json", "samples.png", "model.pt", "speed.json")


def varying(configs: list[dict]) -> list[str]:
    """The dotted keys of the overridable sections whose values differ between the configurations, and `seed`."""
    keys = [f"{section}.{name}" for section in OVERRIDABLE for name in configs[0].get(section, {})]
    return [key for key in keys if len({repr(_value(config, key)) for config in configs}) > 1] + ["seed"]


def replay(configs: list[Path], data: list[Path], store: str = STORE) -> pd.DataFrame:
    """Enter the run of each config.json, whose results lie beside it; a row per run (run, seed, mlflow_id, new).

    A run is known by its experiment, name, seed, configuration, data and results; what changed since is entered anew
    and the older entry deleted. UserError if `store` keeps its artifacts in another place than this folder.
    """
    client = _client(store)
    loaded = [read_json(path) for path in configs]
    keys, commit, data_digest = varying(loaded), code_commit(), digest(*data)
    rows = []
    for path, config in zip(configs, loaded, strict=True):
        folder = path.parent
        tags = {"run": config["run"], "seed": str(config["seed"]), "config_digest": digest(path)}
        tags |= {"data_digest": data_digest, "results_digest": digest(*(folder / part for part in PARTS))}
        params = {key: _value(config, key) for key in keys}
        experiment = _experiment(client, config["experiment"])
        entry = _known(client, experiment, tags, params)
        new = entry is None
        if new:
            _forget(client, experiment, tags)
            name = f"{config['run']} seed {config['seed']}"
            entry = client.create_run(experiment, run_name=name, tags=tags | {"commit": commit}).info.run_id
            _enter(client, entry, folder, path, params)
            client.set_terminated(entry)
        rows.append({"run": config["run"], "seed": config["seed"], "mlflow_id": entry, "new": new})
        print(f"{config['run']} seed {config['seed']}: {'entered' if new else 'was there'}")
    return pd.DataFrame(rows)


def _client(store: str):
    from mlflow import MlflowClient, set_tracking_uri

    set_tracking_uri(store)
    return MlflowClient(store)


def _experiment(client, name: str) -> str:
    """The id of an experiment, made if there is none; its artifacts lie in ./mlruns."""
    place = (Path("mlruns") / name).resolve().as_uri()
    found = client.get_experiment_by_name(name)
    if found is None:
        return client.create_experiment(name, artifact_location=place)
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    if found.artifact_location != place:
        raise UserError(
            f"mlflow.db was made in another folder (it keeps the artifacts of {name} in {found.artifact_location}); "
            "delete mlflow.db and mlruns/ and run the same command again: they are made anew from the results"
        )
    return found.experiment_id


def _known(client, experiment: str, tags: dict[str, str], params: dict) -> str | None:
    """The finished entry with all these tags and params, if there is one."""
    wanted = {key: str(value) for key, value in params.items()}
    for entry in _entries(client, experiment, tags):
        same = all(entry.data.tags.get(key) == value for key, value in tags.items())
        if same and entry.data.params == wanted and entry.info.status == "FINISHED":
            return entry.info.run_id
    return None


def _forget(client, experiment: str, tags: dict[str, str]) -> None:
    """Delete older entries of the run and seed: their results are no more."""
    for entry in _entries(client, experiment, tags):
        client.delete_run(entry.info.run_id)


def _entries(client, experiment: str, tags: dict[str, str]) -> list:
    query = f"tags.run = '{tags['run']}' and tags.seed = '{tags['seed']}'"
    return list(client.search_runs([experiment], query))


def _enter(client, entry: str, folder: Path, config: Path, params: dict) -> None:
    from mlflow.entities import Metric, Param

    metrics = {name: value for name, value in read_json(folder / "metrics.json").items() if _finite(value)}
    final = [Metric(f"final/{name}", value, 0, 0) for name, value in metrics.items()]
    final += [Metric(f"speed/{k}", v, 0, 0) for k, v in read_json(folder / "speed.json").items() if _finite(v)]
    history = pd.read_csv(folder / "history.csv")
    curves = [
        Metric(f"train/{name}", float(value), 0, int(images))
        for name in history.columns.drop("images")
        for images, value in zip(history["images"], history[name], strict=True)
        if _finite(value)
    ]
    parameters = [Param(key, str(value)) for key, value in params.items()]
    client.log_batch(entry, params=parameters)
    everything = final + curves
    for start in range(0, len(everything), 1000):
        client.log_batch(entry, metrics=everything[start : start + 1000])
    for path in (config, *(folder / part for part in PARTS)):
        client.log_artifact(entry, str(path))


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _value(config: dict, key: str) -> object:
    for name in key.split("."):
        config = config[name]
    return config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configs", nargs="+", type=Path, required=True, help="config.json of the runs")
    parser.add_argument("--data", nargs="+", type=Path, required=True, help="tables whose digest stands for the data")
    parser.add_argument("--tracked", required=True, help="CSV: a row per run, with its id in MLflow")
    args = parser.parse_args()
    frame = replay(args.configs, args.data)
    with whole(args.tracked) as temporary:
        frame.drop(columns="new").to_csv(temporary, index=False)


if __name__ == "__main__":
    run_cli(main)
