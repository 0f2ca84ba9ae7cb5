"""Write an experiment's pairs as pictures, for another program to edit; its edits can then be a row of the tables.

    python -m wemgan.export --results results/demo --out peer

Writes real/<face>.png of all held-out faces, pairs.csv (which AUs each face shall be given, and under which name the
edit is expected) and, for rendered faces, truth/<edit>.png. docs/metrics.md tells the rest.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from wemgan.errors import UserError, run_cli
from wemgan.faces import read_labels, read_table
from wemgan.files import whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", required=True, type=Path, help="results/<experiment>")
    parser.add_argument("--out", required=True, type=Path, help="folder to write into")
    args = parser.parse_args()
    data = args.results / "data"
    if not (data / "pairs.csv").exists():
        raise UserError(f"{data} has no pairs.csv; run `snakemake data` for that experiment first")
    pairs = read_table(data / "pairs.csv")
    table = read_table(data / "faces.csv")
    place = pd.Series(np.arange(len(table)), index=table["id"])
    labels = read_labels(data / "aus.csv").set_index("id")
    names = [name for name in pairs if name in labels]
    pixels = np.load(data / "faces.npy", mmap_mode="r")
    (args.out / "real").mkdir(parents=True, exist_ok=True)
    split = read_table(data / "split.csv")
    held_out = split.loc[split["split"] == "test", "id"]
    file_of = {face: f"{number:06d}.png" for number, face in enumerate(held_out)}
    for face, name in tqdm(file_of.items(), "faces", unit="", mininterval=1):
        Image.fromarray(pixels[place[face]]).save(args.out / "real" / name)
    pairs["face"], pairs["source"] = pairs["source"], pairs["source"].map(file_of)
    pairs["edited"] = [f"{row:06d}.png" for row in range(len(pairs))]
    for name in names:  # what a program has to know of the face as it is
        pairs[f"from_{name}"] = labels[name].loc[pairs["face"]].round(4).to_numpy()
    if (data / "truth.npy").exists():
        (args.out / "truth").mkdir(exist_ok=True)
        truth = np.load(data / "truth.npy", mmap_mode="r")
        for row, name in enumerate(tqdm(pairs["edited"], "truth", unit="", mininterval=1)):
            Image.fromarray(truth[row]).save(args.out / "truth" / name)
    with whole(args.out / "pairs.csv") as temporary:
        pairs.to_csv(temporary, index=False)
    print(f"{len(pairs):,} edits of {len(file_of):,} faces are asked for in {args.out}/pairs.csv")


if __name__ == "__main__":
    run_cli(main)
