"""A second judge of AUs, of another kind than a network: ridge regression on gradient histograms.

    python -m wemgan.hog --config config.json --faces faces.npy --table faces.csv --truth truth.csv --model hog.npz

It has no layers that noise could run through: what deceives a network does not deceive it, and where the two part on
edits, one was deceived. For rendered faces it learns from the same people as the trained judge, whom nothing else sees;
for photos (--split) from the labels of the training split: it shares their labeller's errors, but not its network.
"""

import argparse
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from skimage.feature import hog
from tqdm import tqdm

from wemgan.errors import UserError, run_cli
from wemgan.faces import read_table
from wemgan.files import read_json, whole
from wemgan.judge import learnt

CELLS = 16  # across the face
MOST = 6000  # faces that it learns from: a matrix of their number squared is solved
PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0)


def describe(images: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients (Dalal & Triggs 2005) of uint8 faces (N, S, S, 3), float32 (N, D).

    16 x 16 cells of 9 directions, normalised over blocks of 2 x 2, whatever the size: D is always the same.
    """
    cell = images.shape[1] // CELLS
    rows = [
        hog(np.asarray(image), pixels_per_cell=(cell, cell), cells_per_block=(2, 2), channel_axis=2) for image in images
    ]
    return np.stack(rows).astype(np.float32)


class Ridge:
    """AUs as a linear function of a face's histograms: `weights` (D, K) and `bias` (K,), about the mean (D,).

    `learnt_from` says from what.
    """

    def __init__(self, weights: np.ndarray, mean: np.ndarray, bias: np.ndarray, aus: list[str], learnt_from: str = ""):
        self.weights, self.mean, self.bias, self.aus, self.learnt_from = weights, mean, bias, aus, learnt_from

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """AUs clipped to [0, 1], float32 (N, K), of uint8 faces (N, S, S, 3)."""
        return ((describe(images) - self.mean) @ self.weights + self.bias).clip(0, 1)


def fit(features: np.ndarray, aus: np.ndarray, people: np.ndarray, names: list[str]) -> Ridge:
    """The regression with the penalty that does best on the last fifth of the people, then of all of them.

    `features` (N, D), `aus` (N, K), `people` (N,) numbers from 0.
    """
    known = people < max(1, int(0.8 * (people.max() + 1)))
    if known.all():
        return Ridge(*_solve(features, aus, PENALTIES[len(PENALTIES) // 2]), names)
    errors = []
    for penalty in PENALTIES:
        weights, mean, bias = _solve(features[known], aus[known], penalty)
        estimate = ((features[~known] - mean) @ weights + bias).clip(0, 1)
        errors.append(np.abs(estimate - aus[~known]).mean())
    return Ridge(*_solve(features, aus, PENALTIES[int(np.argmin(errors))]), names)


def _solve(x: np.ndarray, y: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ridge regression in its dual form: there are more numbers than faces."""
    mean, bias = x.mean(0), y.mean(0)
    centred = (x - mean).astype(np.float64)
    gram = centred @ centred.T
    weights = centred.T @ np.linalg.solve(gram + penalty * np.eye(len(x)), y - bias)
    return weights.astype(np.float32), mean, bias.astype(np.float32)


def save(path: str | Path, ridge: Ridge) -> None:
    """Write a regression as plain arrays."""
    with whole(path) as temporary:
        words = {"aus": np.array(ridge.aus), "learnt_from": np.array(ridge.learnt_from)}
        np.savez(temporary, weights=ridge.weights, mean=ridge.mean, bias=ridge.bias, **words)


def load(path: str | Path) -> Ridge:
    """The regression of a file that this step wrote; UserError if it cannot be read."""
    try:
        with np.load(path) as file:
            return Ridge(file["weights"], file["mean"], file["bias"], file["aus"].tolist(), str(file["learnt_from"]))
    except FileNotFoundError:
        raise UserError(f"there is no file {path}; run the step wemgan.hog first") from None
    except (ValueError, KeyError, OSError, BadZipFile) as broken:
        raise UserError(f"{path} cannot be read ({broken}); delete it and run the step wemgan.hog again") from None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("config", "faces", "table", "truth", "model"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--split", help="learn from the training split of this, rather than from the judges' people")
    args = parser.parse_args()
    names = read_json(args.config)["data"]["aus"]
    table = read_table(args.table).assign(row=lambda faces: np.arange(len(faces)))
    table = table.merge(read_table(args.truth)[["id", *names]], on="id")
    people = pd.factorize(table["identity"])[0]
    if args.split:
        split = read_table(args.split).set_index("id")["split"]
        known, source = table["id"].map(split) == "train", "labelled photos of the training split"
    else:
        known, source = people < learnt(people), "renders of the judge's people"
    table = table[known]
    table = table.iloc[np.linspace(0, len(table) - 1, min(MOST, len(table))).astype(int)]
    images = np.load(args.faces, mmap_mode="r")
    rows = np.array_split(table["row"].to_numpy(), max(1, len(table) // 128))
    features = np.concatenate([describe(images[part]) for part in tqdm(rows, desc="gradients")])
    people = pd.factorize(table["identity"])[0]
    ridge = fit(features, table[names].to_numpy(np.float32), people, names)
    ridge.learnt_from = f"{len(table):,} {source}"
    save(args.model, ridge)


if __name__ == "__main__":
    run_cli(main)
