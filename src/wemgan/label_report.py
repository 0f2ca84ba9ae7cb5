"""What the labels of a data set are like, before anyone trains on them.

    python -m wemgan.label_report --config config.json --faces faces.npy --table faces.csv --aus aus.csv \
        --others labels/pyfeat.csv --human human.csv --tables report.csv agreement.csv attributes.csv \
        --picture labels.png --sheet faces.png

`report.csv` has each AU's distribution, how many faces have it, and which others come with it; `agreement.csv`, where
there are other tools' labels, compares every two tools over the same faces; `attributes.csv`, where people said
something of the photos, says how well each AU tells the faces with an attribute from those without. `faces.png` shows
aligned faces: for each AU from least to most, and those that the detector was least sure of or that are most turned.
"""

import argparse
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from wemgan.errors import UserError, run_cli
from wemgan.faces import load_faces, read_labels, read_table
from wemgan.files import read_json, whole
from wemgan.label_check import check
from wemgan.metrics.expression import icc, pearson
from wemgan.pictures import save_grid
from wemgan.tools import NAMES

ACTIVE = 0.2  # from here up a face counts as one that has an AU
RARE = 0.02  # an AU that so small a share of the faces has can hardly be learnt
SHOWN = 8  # faces in each row of the sheet


def distribution(labels: pd.DataFrame, names: list[str], faces: int) -> pd.DataFrame:
    """A row per AU: coverage (share of `faces` with a label), quantiles, the share that has it, and what comes with it.

    `with_X` is the share of the faces with this AU that have X as well.
    """
    values = labels[names].to_numpy(np.float64)
    active = values >= ACTIVE
    rows = []
    for place, name in enumerate(names):
        value, having = values[:, place], active[:, place]
        low, middle, high = np.percentile(value, [5, 50, 95])
        row = {"au": name, "labelled": len(value), "coverage": len(value) / faces, "mean": value.mean()}
        row |= {"deviation": value.std(), "p05": low, "median": middle, "p95": high, "largest": value.max()}
        row |= {"active": having.mean(), "strong": (value >= 0.5).mean()}
        together = active[having].mean(0) if having.any() else np.full(len(names), np.nan)
        rows.append(row | {f"with_{other}": together[k] for k, other in enumerate(names)})
    return pd.DataFrame(rows)


def agreement(tables: dict[str, pd.DataFrame], names: list[str]) -> pd.DataFrame:
    """A row for every two tools and AU, over the faces that both labelled: Pearson's r, ICC(3,1), MAE, both means."""
    rows = []
    for first, second in combinations(tables, 2):
        both = tables[first].merge(tables[second], on="id", suffixes=("_1", "_2"))
        if both.empty:
            raise UserError(f"{first} and {second} have no labelled face in common; label the same faces by both")
        one, two = (both[[f"{name}_{side}" for name in names]].to_numpy(np.float64) for side in (1, 2))
        measures = {"pearson": pearson(one, two), "icc": icc(one, two), "mae": np.abs(one - two).mean(0)}
        measures |= {"mean_first": one.mean(0), "mean_second": two.mean(0)}
        for place, name in enumerate(names):
            row = {"first": first, "second": second, "au": name, "n": len(both)}
            rows.append(row | {measure: value[place] for measure, value in measures.items()})
    return pd.DataFrame(rows)


def attributes(labels: pd.DataFrame, human: pd.DataFrame) -> pd.DataFrame:
    """`check` of every human attribute (a column of 0 and 1 beside `id`) that some faces have and others have not."""
    known, parts = human.set_index("id"), []
    for name in known.columns:
        value = labels["id"].map(known[name]).dropna()
        if value.nunique() == 2:
            parts.append(check(labels, known[name]).assign(attribute=name))
    if not parts:
        return pd.DataFrame(columns=["attribute", "au", "auc", "mean_with", "mean_without", "with", "without"])
    table = pd.concat(parts, ignore_index=True)
    return table[["attribute", *(column for column in table if column != "attribute")]]


