"""The pictures of an experiment: edits beside the truth, the runs beside each other, and the curves of training."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from wemgan.errors import run_cli
from wemgan.faces import read_table
from wemgan.files import whole
from wemgan.metrics.expression import expression_distance
from wemgan.metrics.fidelity import psnr
from wemgan.pictures import save_grid

PEOPLE, WORST = 6, 10


def _read(args: argparse.Namespace) -> tuple[pd.DataFrame, np.ndarray, np.ndarray | None]:
    """The pairs, their source faces and their true edits (or None)."""
    pairs = read_table(args.pairs)
    table = read_table(args.table)
    position = pd.Series(range(len(table)), index=table["id"])
    sources = np.load(args.faces, mmap_mode="r")[position.loc[pairs["source"]]]
    return pairs, sources, np.load(args.truth) if args.truth else None


def edits_figure(args: argparse.Namespace) -> None:
    """A row per held-out person (the first ones, unpicked): the input, then each strong expression, edit and truth."""
    pairs, sources, truth = _read(args)
    edits = np.load(args.edits[0], mmap_mode="r")
    kinds = list(pairs.loc[pairs["group"] == "strong", "kind"].unique())
    rows = {kind: np.flatnonzero(pairs["kind"] == kind)[:PEOPLE] for kind in kinds}
    columns, words = [sources[rows[kinds[0]]]], ["input"]
    for kind in kinds:
        columns.append(edits[rows[kind]])
        words.append(kind)
        if truth is not None:
            columns.append(truth[rows[kind]])
            words.append("truth")
    save_grid(args.out, np.stack(columns, axis=1), words)


def runs_figure(args: argparse.Namespace) -> None:
    """A row per pair, of every expression and one of the group `faces`: the input, each run's edit, and the truth."""
    pairs, sources, truth = _read(args)
    shown = pairs["group"].isin(["faces", "strong", "basic"])
    rows = _a_person_each(pairs, list(pairs.loc[shown, "kind"].unique()))
    names = [_run_of(path) for path in args.edits]
    columns = [sources[rows], *(np.load(path, mmap_mode="r")[rows] for path in args.edits)]
    if truth is not None:
        columns.append(truth[rows])
        names.append("truth")
    save_grid(args.out, np.stack(columns, axis=1), ["input", *names], [pairs["kind"][row] for row in rows])


def differences_figure(args: argparse.Namespace) -> None:
    """A row per expression: input, edit, truth, and what differs between them, four times as strong."""
    pairs, sources, truth = _read(args)
    kinds = list(pairs.loc[pairs["group"] == "strong", "kind"].unique())
    rows = _a_person_each(pairs, kinds)
    before, edit = sources[rows], np.load(args.edits[0], mmap_mode="r")[rows]
    columns = {"input": before, "edit": edit, "edit - input": _difference(edit, before)}
    if truth is not None:
        after = truth[rows]
        columns |= {
            "truth": after,
            "truth - input": _difference(after, before),
            "edit - truth": _difference(edit, after),
        }
    save_grid(args.out, np.stack(list(columns.values()), axis=1), list(columns), kinds)


def _a_person_each(pairs: pd.DataFrame, kinds: list[str]) -> list[int]:
    """The row of one pair of each kind, another person's in each if there are enough."""
    of_kind = [np.flatnonzero(pairs["kind"] == kind) for kind in kinds]
    return [found[number % len(found)] for number, found in enumerate(of_kind)]


