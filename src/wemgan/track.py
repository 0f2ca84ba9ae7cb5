"""Replay finished runs into MLflow: parameters, data, curves, final metrics, samples, and a model that can be served.

The database is rebuilt from the files of the results at any time: what is in it already is left alone, so a replay
after another changes nothing. An entry that a training began while it ran (`wemgan.live`) is completed. `mlflow ui` in
the project's root shows the default store, mlflow.db; the environment variable MLFLOW_TRACKING_URI names another one.
"""

import argparse
import json
import logging
import math
import os
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from wemgan.checkpoint import load_weights
from wemgan.config import OVERRIDABLE
from wemgan.errors import UserError, run_cli
from wemgan.files import digest, read_json, whole
from wemgan.origin import code_commit
from wemgan.rows import read_metrics

STORE = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
PARTS = ("history.csv", "metrics.json", "measures.csv", "samples.png", "model.pt", "speed.json")
NEEDED = ("mlflow", "torch", "numpy", "pandas", "pillow")  # by a model that is served
WEIGHTS = "model.pt"  # of the parts the one that the served model holds


def varying(configs: list[dict]) -> list[str]:
    """The dotted keys of the overridable sections whose values differ between the configurations, and `seed`."""
    keys = [f"{section}.{name}" for section in OVERRIDABLE for name in configs[0].get(section, {})]
    return [key for key in keys if len({repr(_value(config, key)) for config in configs}) > 1] + ["seed"]


def replay(configs: list[Path], data: list[Path], store: str = STORE) -> pd.DataFrame:
    """Enter the run of each config.json, whose results lie beside it.

    Returns a row per run: run, seed, mlflow_id, results (their digest), new.

    A run is known by its experiment, name, seed, configuration, data and results; what changed since is entered anew
    and the older entry deleted. UserError if `store` keeps its artifacts in another place than this folder.
    """
    client = client_of(store)
    loaded = [read_json(path) for path in configs]
    data_digest, rows = digest(*data), []
    for path, config in zip(configs, loaded, strict=True):
        folder, params = path.parent, params_of(config, loaded)
        origin = origin_tags(path, config, data_digest)
        metrics, results = read_metrics(folder / "metrics.json"), digest(*(folder / part for part in PARTS))
        experiment = experiment_of(client, config["experiment"])
        entry = _known(client, experiment, origin | {"results_digest": results}, params)
        new = entry is None
        if new:
            begun = unfinished(client, experiment, origin, params)
            _forget(client, experiment, origin, but=begun)
            entry = begun or begin(client, experiment, origin, params)
            client.set_tag(entry, "results_digest", results)
            _enter(client, entry, path, metrics)
            client.set_terminated(entry)
        rows.append({"run": config["run"], "seed": config["seed"], "mlflow_id": entry, "results": results, "new": new})
        print(f"{config['run']} seed {config['seed']}: {'entered' if new else 'was there'}")
    return pd.DataFrame(rows)


def enter_files(experiment: str, name: str, metrics: dict, files: list[Path], store: str = STORE) -> str:
    """An entry that no training made: a control with its metrics, or the tables and figures; returns its id.

    It is known by its name and content: what is there already is left alone, an older one is deleted.
    """
    client = client_of(store)
    place, tags = experiment_of(client, experiment), {"run": name, "seed": "", "content_digest": digest(*files)}
    found = [entry for entry in _entries(client, place, tags) if entry.info.status == "FINISHED" and _has(entry, tags)]
    if found:
        return found[0].info.run_id
    _forget(client, place, tags, but=None)
    entry = client.create_run(place, run_name=name, tags=tags | {"commit": code_commit()}).info.run_id
    client.log_batch(entry, metrics=_final(metrics))
    for path in files:
        client.log_artifact(entry, str(path), "figures" if path.suffix == ".png" else None)
    client.set_terminated(entry)
    return entry


def client_of(store: str):
    """A client of the store, which is made if it is not there."""
    from mlflow import MlflowClient, set_tracking_uri

    set_tracking_uri(store)
    client = MlflowClient(store)
    client.search_experiments(max_results=1)
    return client


def origin_tags(path: Path, config: dict, data_digest: str) -> dict[str, str]:
    """What a run is known by before it has results: its name, seed, configuration and data."""
    tags = {"run": config["run"], "seed": str(config["seed"]), "config_digest": digest(path)}
    return tags | {"data_digest": data_digest}


