"""`python -m wemgan.render`: draw the data set of rendered faces, with its table and its truth."""

import argparse

import numpy as np
import pandas as pd
from tqdm import tqdm

from wemgan.errors import UserError, run_cli
from wemgan.files import read_json, whole
from wemgan.render import AUS, Renderer, sample_aus

JUDGE_FROM = 1_000_000  # the judge's people have numbers from here up, so that nobody meets them elsewhere
BATCH = 256


def plan(config: dict, judge: bool) -> tuple[pd.DataFrame, np.ndarray]:
    """The table of faces (id, identity, source, shot) and their AUs (N, 20), from the sections data and rendered."""
    data, rendered = config["data"], config["rendered"]
    prefix = "judge_" if judge else ""
    people, each = rendered[f"{prefix}identities"], rendered[f"{prefix}faces_per_identity"]
    first = JUDGE_FROM if judge else 0
    if people > JUDGE_FROM:
        raise UserError(
            f"rendered.identities is {people}; numbers from {JUDGE_FROM} belong to the judge, so take fewer"
        )
    identity = np.repeat(np.arange(first, first + people), each)
    shot = np.tile(np.arange(each), people)
    table = pd.DataFrame({
        "id": [f"{i:07d}_{s:03d}" for i, s in zip(identity, shot, strict=True)],
        "identity": [f"{i:07d}" for i in identity],
        "source": "rendered",
        "shot": shot,
    })  # fmt: skip
    rng = np.random.default_rng([data["seed"], first, 3])
    return table, sample_aus(rng, len(table), data["aus"])


def draw(config: dict, table: pd.DataFrame, aus: np.ndarray, faces_path: str) -> None:
    """Draw the faces of `table` into faces_path, uint8 (N, size, size, 3), written through a memory map."""
    size = config["data"]["size"]
    renderer = Renderer(size, config["data"]["seed"])
    identity, shot = table.identity.astype(int).to_numpy(), table.shot.to_numpy()
    with whole(faces_path) as temporary:
        faces = np.lib.format.open_memmap(temporary, "w+", np.uint8, (len(table), size, size, 3))
        for start in tqdm(range(0, len(table), BATCH), desc="render faces", unit=f"x{BATCH}"):
            part = slice(start, start + BATCH)
            faces[part] = renderer.draw(identity[part], aus[part], shot[part])
        faces.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m wemgan.render", description=__doc__)
    parser.add_argument(
        "--config", required=True, help="resolved configuration (JSON) with the sections data and rendered"
    )
    parser.add_argument("--faces", required=True, help="pictures to write, .npy")
    parser.add_argument("--table", required=True, help="one row per face to write, .csv")
    parser.add_argument("--truth", required=True, help="all action units drawn to write, .csv")
    parser.add_argument("--judge", action="store_true", help="draw the judge's people instead")
    options = parser.parse_args()
    config = read_json(options.config)
    table, aus = plan(config, options.judge)
    draw(config, table, aus, options.faces)
    with whole(options.table) as path:
        table.to_csv(path, index=False)
    with whole(options.truth) as path:
        truth = pd.DataFrame(aus.round(4), columns=AUS)
        truth.insert(0, "id", table.id)
        truth.to_csv(path, index=False)


if __name__ == "__main__":
    run_cli(main)
