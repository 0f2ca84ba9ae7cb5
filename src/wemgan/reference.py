"""What the judges say of the real held-out faces, once for all rows of a table.

python -m wemgan.reference --config config.json --faces faces.npy --table faces.csv --split split.csv --out real.npz
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from wemgan.errors import run_cli
from wemgan.faces import read_table
from wemgan.files import read_json, whole, write_json
from wemgan.judges import Judges
from wemgan.measure import Reference


class Rows:
    """Some rows of a memory-mapped array of faces, read a slice at a time."""

    def __init__(self, pixels: np.ndarray, rows: np.ndarray):
        self.pixels, self.rows, self.shape = pixels, rows, (len(rows), *pixels.shape[1:])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, part: slice) -> np.ndarray:
        return self.pixels[self.rows[part]]


def identify(faces: np.ndarray, judges: Judges) -> str:
    """A digest of uint8 faces and of the judges who shall measure them."""
    total = hashlib.sha256(judges.digest().encode())
    for start in range(0, len(faces), 256):
        total.update(np.ascontiguousarray(faces[start : start + 256]).tobytes())
    return total.hexdigest()[:16]


def measure_real(ids: np.ndarray, faces: np.ndarray, judges: Judges, path: str | Path) -> Reference:
    """What the judges say of real faces: read from `path` if that is of these faces and judges, else written there."""
    made_of = identify(faces, judges)
    if Path(path).exists():
        kept = Reference.load(path)
        if kept.made_of == made_of and kept.ids.tolist() == list(ids):
            print(f"{path} already holds what the judges say of these {len(ids):,} faces")
            return kept
    reference = Reference(np.asarray(ids), judges.measure(faces), made_of, judges.digest())
    with whole(path) as temporary:
        reference.save(temporary)
    return reference


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("config", "faces", "table", "split", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--about", required=True, help="JSON: who the judges are")
    parser.add_argument("--judge", help="the trained judge, if it is asked for")
    parser.add_argument("--hog", help="the regression on gradients, if it is asked for")
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    judges = Judges(read_json(args.config), device, args.judge, args.hog)
    place = pd.Series(np.arange(len(table := read_table(args.table))), index=table["id"])
    split = read_table(args.split)
    ids = split.loc[split["split"] == "test", "id"].to_numpy()
    pixels = np.load(args.faces, mmap_mode="r")
    rows = place.loc[ids].to_numpy()
    reference = measure_real(ids, Rows(pixels, rows), judges, args.out)
    write_json(args.about, judges.about)
    print(f"{len(reference.ids):,} held-out faces, measured by {', '.join(judges.about)}")


if __name__ == "__main__":
    run_cli(main)
