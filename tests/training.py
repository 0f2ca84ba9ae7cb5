"""Trainings on the small data that tests share: their command line, and one that is killed."""

import argparse
import json

import pytest

from wemgan import train, training
from wemgan.files import digest


class Killed(Exception):
    pass


def run_until_killed(args, images):
    """Train until so many images, and die there."""
    step = training.Training.step

    def dying(self):
        if self.images >= images:
            raise Killed
        return step(self)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(training.Training, "step", dying)
        train.run(args)


def measured(place, metrics):
    """Put metrics.json beside the other files of a run, as if they were what was measured."""
    (place / "measures.csv").write_text("psnr\n20.0\n")
    files = {"run": "config.json", "model": "model.pt", "measures": "measures.csv"}
    made_of = {name: digest(place / file) for name, file in files.items()}
    (place / "metrics.json").write_text(json.dumps({"made_of": made_of} | metrics))


def arguments(folder, name, config):
    out = folder / name
    out.mkdir(exist_ok=True)
    (out / "config.json").write_text(json.dumps(config))
    paths = {key: str(out / key) for key in ("model.pt", "history.csv", "samples.png", "state.pt", "speed.json")}
    return argparse.Namespace(
        config=str(out / "config.json"), faces=str(folder / "faces.npy"), aus=str(folder / "aus.csv"),
        split=str(folder / "split.csv"), model=paths["model.pt"], history=paths["history.csv"],
        samples=paths["samples.png"], state=paths["state.pt"], speed=paths["speed.json"], au_network=None, live=None,
        partners=None, au_network_config=None,
    )  # fmt: skip
