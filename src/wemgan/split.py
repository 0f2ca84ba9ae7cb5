"""Split by identity: train, validation and test, with nobody in two of them.

    python -m wemgan.split --config config.json --label-config label.json --faces faces.npy --table faces.csv \
        --aus aus.csv --split split.csv

Identities are ordered by a hash of the seed and their name, and cut into shares. So more photos of a known person
change nothing for anybody, and a new person moves at most one other across each border. Or the data set's own split is
taken, if it keeps people apart.
"""

import argparse
import sys

import pandas as pd

from wemgan.errors import UserError, run_cli
from wemgan.faces import read_labels, read_table, write_table
from wemgan.files import check_made_of, digest, read_json
from wemgan.folder import rank

SPLITS = ("train", "validation", "test")


def split_identities(identities: list[str], validation: float, test: float, seed: int) -> dict[str, str]:
    """Identity to split. `validation` and `test` are shares of the identities, rounded, at least one identity each.

    UserError if there are too few identities for three splits.
    """
    people = sorted(set(identities), key=lambda identity: rank(identity, seed))
    held_out = {
        name: max(1, round(share * len(people))) for name, share in (("test", test), ("validation", validation))
    }
    if len(people) <= sum(held_out.values()):
        raise UserError(
            f"the labelled faces are of {len(people)} identities; three splits without a shared person need at least "
            f"3, and split.test {test} with split.validation {validation} must leave one of them for training"
        )
    names = ["test"] * held_out["test"] + ["validation"] * held_out["validation"]
    names += ["train"] * (len(people) - len(names))
    return dict(zip(people, names, strict=True))


def official_split(faces: pd.DataFrame, split: dict) -> dict[str, str]:
    """Identity to the part that the data set has it in; a held-out part that it lacks is drawn from those of training.

    UserError if a face (identity, official) is in no part, or somebody is in two.
    """
    nowhere = ~faces["official"].isin(SPLITS)
    if nowhere.any():
        raise UserError(f"{nowhere.sum()} of {len(faces)} faces are in no official part; set split.by to identity")
    parts = faces.groupby("identity")["official"].nunique()
    if (twice := parts[parts > 1]).any():
        raise UserError(
            f"{len(twice)} people, for instance {twice.index[0]!r}, are in more than one official part, so that a test "
            "would be of people known from training; set split.by to identity"
        )
    where = faces.drop_duplicates("identity").set_index("identity")["official"].to_dict()
    people = sorted(
        (name for name, part in where.items() if part == "train"), key=lambda name: rank(name, split["seed"])
    )
    for part in ("test", "validation"):
        if part not in where.values():
            count = max(1, round(split[part] * len(where)))
            where |= dict.fromkeys(people[:count], part)
            people = people[count:]
    if not people:
        raise UserError("the official split leaves nobody for training; set split.by to identity")
    return where


def split_faces(table: pd.DataFrame, labelled: pd.Series, split: dict) -> pd.DataFrame:
    """One row (id, identity, split) for each face of `table` whose id is among `labelled`, in the table's order."""
    faces = table[table["id"].isin(labelled)].reset_index(drop=True)
    if split["by"] == "official":
        where = official_split(faces, split)
    else:
        where = split_identities(list(faces["identity"]), split["validation"], split["test"], split["seed"])
    return faces[["id", "identity"]].assign(split=faces["identity"].map(where))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--config", "--label-config", "--faces", "--table", "--aus", "--split"):
        parser.add_argument(name, required=True)
    args = parser.parse_args()
    aus = read_labels(args.aus)
    made_by = aus["made_by"].iloc[0] if "made_by" in aus and len(aus) else ""
    now = digest(args.label_config, args.faces, args.table)
    check_made_of(args.aus, made_by, now, "other faces or another configuration", "label the faces again")
    faces = split_faces(read_table(args.table), aus["id"], read_json(args.config)["split"])
    write_table(args.split, faces.assign(labels=digest(args.aus)))
    for name in SPLITS:
        part = faces[faces["split"] == name]
        print(f"{name}: {len(part)} faces of {part['identity'].nunique()} identities", file=sys.stderr)


if __name__ == "__main__":
    run_cli(main)
