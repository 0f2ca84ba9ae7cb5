"""The pairs that every run is measured on: a held-out face and the AUs that it shall be given, drawn once and kept.

In five groups: `faces` pairs take the AUs of other held-out people's faces; `strong` and `basic` ones take the calmest
face of each person and one strong expression, or one of the six basic emotions' prototypes; `single` ones raise one AU
step by step; `zero` ones ask for no change. For rendered faces the true result of each pair is drawn too, and that of
another person in the place of the right one.
"""

import argparse

import numpy as np
import pandas as pd

from wemgan.errors import UserError, run_cli
from wemgan.faces import read_labels, read_split, read_table
from wemgan.files import read_json, whole

# Strong expressions, by the AUs that make them (Ekman, Friesen & Hager 2002), the indispensable one first; of the
# others those not in data.aus are left out.
EXPRESSIONS = {
    "smile": {"AU12": 1.0, "AU06": 0.8, "AU25": 0.5},
    "jaw drop": {"AU26": 1.0, "AU25": 1.0},
    "brow raise": {"AU01": 1.0, "AU02": 1.0},
    "brow furrow": {"AU04": 1.0},
    "mouth frown": {"AU15": 1.0},
    "eyes closed": {"AU43": 1.0},
}
# The prototypes of the six basic emotions (FACS Investigator's Guide, Ekman, Friesen & Hager 2002).
BASIC = {
    "happiness": ("AU06", "AU12"),
    "sadness": ("AU01", "AU04", "AU15"),
    "surprise": ("AU01", "AU02", "AU05", "AU26"),
    "fear": ("AU01", "AU02", "AU04", "AU05", "AU07", "AU20", "AU26"),
    "anger": ("AU04", "AU05", "AU07", "AU23"),
    "disgust": ("AU09", "AU15", "AU16"),
}
BASIC_STRENGTH = 0.8  # of each of their AUs; the guide gives no number


def spread_out(faces: pd.DataFrame, count: int) -> pd.DataFrame:
    """At most `count` of the faces (id, identity, ...): one of every person before a second of anyone."""
    turn = faces.groupby("identity").cumcount()
    return faces.loc[turn.sort_values(kind="stable").index[:count]].sort_index()


def face_pairs(faces: pd.DataFrame, names: list[str], targets: int, rng: np.random.Generator) -> pd.DataFrame:
    """Each of `faces` (id, identity, AUs) to the AUs of so many other faces, all of other people and different."""
    people = faces["identity"].to_numpy()
    rows = []
    for i in range(len(faces)):
        others = np.flatnonzero(people != people[i])
        rows += [(i, j) for j in rng.choice(others, min(targets, len(others)), replace=False)]
    source, target = np.array(rows).T
    pairs = pd.DataFrame({"group": "faces", "kind": "faces", "source": faces["id"].to_numpy()[source]})
    pairs["target"] = faces["id"].to_numpy()[target]
    pairs[names] = faces[names].to_numpy()[target]
    return pairs