def begin(client, experiment: str, tags: dict[str, str], params: dict[str, str]) -> str:
    """A new entry for the run and seed that `tags` name; returns its id."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, Param

    name = f"{tags['run']} seed {tags['seed']}"
    entry = client.create_run(experiment, run_name=name, tags=tags | {"commit": code_commit()}).info.run_id
    client.log_batch(entry, params=[Param(key, value) for key, value in params.items()])
    experiment_name = client.get_experiment(experiment).name
    source = json.dumps({"uri": f"results/{experiment_name}/data"})
    data = Dataset(f"faces of {experiment_name}", tags["data_digest"], "local", source)
    client.log_inputs(entry, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
    return entry


def params_of(config: dict, configs: list[dict]) -> dict[str, str]:
    """The parameters of a run that vary between the runs of its experiment."""
    return {key: str(_value(config, key)) for key in varying(configs)}


def curve_points(history: list[dict]) -> list:
    """The points of the curves, from rows of a history.

    All bear the time 0, so that the same point entered twice is one.
    """
    from mlflow.entities import Metric

    return [
        Metric(f"train/{name}", float(value), 0, int(row["images"]))
        for row in history
        for name, value in row.items()
        if name != "images" and _finite(value)
    ]


def experiment_of(client, name: str) -> str:
    """The id of an experiment, made if there is none; its artifacts lie in ./mlruns, or where a server keeps them."""
    local = not client.tracking_uri.startswith("http")
    place = (Path("mlruns") / name).resolve().as_uri()
    found = client.get_experiment_by_name(name)
    if found is None:
        kind = {"mlflow.experimentKind": "custom_model_development"}  # or the UI takes it for one of language models
        return client.create_experiment(name, place if local else None, kind)
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    if local and found.artifact_location != place:
        raise UserError(
            f"the MLflow store was made in another folder (artifacts of {name} lie in {found.artifact_location}); "
            "delete mlflow.db and mlruns/ and run the same command again: they are made anew from the results"
        )
    return found.experiment_id


def _known(client, experiment: str, tags: dict[str, str], params: dict) -> str | None:
    """The finished entry with all these tags and params, if there is one."""
    found = (e for e in _entries(client, experiment, tags) if e.data.params == params and e.info.status == "FINISHED")
    return next((entry.info.run_id for entry in found if _has(entry, tags)), None)


def unfinished(client, experiment: str, tags: dict[str, str], params: dict | None = None) -> str | None:
    """The entry with these tags that a training began and nobody finished, if there is one (with these params)."""
    found = (e for e in _entries(client, experiment, tags) if e.info.status == "RUNNING" and _has(e, tags))
    return next((entry.info.run_id for entry in found if params in (None, entry.data.params)), None)


def _has(entry, tags: dict[str, str]) -> bool:
    return all(entry.data.tags.get(key) == value for key, value in tags.items())


def _forget(client, experiment: str, tags: dict[str, str], but: str | None) -> None:
    """Delete older entries of the run and seed, `but` one: their results are no more."""
    for entry in _entries(client, experiment, tags):
        if entry.info.run_id != but:
            for model in entry.outputs.model_outputs if entry.outputs else ():
                client.delete_logged_model(model.model_id)
            client.delete_run(entry.info.run_id)


def _entries(client, experiment: str, tags: dict[str, str]) -> list:
    query = f"tags.run = '{tags['run']}' and tags.seed = '{tags['seed']}'"
    return list(client.search_runs([experiment], query))


def _enter(client, entry: str, config: Path, metrics: dict) -> None:
    from mlflow.entities import Metric

    folder, final = config.parent, _final(metrics)
    final += [Metric(f"speed/{k}", v, 0, 0) for k, v in read_json(folder / "speed.json").items() if _finite(v)]
    curves = curve_points(pd.read_csv(folder / "history.csv").to_dict("records"))
    everything = final + curves
    for start in range(0, len(everything), 1000):
        client.log_batch(entry, metrics=everything[start : start + 1000])
    for path in (config, *(folder / part for part in PARTS if part != WEIGHTS)):
        client.log_artifact(entry, str(path))
    _log_model(entry, folder / WEIGHTS)


def _log_model(entry: str, weights: Path) -> None:
    """The generator as a model that `mlflow models serve` can serve, with its signature and the code that it needs."""
    import mlflow

    from wemgan import serve

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    _, about = load_weights(weights)
    with mlflow.start_run(run_id=entry):
        mlflow.pyfunc.log_model(
            name="model",
            python_model=serve.__file__,
            artifacts={"weights": str(weights)},
            code_paths=[str(Path(serve.__file__).parent)],
            signature=serve.signature(about["aus"]),
            pip_requirements=[f"{name}=={version(name)}" for name in NEEDED],
        )


def _final(metrics: dict) -> list:
    """Final metrics, apart from the curves."""
    from mlflow.entities import Metric

    return [Metric(f"final/{name}", value, 0, 0) for name, value in metrics.items() if _finite(value)]


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
    parser.add_argument("--controls", nargs="*", type=Path, default=[], help="metrics.json of the controls")
    parser.add_argument("--tables", nargs="*", type=Path, default=[], help="tables and figures of the experiment")
    parser.add_argument("--tracked", required=True, help="CSV: a row per run, with the digest of its results")
    args = parser.parse_args()
    try:
        frame = enter_all(args)
    except (MlflowException, SQLAlchemyError) as failure:
        reason = str(failure).splitlines()[0]
        raise UserError(
            f"the MLflow store {STORE} cannot be written ({reason}); all else is made: run the same command again when "
            "it is back"
        ) from None
    with whole(args.tracked) as temporary:
        frame[["run", "seed", "results"]].to_csv(temporary, index=False)


def enter_all(args: argparse.Namespace) -> pd.DataFrame:
    """Enter runs, controls, tables and figures."""
    frame = replay(args.configs, args.data)
    experiment = read_json(args.configs[0])["experiment"]
    for path in args.controls:
        enter_files(experiment, f"control {path.parent.name}", read_metrics(path), [path])
    if args.tables:
        enter_files(experiment, "tables and figures", {}, args.tables)
    return frame


if __name__ == "__main__":
    run_cli(main)
