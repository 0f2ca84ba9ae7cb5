"""Show a training in MLflow while it runs: parameters, data, curves, sample grids, and what it takes of the machine.

Nothing depends on it. If the store is locked or gone, or MLflow is not installed, a sentence says so and the training
goes on; `wemgan.track` completes the entry from the results afterwards.
"""

import fcntl
import logging
import os
from pathlib import Path

from wemgan.files import digest, read_json


class Live:
    """The entry of a training in an MLflow store. No method raises: the first failure ends the showing.

    `config` is the run's config.json, beside whose experiment lies config/runs.json; `data` are the tables that stand
    for the data (faces.csv, aus.csv, split.csv). A resumed training goes on in the entry that it had.
    """

    def __init__(self, store: str, config: str | Path, data: list[Path]):
        self._entry: str | None = None
        self._monitor = None
        self._try(self._open, store, Path(config), data)

    def log(self, row: dict[str, float]) -> None:
        """Add a row of the history: the losses after so many `images`."""
        if self._entry:
            self._try(self._log, row)

    def show(self, samples: str | Path, images: int) -> None:
        """Add the sample grid after so many images."""
        if self._entry:
            self._try(self._show, Path(samples), images)

    def close(self) -> None:
        """Stop watching the machine; the entry stays unfinished until it has its final metrics."""
        if self._monitor:
            self._try(self._monitor.finish)
            self._monitor = None

    def _try(self, act, *words) -> None:
        try:
            act(*words)
        except Exception as failure:
            self._entry = self._monitor = None  # its thread ends by itself when it finds the store gone
            reason = str(failure).splitlines()[0] if str(failure) else type(failure).__name__
            print(f"not shown in MLflow from here on ({reason}); the results are complete all the same")

    def _open(self, store: str, path: Path, data: list[Path]) -> None:
        from wemgan import track

        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # a server that is gone is given up in seconds
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        config, runs = read_json(path), read_json(path.parents[3] / "config" / "runs.json")
        with open("mlflow.lock", "w") as lock:  # several trainings that make the database at once would break it
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._client = track.client_of(store)
            experiment = track.experiment_of(self._client, config["experiment"])
        tags = track.origin_tags(path, config, digest(*data))
        self._entry = track.unfinished(self._client, experiment, tags)
        if self._entry is None:
            params = track.params_of(config, list(runs.values()))
            self._entry = track.begin(self._client, experiment, tags, params)
        self._watch(store)

    def _watch(self, store: str) -> None:
        """Log the load of processor, memory, disk and GPU every ten seconds from now on."""
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        logging.getLogger("mlflow.system_metrics").setLevel(logging.ERROR)
        self._monitor = SystemMetricsMonitor(self._entry, resume_logging=True, tracking_uri=store)
        self._monitor.start()

    def _log(self, row: dict[str, float]) -> None:
        from wemgan import track

        self._client.log_batch(self._entry, metrics=track.curve_points([row]))

    def _show(self, samples: Path, images: int) -> None:
        self._client.log_artifact(self._entry, str(samples), f"samples/{images:09d}")