def zero_pairs(faces: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Each of `faces` (id, identity, AUs) to its own AUs."""
    pairs = pd.DataFrame({"group": "zero", "kind": "no change", "source": faces["id"], "target": faces["id"]})
    pairs[names] = faces[names]
    return pairs


def calmest(faces: pd.DataFrame, names: list[str], people: int) -> pd.DataFrame:
    """The face with the least AUs in all of each of the first `people` persons; `faces` has id, identity and AUs."""
    calm = faces.assign(total=faces[names].sum(axis=1)).sort_values("total", kind="stable").groupby("identity").head(1)
    return calm.sort_values("identity").head(people)


def makeable(names: list[str]) -> dict[str, dict[str, float]]:
    """The strong expressions whose first AU is one of `names`, as strengths of `names`, the others 0."""
    return {
        word: {name: strengths.get(name, 0.0) for name in names}
        for word, strengths in EXPRESSIONS.items()
        if next(iter(strengths)) in names
    }


def makeable_basic(names: list[str]) -> dict[str, dict[str, float]]:
    """The basic emotions of whose AUs `names` have half or more, as strengths of `names`; none that equals another."""
    made: dict[str, dict[str, float]] = {}
    for word, units in BASIC.items():
        strengths = {name: BASIC_STRENGTH * (name in units) for name in names}
        if 2 * len(set(units) & set(names)) >= len(units) and strengths not in made.values():
            made[word] = strengths
    return made


def expression_pairs(faces: pd.DataFrame, names: list[str], people: int) -> pd.DataFrame:
    """The calmest face of each of the first `people` persons, to each expression and emotion that `names` can make."""
    rows = [
        {"group": group, "kind": word, "source": face, "target": word} | strengths
        for group, known in (("strong", makeable(names)), ("basic", makeable_basic(names)))
        for word, strengths in known.items()
        for face in calmest(faces, names, people)["id"]
    ]
    return pd.DataFrame(rows)


def single_pairs(faces: pd.DataFrame, names: list[str], people: int, strengths: list[float]) -> pd.DataFrame:
    """The calmest face of each of the first `people` persons, each AU at each strength and the others as they are."""
    rows = [
        {"group": "single", "kind": name, "source": face["id"], "target": "", "strength": strength}
        | {other: face[other] for other in names} | {name: strength}
        for name in names
        for face in calmest(faces, names, people).to_dict("records")
        for strength in strengths
    ]  # fmt: skip
    return pd.DataFrame(rows)


def choose(faces: pd.DataFrame, names: list[str], options: dict, seed: int) -> pd.DataFrame:
    """All pairs of the held-out `faces` (id, identity, AUs), by the section `evaluate` of the parameters.

    Columns group, kind, identity (of the source), source, target, strength and the AUs wanted. UserError with fewer
    than two people.
    """
    if faces["identity"].nunique() < 2:
        raise UserError("the test split has fewer than two people; raise split.test or give more people")
    rng = np.random.default_rng(seed)
    some = spread_out(faces, options["faces"])
    pairs = [
        face_pairs(some, names, options["targets"], rng),
        expression_pairs(faces, names, options["people"]),
        single_pairs(faces, names, options["response_people"], options["strengths"]),
        zero_pairs(some, names),
    ]
    table = pd.concat(pairs, ignore_index=True)
    table["identity"] = table["source"].map(faces.set_index("id")["identity"])
    table = table.reindex(columns=["group", "kind", "identity", "source", "target", "strength", *names])
    return table.round(dict.fromkeys(names, 4))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("config", "table", "aus", "split", "pairs"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--truth", help="where to write the true edits; only for rendered faces")
    parser.add_argument("--wrong", help="where to write the true edits of another person; only for rendered faces")
    args = parser.parse_args()
    config = read_json(args.config)
    data = config["data"]
    split = read_split(args.split, args.aus)
    held_out = split.loc[split["split"] == "test", ["id", "identity"]]
    faces = held_out.merge(read_labels(args.aus)[["id", *data["aus"]]], on="id")
    pairs = choose(faces, data["aus"], config["evaluate"], data["seed"])
    if args.truth:
        from wemgan.truth import draw_truth

        table = read_table(args.table)
        people = np.sort(faces["identity"].unique())
        next_one = dict(zip(people, np.roll(people, 1), strict=True))
        for path, who in ((args.truth, None), (args.wrong, next_one)):
            with whole(path) as temporary:
                np.save(temporary, draw_truth(pairs, table, data["aus"], data["size"], data["seed"], who))
    with whole(args.pairs) as temporary:
        pairs.to_csv(temporary, index=False)
    counts = pairs["group"].value_counts(sort=False)
    print(f"{len(pairs):,} pairs: " + ", ".join(f"{count} {group}" for group, count in counts.items()))


if __name__ == "__main__":
    run_cli(main)