def draw(
    path: str | Path, labels: pd.DataFrame, names: list[str], report: pd.DataFrame, of_people: pd.DataFrame
) -> None:
    """Distributions, co-occurrence and, where there are human attributes, the AUC of each AU against each."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = of_people.pivot(index="attribute", columns="au", values="auc")[names] if len(of_people) else None
    side = max(5.0, 0.42 * len(names) + 3)
    sizes = [side, side] + ([side] if shown is not None else [])
    high = max(side, 0.24 * len(shown) + 1.5 if shown is not None else 0)
    figure, axes = plt.subplots(1, len(sizes), figsize=(sum(sizes), high), layout="constrained", squeeze=False)
    spread = axes[0, 0]
    edges = np.linspace(0, 1, 41)
    for place, name in enumerate(reversed(names)):
        counts, _ = np.histogram(labels[name], edges)
        # Roots, or the many faces without an AU would flatten all others.
        height = np.sqrt(counts / max(1, counts.max())) * 0.9
        spread.stairs(place + height, edges, baseline=place, fill=True, color="tab:blue", alpha=0.75)
    titles = [f"{name} {NAMES.get(name, '')}" for name in names]
    spread.set_yticks(np.arange(len(names)) + 0.2, reversed(titles))
    spread.set_xlim(0, 1)
    spread.set_xlabel("strength of the label")
    spread.set_title(
        f"how often each strength occurs, of {len(labels)} faces\n(height: square root of the share)", fontsize=10
    )
    together = report.set_index("au")[[f"with_{name}" for name in names]].to_numpy(np.float64)
    having = (report["active"] * len(labels)).round().astype(int)
    rows = [f"{name} (on {count})" for name, count in zip(names, having, strict=True)]
    title = f"of the faces with the AU of the row (from {ACTIVE:g}),\nthe share that has the AU of the column as well"
    _heat(figure, axes[0, 1], together, rows, names, title)
    if shown is not None:
        title = "AUC: how well the AU of the column tells apart\nwhat people said (0.5: not at all)"
        _heat(figure, axes[0, 2], shown.to_numpy(), list(shown.index), names, title, middle=0.5)
    with whole(path) as temporary:
        figure.savefig(temporary, dpi=110)
    plt.close(figure)


def _heat(
    figure, axis, values: np.ndarray, rows: list[str], columns: list[str], title: str, middle: float | None = None
):
    picture = axis.imshow(values, vmin=0, vmax=1, cmap="RdBu_r" if middle else "Blues", aspect="auto")
    for row in np.flatnonzero(np.isnan(values).all(1)):
        axis.text((len(columns) - 1) / 2, row, "on no face", ha="center", va="center", color="gray", fontsize=8)
    axis.set_xticks(range(len(columns)), columns, rotation=90)
    axis.set_yticks(range(len(rows)), rows, fontsize=8)
    axis.set_title(title, fontsize=10)
    figure.colorbar(picture, ax=axis, shrink=0.6)


def draw_sheet(
    path: str | Path, faces: np.ndarray, table: pd.DataFrame, labels: pd.DataFrame, names: list[str]
) -> None:
    """Aligned faces uint8 (N, size, size, 3): a row per AU, from least to most; of photos also the doubtful ones."""
    place = pd.Series(np.arange(len(table)), index=table["id"])
    chosen, titles = [], []
    for name in names:
        order = labels.sort_values(name, kind="stable")["id"].to_numpy()
        chosen.append(place[order[np.linspace(0, len(order) - 1, SHOWN).round().astype(int)]].to_numpy())
        titles.append(f"{name} {NAMES.get(name, '')}")
    for column, first, title in (("probability", True, "detector least sure"), ("turn", False, "most turned")):
        if column in table:
            order = (
                table[column].argsort(kind="stable").to_numpy() if first else (-table[column]).argsort(kind="stable")
            )
            chosen.append(np.resize(np.asarray(order)[:SHOWN], SHOWN))
            titles.append(title)
    save_grid(path, np.stack([faces[row] for row in chosen]), ["least", *[""] * (SHOWN - 2), "most"], titles)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--config", "--faces", "--table", "--aus", "--picture", "--sheet"):
        parser.add_argument(name, required=True)
    parser.add_argument("--others", nargs="+", default=[], help="the same faces, labelled by other tools")
    parser.add_argument("--human", help="what people said of the photos: id, and 0 or 1 for each attribute")
    parser.add_argument("--tables", nargs="+", required=True, help="report.csv, then agreement.csv and attributes.csv")
    args = parser.parse_args()
    names, labels = read_json(args.config)["data"]["aus"], read_labels(args.aus)
    faces, about = load_faces(args.faces), read_table(args.table)
    report = distribution(labels, names, len(about))
    tables = [report]
    if args.others:
        by_tool = {table["tool"].iloc[0]: table for table in (labels, *map(read_labels, args.others))}
        tables.append(agreement(by_tool, names))
    of_people = attributes(labels[["id", *names]], read_table(args.human)) if args.human else pd.DataFrame()
    tables += [of_people] if args.human else []
    if len(tables) != len(args.tables):
        raise UserError(f"--tables names {len(args.tables)} files, but there are {len(tables)} tables to write")
    for path, table in zip(args.tables, tables, strict=True):
        with whole(path) as temporary:
            table.to_csv(temporary, index=False, float_format="%.4f")
    draw(args.picture, labels, names, report, of_people)
    draw_sheet(args.sheet, faces, about, labels, names)
    rare = report[report["active"] < RARE]
    if len(rare):
        counts = ", ".join(f"{row.au} (on {round(row.active * row.labelled)})" for row in rare.itertuples())
        print(
            f"warning: of {len(labels)} faces hardly any has {counts}, so that there is little to learn from; "
            "take out of data.aus what is rare, add photos that show it, or label by another tool",
            file=sys.stderr,
        )


if __name__ == "__main__":
    run_cli(main)
