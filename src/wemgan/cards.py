"""The judges' report cards: how well each does where the answer is known, so that a difference can be weighed.

AUs on renders of people whom no judge has seen, and of photos (--aus) against the labels of the held-out ones; identity
on both; features by the Frechet distance of two halves of the held-out people, which a difference has to exceed.
"""

import argparse

import numpy as np
import pandas as pd
import torch

from wemgan.errors import UserError, run_cli
from wemgan.faces import read_labels, read_table
from wemgan.files import read_json, whole
from wemgan.judge import learnt
from wemgan.judges import Judges
from wemgan.metrics.expression import icc, pearson
from wemgan.metrics.frechet import frechet_distance
from wemgan.metrics.identity import same_person_auc

MOST = 1200  # held-out faces of the experiment that are looked at


def au_rows(
    measured: np.ndarray, truth: np.ndarray, names: list[str], judge: str, on: str = "renders of new people"
) -> list[dict]:
    """Error, Pearson's r and ICC(3,1) of each AU and in the mean, over the faces that were found."""
    found = np.isfinite(measured).all(1)
    error = np.abs(measured[found] - truth[found]).mean(0) if found.any() else np.full(len(names), np.nan)
    columns = {"mae": error, "pearson_r": pearson(measured, truth), "icc": icc(measured, truth)}
    table = pd.DataFrame(columns, index=names)
    table.loc["mean of AUs"] = table.mean()
    fixed = {"judge": judge, "on": on, "n": int(found.sum()), "found": found.mean()}
    return [fixed | {"measure": name} | row for name, row in table.to_dict("index").items()]


def identity_row(embeddings: np.ndarray, people: np.ndarray, judge: str, on: str) -> dict:
    """The area under the ROC curve of `same person or not`."""
    auc = same_person_auc(embeddings, people)
    return {"judge": judge, "on": on, "measure": "same person or not", "auc": auc, "n": len(people)}


def features_row(features: np.ndarray, people: np.ndarray, judge: str) -> dict | None:
    """The Frechet distance between the faces of every other person and those of the rest; None if they are too few."""
    half = pd.factorize(people)[0] % 2 == 0
    try:
        distance = frechet_distance(features[half], features[~half])
    except UserError:
        return None
    name = "Frechet distance of two halves"
    return {"judge": judge, "on": "held-out faces", "measure": name, "distance": distance, "n": len(people)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("config", "renders", "renders-table", "renders-truth", "faces", "table", "split", "cards"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--judge", help="the trained judge, if it is asked for")
    parser.add_argument("--hog", help="the regression on gradients, if it is asked for")
    parser.add_argument("--aus", help="the labels, where they are a labeller's and hog learnt from them")
    args = parser.parse_args()
    config = read_json(args.config)
    names, device = config["data"]["aus"], torch.device("cuda" if torch.cuda.is_available() else "cpu")
    judges = Judges(config, device, args.judge, args.hog)

    people = pd.factorize(read_table(args.renders_table)["identity"])[0]
    new = people >= learnt(people)
    said = judges.measure(np.load(args.renders, mmap_mode="r")[new], ("aus", "identity"))
    truth = read_table(args.renders_truth)[names].to_numpy(np.float64)[new]
    learnt_from_photos = ["hog"] if args.aus else []
    rows = [
        row
        for judge in judges.aus
        if judge not in learnt_from_photos
        for row in au_rows(said["aus", judge], truth, names, judge)
    ]
    rows += [
        identity_row(said["identity", judge], people[new], judge, "renders of new people") for judge in judges.identity
    ]
    split = read_table(args.split)
    test = read_table(args.table).merge(split.loc[split["split"] == "test", ["id"]], on="id", how="inner")
    place = pd.Series(np.arange(len(table := read_table(args.table))), index=table["id"])
    test = test.iloc[np.linspace(0, len(test) - 1, min(MOST, len(test))).astype(int)]
    said = judges.measure(np.load(args.faces, mmap_mode="r")[place.loc[test["id"]]])
    persons = test["identity"].to_numpy()
    if args.aus:
        labels = read_labels(args.aus).set_index("id").loc[test["id"], names].to_numpy(np.float64)
        for judge in learnt_from_photos:
            rows += au_rows(said["aus", judge], labels, names, judge, "held-out photos, against their labels")
    rows += [identity_row(said["identity", judge], persons, judge, "held-out faces") for judge in judges.identity]
    rows += filter(None, [features_row(said["features", judge], persons, judge) for judge in judges.features])
    columns = ["judge", "measure", "on", "n", "found", "mae", "pearson_r", "icc", "auc", "distance"]
    frame = pd.DataFrame(rows).reindex(columns=columns)
    with whole(args.cards) as temporary:
        frame.round(4).to_csv(temporary, index=False)
    print(frame.round(3).to_string(index=False, na_rep=""))


if __name__ == "__main__":
    run_cli(main)
