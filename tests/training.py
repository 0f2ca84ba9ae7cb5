"""The command line of a training on the small data that tests share."""

import argparse
import json


def arguments(folder, name, config):
    out = folder / name
    out.mkdir(exist_ok=True)
    (out / "config.json").write_text(json.dumps(config))
    paths = {key: str(out / key) for key in ("model.pt", "history.csv", "samples.png", "state.pt", "speed.json")}
    return argparse.Namespace(
        config=str(out / "config.json"), faces=str(folder / "faces.npy"), aus=str(folder / "aus.csv"),
        split=str(folder / "split.csv"), model=paths["model.pt"], history=paths["history.csv"],
        samples=paths["samples.png"], state=paths["state.pt"], speed=paths["speed.json"], au_network=None, live=None,
    )  # fmt: skip
