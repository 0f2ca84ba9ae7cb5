"""Charts of what was measured: metric against metric, the error of each AU, the response to a rising AU."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from wemgan import score
from wemgan.columns import CONTROLS, METRICS, kind_of
from wemgan.errors import run_cli
from wemgan.faces import read_table
from wemgan.files import whole
from wemgan.rows import row_of

MARKS = "osD^v<>Ph*Xd"


def trade_chart(args: argparse.Namespace) -> None:
    """AU error against identity distance and, where the truth is known, against PSNR: each row with its intervals."""
    table = pd.read_csv(args.intervals)
    first = {kind: next((n for n in table["metric"] if kind_of(n) == kind and "/" not in n), None) for kind in METRICS}
    axes_of = [name for name in (first["acd"], first["psnr"], first["disagreement"]) if name]
    figure, axes = _figure(1, max(1, len(axes_of)), 5.2, 5.2)
    by_name = table.set_index(["run", "metric"])
    for axis, name in zip(axes.flat, axes_of, strict=False):
        for k, run in enumerate(dict.fromkeys(table["run"])):
            if (run, name) not in by_name.index or (run, first["au_mae"]) not in by_name.index:
                continue
            if name == first["psnr"] and run in ("truth", "wrong"):
                continue  # 60 by definition, and near nothing: they would press the others together
            x, y = by_name.loc[(run, first["au_mae"])], by_name.loc[(run, name)]
            spread = [[[v["mean"] - v["low"]], [v["high"] - v["mean"]]] for v in (x, y)]
            axis.errorbar(
                x["mean"], y["mean"], xerr=np.clip(spread[0], 0, None), yerr=np.clip(spread[1], 0, None), label=run,
                fmt=MARKS[k % len(MARKS)], markersize=6, linewidth=1, **_colour(run, k),
            )  # fmt: skip
        axis.set_xlabel(f"{first['au_mae']} (lower is better)")
        axis.set_ylabel(f"{name} ({METRICS[kind_of(name)][0]} is better)")
    _finish(figure, axes, args.out)


def units_chart(args: argparse.Namespace) -> None:
    """The mean absolute error of each AU in each row, with its interval, one picture per judge."""
    table = pd.read_csv(args.intervals)
    table = table[table["metric"].str.startswith("mae_AU")].copy()
    table[["au", "judge"]] = table["metric"].str.extract(r"mae_(AU\d+)_(.*)")
    judges, runs = list(table["judge"].unique()), list(dict.fromkeys(table["run"]))
    aus = sorted(table["au"].unique())
    figure, axes = _figure(len(judges), 1, max(8, 0.9 * len(aus) + 0.12 * len(runs) * len(aus)), 3.4)
    for axis, judge in zip(axes.flat, judges, strict=True):
        for k, run in enumerate(runs):
            rows = table[(table["judge"] == judge) & (table["run"] == run)].set_index("au").reindex(aus)
            place = np.arange(len(aus)) + (k - len(runs) / 2) * 0.8 / len(runs)
            error = [(rows["mean"] - rows["low"]).clip(lower=0), (rows["high"] - rows["mean"]).clip(lower=0)]
            axis.errorbar(
                place, rows["mean"], yerr=error, fmt=MARKS[k % len(MARKS)], markersize=4, linewidth=1, label=run,
                **_colour(run, k),
            )  # fmt: skip
        axis.set_xticks(range(len(aus)), aus)
        axis.set_ylabel(f"mean absolute error by {judge}")
        axis.set_ylim(bottom=0)
    _finish(figure, axes, args.out)


def responses_chart(args: argparse.Namespace) -> None:
    """What the first judge measures of each AU as it is asked for from 0 to 1, in the mean over people and seeds."""
    pairs, names = read_table(args.pairs), args.aus
    said: dict[str, list[np.ndarray]] = {}
    for path in args.measures:
        table = read_table(path)
        if len(table) != len(pairs):
            continue  # a row that is measured on the group `faces` alone
        judge = next(name for name in table if name.startswith(f"{names[0]}_")).removeprefix(f"{names[0]}_")
        said.setdefault(row_of(path)[0], []).append(table[[f"{name}_{judge}" for name in names]].to_numpy(float))
    across = min(4, len(names))
    figure, axes = _figure(-(-len(names) // across), across, 3.4, 3.2)
    for k, (axis, name) in enumerate(zip(axes.flat, names, strict=False)):
        axis.plot([0, 1], [0, 1], color="0.85", linewidth=1)
        for number, (run, values) in enumerate(said.items()):
            answers = [score.curves(pairs, one, name) for one in values]
            mean = np.mean([np.nanmean(answer[:, :, k], 0) for _, answer, _ in answers], 0)
            axis.plot(
                answers[0][0], mean, marker=MARKS[number % len(MARKS)], markersize=4, label=run,
                linestyle=":" if run in CONTROLS else "-", **_colour(run, number),
            )  # fmt: skip
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("asked")
        axis.set_ylabel("measured")
    for axis in axes.flat[len(names) :]:
        axis.axis("off")
    _finish(figure, axes, args.out)


def _figure(down: int, across: int, width: float, height: float):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt.subplots(down, across, figsize=(across * width, down * height), squeeze=False)


def _colour(run: str, number: int) -> dict:
    """Controls in grey, runs in colours."""
    import matplotlib

    colours = matplotlib.colormaps["tab20"].colors
    bright = [*colours[0:14:2], *colours[16::2], *colours[1:14:2], *colours[17::2]]  # without tab20's own greys
    return {"color": str(0.2 + 0.1 * CONTROLS.index(run)) if run in CONTROLS else bright[number % len(bright)]}


def _finish(figure, axes, out: str) -> None:
    """Frame the legend beside the pictures, and write the file."""
    labelled = axes.flat[0].get_legend_handles_labels()
    figure.tight_layout()
    figure.legend(*labelled, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
    with whole(out) as temporary:
        figure.savefig(temporary, dpi=110, bbox_inches="tight")


CHARTS = {"trade": trade_chart, "units": units_chart, "responses": responses_chart}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chart", choices=CHARTS)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--intervals", help="intervals.csv (trade, units)")
    parser.add_argument("--pairs", help="pairs.csv (responses)")
    parser.add_argument("--measures", nargs="+", help="measures.csv of the rows (responses)")
    parser.add_argument("--aus", nargs="+", help="the AUs that are edited (responses)")
    args = parser.parse_args()
    CHARTS[args.chart](args)


if __name__ == "__main__":
    run_cli(main)