def _difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Four times the absolute difference of uint8 pictures, black where they are equal."""
    return (4 * np.abs(first.astype(int) - second)).clip(0, 255).astype(np.uint8)


def failures_figure(args: argparse.Namespace) -> None:
    """Where each run is worst: the two strong expressions in which it falls farthest behind the first run.

    For the first run itself, those in which it falls farthest behind the copy of the input; all by PSNR to the truth.
    """
    pairs, sources, truth = _read(args)
    strong = np.flatnonzero(pairs["group"] == "strong")
    edits = {_run_of(path): np.load(path, mmap_mode="r") for path in args.edits}
    first = next(iter(edits))
    nearness = {name: psnr(edit[strong], truth[strong]) for name, edit in edits.items()}
    behind = {name: values - nearness[first] for name, values in nearness.items()}
    behind[first] = nearness[first] - psnr(sources[strong], truth[strong])
    grid, words = [], []
    for name, edit in edits.items():
        for row in behind[name].argsort()[:2]:
            of_all = strong[row]
            grid.append(np.stack([sources[of_all], edits[first][of_all], edit[of_all], truth[of_all]]))
            words.append(f"{name}: {pairs['kind'][of_all]} {behind[name][row]:+.1f} dB")
    save_grid(args.out, np.stack(grid), ["input", first, "this run", "truth"], words)


def worst_figure(args: argparse.Namespace) -> None:
    """The ten worst edits of each run, by the first judge's AU error: input, edit and, if known, truth."""
    pairs, sources, truth = _read(args)
    rows, words = [], []
    for edits, measures in zip(args.edits, args.measures, strict=True):
        table = read_table(measures)
        judge = next(name for name in table if name.startswith(f"{args.aus[0]}_")).removeprefix(f"{args.aus[0]}_")
        said = table[[f"{name}_{judge}" for name in args.aus]].to_numpy()
        distance = expression_distance(said, pairs[args.aus].to_numpy(float))
        distance[(pairs["group"] != "faces").to_numpy() | ~np.isfinite(distance)] = -1
        worst = np.argsort(-distance, kind="stable")[:WORST]
        shown = {"input": sources[worst], "edit": np.load(edits, mmap_mode="r")[worst]}
        if truth is not None:
            shown["truth"] = truth[worst]
        rows += shown.values()
        words += [f"{_run_of(edits)}: {what}" for what in shown]
    save_grid(args.out, np.stack(rows), [f"{k + 1}." for k in range(len(rows[0]))], words)


def _run_of(path: str) -> str:
    """The run's name in runs/<run>/seed<k>/<file>."""
    return Path(path).parent.parent.name


def curves_figure(args: argparse.Namespace) -> None:
    """The losses of every run against the images seen, from the histories."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    histories = {f"{_run_of(p)} {Path(p).parent.name}": pd.read_csv(p) for p in args.history}
    names = list(dict.fromkeys(name for history in histories.values() for name in history if name != "images"))
    across = 4
    figure, axes = plt.subplots(
        -(-len(names) // across), across, figsize=(14, 2.6 * -(-len(names) // across)), squeeze=False
    )
    for axis, name in zip(axes.flat, names, strict=False):
        for run, history in histories.items():
            if name in history:
                axis.plot(history["images"], history[name], label=run, linewidth=1)
        axis.set_title(name, fontsize=9)
        axis.set_xlabel("images", fontsize=8)
    for axis in axes.flat[len(names) :]:
        axis.axis("off")
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="lower right", fontsize=8)
    figure.tight_layout()
    with whole(args.out) as temporary:
        figure.savefig(temporary, dpi=110)


FIGURES = {
    "edits": edits_figure,
    "runs": runs_figure,
    "differences": differences_figure,
    "failures": failures_figure,
    "worst": worst_figure,
    "curves": curves_figure,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figure", choices=FIGURES)
    parser.add_argument("--out", required=True)
    for name in ("faces", "table", "pairs", "truth"):
        parser.add_argument(f"--{name}")
    parser.add_argument(
        "--edits", nargs="+", help="edits.npy of one run (edits, differences) or of several (runs, failures)"
    )
    parser.add_argument("--measures", nargs="+", help="measures.csv of the runs (worst)")
    parser.add_argument("--aus", nargs="+", help="the AUs that are edited (worst)")
    parser.add_argument("--history", nargs="+", help="history.csv of the runs (curves)")
    args = parser.parse_args()
    FIGURES[args.figure](args)


if __name__ == "__main__":
    run_cli(main)
