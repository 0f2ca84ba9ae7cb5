"""What a model does as AUs rise, in pictures: each strong expression from none to all of it, and each AU alone.

A row is one held-out person, the next row the truth, where the renderer can draw it. The people are the first ones
of the test split, in turn and unpicked.
"""

import argparse

import numpy as np
import pandas as pd
import torch

from wemgan.editor import Editor
from wemgan.errors import run_cli
from wemgan.faces import read_labels, read_split, read_table
from wemgan.files import digest, read_json
from wemgan.pairs import calmest, makeable
from wemgan.pictures import save_grid

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)


def expression_sweeps(calm: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Pairs (kind, source, AUs) from each face's own AUs, in equal steps, to a strong expression; a face for each."""
    rows = []
    for number, (word, strengths) in enumerate(makeable(names).items()):
        face = calm.iloc[number % len(calm)]
        for share in STRENGTHS:
            aus = {name: (1 - share) * face[name] + share * strengths[name] for name in names}
            rows.append({"kind": word, "source": face["id"]} | aus)
    return pd.DataFrame(rows)


def au_sweeps(calm: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Pairs (kind, source, AUs) in which one AU takes each strength and the others stay; a face for each AU."""
    rows = []
    for number, name in enumerate(names):
        face = calm.iloc[number % len(calm)]
        own = {other: face[other] for other in names}
        rows += [{"kind": name, "source": face["id"]} | own | {name: strength} for strength in STRENGTHS]
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("config", "faces", "table", "aus", "split", "model", "run-config", "expressions", "single"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--rendered", action="store_true", help="draw the truth too")
    args = parser.parse_args()
    config, table, device = read_json(args.config), read_table(args.table), torch.device("cpu")
    names = config["data"]["aus"]
    split = read_split(args.split, args.aus)
    held_out = split.loc[split["split"] == "test", ["id", "identity"]]
    labels = read_labels(args.aus)
    calm = calmest(held_out.merge(labels[["id", *names]], on="id"), names, len(makeable(names)) + len(names))
    position = pd.Series(range(len(table)), index=table["id"])
    pixels, labels = np.load(args.faces, mmap_mode="r"), labels.set_index("id")[names]
    words = [f"{strength:.0%}" for strength in STRENGTHS]
    for out, pairs in ((args.expressions, expression_sweeps(calm, names)), (args.single, au_sweeps(calm, names))):
        aus = (
            labels.loc[pairs["source"]].to_numpy(np.float32, copy=True),
            pairs[names].to_numpy(np.float32, copy=True),
        )
        sources = pixels[position.loc[pairs["source"]]]
        data, made_with = digest(args.aus, args.split), digest(args.run_config)
        sheets = [Editor(args.model, device, data, made_with)(sources, *aus)]
        if args.rendered:
            from wemgan.truth import draw_truth

            sheets.append(draw_truth(pairs, table, names, config["data"]["size"], config["data"]["seed"]))
        kinds = list(dict.fromkeys(pairs["kind"]))
        grid = np.stack(sheets, 1).reshape(len(kinds), len(STRENGTHS), len(sheets), *sources.shape[1:]).swapaxes(1, 2)
        labels_of_rows = [word for kind in kinds for word in (kind, "truth")[: len(sheets)]]
        save_grid(out, grid.reshape(-1, *grid.shape[2:]), words, labels_of_rows)


if __name__ == "__main__":
    run_cli(main)
