"""Draw the true edits of training faces, for runs that learn from them: the upper bound that only rendered faces have.

Every training face gets PER_FACE partners: the same person and shot with other AUs, drawn as targets of a training are.
"""

import argparse

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from wemgan.draws import Draws
from wemgan.errors import run_cli
from wemgan.faces import read_labels, read_split, read_table
from wemgan.files import read_json, whole
from wemgan.targets import draw_targets
from wemgan.truth import draw_truth

PER_FACE = 2  # a demo's training sees each pair 1.6 times
BATCH = 256


def draw_partners(faces: pd.DataFrame, names: list[str], share_single: float, seed: int) -> pd.DataFrame:
    """PER_FACE rows (source, AUs) for each of the training faces (id, AUs)."""
    pool = torch.from_numpy(faces[names].to_numpy(np.float32, copy=True))
    source = pool.repeat_interleave(PER_FACE, 0)
    table = pd.DataFrame(draw_targets(source, pool, share_single, Draws(seed)).numpy(), columns=names)
    table.insert(0, "source", faces["id"].repeat(PER_FACE).to_numpy())
    return table.round(4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("config", "table", "aus", "split", "partners", "pixels"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()
    config = read_json(args.config)
    data = config["data"]
    split = read_split(args.split, args.aus)
    faces = read_labels(args.aus).merge(split.loc[split["split"] == "train", ["id"]], on="id")
    partners = draw_partners(faces, data["aus"], config["train"]["single_targets"], data["seed"])
    table, size = read_table(args.table), data["size"]
    with whole(args.pixels) as temporary:
        pixels = np.lib.format.open_memmap(temporary, "w+", np.uint8, (len(partners), size, size, 3))
        for start in tqdm(range(0, len(partners), BATCH), desc="true edits", unit=f"x{BATCH}"):
            part = partners[start : start + BATCH]
            pixels[start : start + BATCH] = draw_truth(part, table, data["aus"], size, data["seed"])
        pixels.flush()
    with whole(args.partners) as temporary:
        partners.to_csv(temporary, index=False)
    print(f"{len(partners):,} true edits of {len(faces):,} training faces")


if __name__ == "__main__":
    run_cli(main)
