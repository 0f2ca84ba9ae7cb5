"""Labels against what people said: how well each AU separates the faces with an attribute from those without.

    python -m wemgan.label_check --aus aus.csv --human list_attr_celeba.txt --attribute Smiling

The human labels are a CSV with a column `source` (or `id`) and a column for the attribute, or a file of the layout of
CelebA's list_attr_celeba.txt (a count, the names, then a file name and 1 or -1 for each). Values above 0 mean yes.
"""

import argparse
from pathlib import Path, PurePosixPath

import pandas as pd

from wemgan.errors import UserError, run_cli
from wemgan.faces import read_table
from wemgan.files import whole
from wemgan.metrics.ranking import area_under_curve

NOT_AUS = ("id", "tool", "version", "settings", "made_by")


def check(labels: pd.DataFrame, human: pd.Series) -> pd.DataFrame:
    """For each AU: the AUC against the human attribute, and the mean label with and without it. Strongest first.

    `human` is numeric with ids as its index; UserError if it names none of the faces, or says one thing of all.
    """
    value = labels["id"].map(human)
    if value.isna().all():
        raise UserError(
            f"the human labels name none of the {len(labels)} labelled faces; the first is {labels['id'][0]!r}"
        )
    labels, yes = labels[value.notna()], (value[value.notna()] > 0).to_numpy()
    if yes.all() or not yes.any():
        raise UserError(
            f"the {len(yes)} faces with a human label all have the same one; there is nothing to tell apart"
        )
    rows = []
    for name in (column for column in labels if column not in NOT_AUS):
        scores = labels[name].to_numpy()
        rows.append(
            [name, area_under_curve(scores, yes), scores[yes].mean(), scores[~yes].mean(), yes.sum(), (~yes).sum()]
        )
    table = pd.DataFrame(rows, columns=["au", "auc", "mean_with", "mean_without", "with", "without"])
    return table.sort_values("auc", key=lambda auc: -(auc - 0.5).abs(), ignore_index=True)


def read_human(path: str | Path, attribute: str, ids: pd.Series) -> pd.Series:
    """The attribute of each id that the file knows, by its id (the photo's path) or the file name at its end."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no file {path} of human labels")
    if path.suffix.lower() == ".csv":
        table = read_table(path)
        key = next((name for name in ("source", "id") if name in table), None)
        if key is None:
            raise UserError(f"{path} needs a column source or id")
        table = table.set_index(key)
    else:
        table = pd.read_csv(path, sep=r"\s+", skiprows=1)
    if attribute not in table:
        raise UserError(f"{path} has no attribute {attribute!r}; it has {', '.join(map(str, table.columns))}")
    known = table[attribute].to_dict()
    return pd.Series({name: known.get(name, known.get(PurePosixPath(name).name)) for name in ids}, dtype=float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--aus", "--human", "--attribute"):
        parser.add_argument(name, required=True)
    parser.add_argument("--out", help="write the table as CSV here as well")
    args = parser.parse_args()
    labels = read_table(args.aus)
    table = check(labels, read_human(args.human, args.attribute, labels["id"]))
    print(table.to_string(index=False, float_format="{:.3f}".format))
    if args.out:
        with whole(args.out) as temporary:
            table.to_csv(temporary, index=False, float_format="%.4f")


if __name__ == "__main__":
    run_cli(main)
