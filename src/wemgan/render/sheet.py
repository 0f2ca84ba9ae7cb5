"""Contact sheets of rendered faces for the documents: people at rest, and every action unit beside neutral.

python -m wemgan.render.sheet --config C --identities identities.png --actions actions.png
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from wemgan.errors import run_cli
from wemgan.files import read_json, whole
from wemgan.render import AUS, Renderer

COLUMNS = 8
SIZE = 128
PEOPLE = 40
MODELS = (5, 9)  # identities that show the actions


def tile(faces: np.ndarray, columns: int) -> np.ndarray:
    """Faces (N, S, S, 3) in rows of `columns`, black where there are none: (H, W, 3)."""
    size = faces.shape[1]
    rows = -(-len(faces) // columns)
    out = np.zeros((rows * columns, size, size, 3), np.uint8)
    out[: len(faces)] = faces
    return out.reshape(rows, columns, size, size, 3).swapaxes(1, 2).reshape(rows * size, columns * size, 3)


def identities(renderer: Renderer) -> np.ndarray:
    """The first PEOPLE identities at rest."""
    return tile(renderer.draw(np.arange(PEOPLE), np.zeros((PEOPLE, len(AUS)))), COLUMNS)


def actions(renderer: Renderer) -> np.ndarray:
    """Neutral, half and full strength for each of MODELS; two AUs a row, in the order of AUS."""
    rows = []
    for k in range(len(AUS)):
        aus = np.zeros((3, len(AUS)))
        aus[1:, k] = 0.5, 1.0
        rows.append(np.concatenate([renderer.draw(np.full(3, person), aus) for person in MODELS]))
    return tile(np.concatenate(rows), 2 * 3 * len(MODELS))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m wemgan.render.sheet", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--config", required=True, help="resolved configuration (JSON); its data.seed chooses the people"
    )
    parser.add_argument("--identities", required=True, type=Path, help="sheet of people at rest to write, .png")
    parser.add_argument("--actions", required=True, type=Path, help="sheet of action units to write, .png")
    options = parser.parse_args()
    renderer = Renderer(SIZE, read_json(options.config)["data"]["seed"])
    for path, sheet in ((options.identities, identities(renderer)), (options.actions, actions(renderer))):
        with whole(path) as temporary:
            Image.fromarray(sheet).save(temporary, optimize=True)


if __name__ == "__main__":
    run_cli(main)
