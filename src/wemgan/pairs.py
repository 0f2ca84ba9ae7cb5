"""The pairs that every run is evaluated on: a held-out face and the AUs that it shall be given, drawn once and kept.

`faces` pairs take the AUs of another held-out person's face; `expression` pairs take the calmest face of each held-out
person and one strong expression. For rendered faces the true result of each pair is drawn too.
"""

import argparse

import numpy as np
import pandas as pd

from wemgan.errors import UserError, run_cli
from wemgan.faces import read_table
from wemgan.files import read_json, whole

# Strong expressions, by the AUs that make them (Ekman, Friesen & Hager 2002); those not in data.aus are left out.
EXPRESSIONS = {
    "smile": {"AU06": 0.8, "AU12": 1.0, "AU25": 0.5},
    "jaw drop": {"AU25": 1.0, "AU26": 1.0},
    "brow raise": {"AU01": 1.0, "AU02": 1.0},
    "brow furrow": {"AU04": 1.0},
    "mouth frown": {"AU15": 1.0},
    "eyes closed": {"AU43": 1.0},
}


def face_pairs(faces: pd.DataFrame, names: list[str], count: int, rng: np.random.Generator) -> pd.DataFrame:
    """`count` pairs over `faces` (id, identity, AUs): each face once before any twice, to another person's AUs."""
    order = np.concatenate([rng.permutation(len(faces)) for _ in range(-(-count // len(faces)))])[:count]
    people = faces["identity"].to_numpy()
    targets = np.array([rng.choice(np.flatnonzero(people != people[i])) for i in order])
    pairs = pd.DataFrame(
        {"kind": "faces", "source": faces["id"].to_numpy()[order], "target": faces["id"].to_numpy()[targets]}
    )
    pairs[names] = faces[names].to_numpy()[targets]
    return pairs


def calmest(faces: pd.DataFrame, names: list[str], people: int) -> pd.DataFrame:
    """The face with the least AUs in all of each of the first `people` persons; `faces` has id, identity and AUs."""
    calm = faces.assign(total=faces[names].sum(axis=1)).sort_values("total", kind="stable").groupby("identity").head(1)
    return calm.sort_values("identity").head(people)


def makeable(names: list[str]) -> dict[str, dict[str, float]]:
    """The strong expressions of which `names` can make something, as strengths of `names`, the others 0."""
    return {
        word: {name: strengths.get(name, 0.0) for name in names}
        for word, strengths in EXPRESSIONS.items()
        if set(strengths) & set(names)
    }


def expression_pairs(faces: pd.DataFrame, names: list[str], people: int) -> pd.DataFrame:
    """The calmest face of each of the first `people` persons, to each strong expression that `names` can make."""
    rows = [
        {"kind": word, "source": face, "target": word} | strengths
        for word, strengths in makeable(names).items()
        for face in calmest(faces, names, people)["id"]
    ]
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("config", "table", "aus", "split", "pairs"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--truth", help="where to write the true edits; only for rendered faces")
    args = parser.parse_args()
    config = read_json(args.config)
    names, options = config["data"]["aus"], config["evaluate"]
    split = read_table(args.split)
    held_out = split.loc[split["split"] == "test", ["id", "identity"]]
    faces = held_out.merge(read_table(args.aus)[["id", *names]], on="id")
    if faces["identity"].nunique() < 2:
        raise UserError("the test split has fewer than two people; raise split.test or give more people")
    rng = np.random.default_rng(config["data"]["seed"])
    pairs = [face_pairs(faces, names, options["pairs"], rng), expression_pairs(faces, names, options["people"])]
    pairs = pd.concat(pairs, ignore_index=True)
    if args.truth:
        from wemgan.truth import draw_truth

        table = read_table(args.table)
        truth = draw_truth(pairs, table, names, config["data"]["size"], config["data"]["seed"])
        with whole(args.truth) as temporary:
            np.save(temporary, truth)
    with whole(args.pairs) as temporary:
        pairs.round(4).to_csv(temporary, index=False)
    print(
        f"{len(pairs):,} pairs: " + ", ".join(f"{count} {kind}" for kind, count in pairs["kind"].value_counts().items())
    )


if __name__ == "__main__":
    run_cli(main)
