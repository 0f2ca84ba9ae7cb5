"""Gather the metrics of all rows into the tables of an experiment: a row per run and seed, and the means over seeds."""

import argparse

import pandas as pd

from wemgan.compare import row_of
from wemgan.errors import UserError, run_cli
from wemgan.files import read_json, whole, write_bytes
from wemgan.pairs import EXPRESSIONS

CONTROLS = ("copy", "truth", "wrong", "blur", "jpeg", "fooled")
# By the beginning of a metric's name: which way it gets better, and what it is.
METRICS = {
    "acd": ("lower", "identity distance of edit and input (L2 of normalised embeddings, 0 to 2), mean: the ACD"),
    "au_mae": ("lower", "mean absolute AU error against the AUs asked for, over AUs and edits"),
    "ed": ("lower", "expression distance: L2 norm of the AU error, mean over edits"),
    "pearson": ("higher", "Pearson's r of asked and measured, mean over AUs"),
    "icc": ("higher", "ICC(3,1) of asked and measured, mean over AUs"),
    "disagreement": (
        "lower",
        "mean absolute difference of two judges' AUs; the truth's is usual, more is deceit or damage",
    ),
    "monotonicity": ("higher", "Spearman's rho of asked and measured strength as one AU rises, mean over AUs, faces"),
    "slope": ("near 1", "measured rise of an AU per unit asked"),
    "leakage": ("lower", "mean absolute change of the other AUs as one rises from 0 to 1"),
    "psnr_inside": ("higher", "PSNR to the truth in dB, inside of the region that the truth moves"),
    "psnr_outside": ("higher", "PSNR to the truth in dB, outside of that region"),
    "psnr": ("higher", "PSNR to the truth in dB, at most 60"),
    "ssim_inside": ("higher", "SSIM inside of the region that the truth moves"),
    "ssim_outside": ("higher", "SSIM outside of that region"),
    "ssim": ("higher", "structural similarity to the truth"),
    "hf_inside": ("lower", "error in the high Haar bands inside of the region that the truth moves"),
    "hf_outside": ("lower", "error in the high Haar bands outside of that region"),
    "hf": ("lower", "mean absolute error in the three high Haar bands, in levels of 255"),
    "lpips": ("lower", "LPIPS to the truth"),
    "fid": ("lower", "FID: Frechet distance of Inception features of edits and of real held-out faces"),
    "fd": ("lower", "Frechet distance of the judge's features of edits and of real held-out faces (not FID)"),
    "kid": ("lower", "KID: squared kernel distance of Inception features"),
    "kd": ("lower", "squared kernel distance of the judge's features (not KID)"),
    "no_face_rate": ("lower", "share of edits in which no face is found"),
    "self_psnr": ("higher", "PSNR to the input in dB where no change is asked for, at most 60"),
    "self_l1": ("lower", "mean absolute change in levels of 255 where no change is asked for"),
    "self_acd": ("lower", "identity distance where no change is asked for"),
    "mae_AU": ("lower", "mean absolute error of one AU"),
}
# The columns of the tables, by the beginning of their names.
EXPRESSION = ("au_mae", "icc", "disagreement", "monotonicity", "slope", "leakage", "acd")
TRUTH = ("psnr", "psnr_inside", "psnr_outside", "ssim", "hf", "lpips")
SETS = ("fid", "fd", "kid", "kd")
TABLES = {"Expression and person": EXPRESSION, "Picture": (*TRUTH, *SETS, "no_face_rate", "self_psnr")}
SHORT = ("au_mae", "disagreement", "acd", "psnr", "ssim", "hf", "fid", "fd", "no_face_rate")
# Why a control may come first by a metric, by both; what is not here is called unexplained.
AUS_RIGHT = ("au_mae", "ed", "pearson", "icc", "monotonicity", "slope", "mae_AU", "leakage")
WINS = {
    "copy": {
        ("acd", "self_acd", "self_psnr", "self_l1"): "it is the input itself",
        ("leakage",): "nothing moves in it",
        (*SETS, "no_face_rate"): "it is a real picture",
        ("psnr_outside", "ssim_outside", "hf_outside"): "outside of what should move it is right",
        ("disagreement",): "no judge is deceived by a real picture",
    },
    "truth": {tuple(METRICS): "it is what the edit should be"},
    "wrong": {
        (*AUS_RIGHT, "disagreement"): "its AUs are the true ones, of another person",
        (*SETS, "no_face_rate"): "it is a real picture, of another person",
    },
    "blur": {
        ("leakage",): "nothing moves in it",
        ("no_face_rate",): "a blurred face is found too",
        ("disagreement",): "blur takes from both judges what they would see",
    },
    "jpeg": {
        ("leakage",): "nothing moves in it",
        ("no_face_rate",): "a compressed face is found too",
        ("disagreement",): "compression takes from both judges what they would see",
    },
    "fooled": {
        AUS_RIGHT: "its noise was made to deceive this judge, and the other judge's measures show it",
        ("no_face_rate",): "the face below the noise is found",
    },
}


def gather(paths: list[str]) -> pd.DataFrame:
    """One row per metrics.json: controls first, then runs, then other programs' edits.

    UserError if they were not measured on the same pairs by the same judges.
    """
    rows, made_of = [], {}
    for path in paths:
        run, seed = row_of(path)
        measured = read_json(path)
        for what in ("pairs", "judges"):
            known = made_of.setdefault(what, measured.get(what))
            if measured.get(what) != known:
                raise UserError(
                    f"{path} was measured on other {what} than {paths[0]}; measure it again, or take its folder away"
                )
        rows.append({"run": run, "seed": "" if seed is None else seed} | measured)
    frame = pd.DataFrame(rows).drop(columns=["pairs", "judges"], errors="ignore")
    frame["control"] = ~frame["run"].isin(CONTROLS)
    return frame.sort_values("control", kind="stable").drop(columns="control").reset_index(drop=True)


def by_expression(frame: pd.DataFrame) -> pd.DataFrame:
    """The metrics by expression: a row per run, seed and expression, which is `strong` or `basic`."""
    rows = []
    for row in frame.to_dict("records"):
        kinds = sorted({name.split("/")[1] for name in row if "/" in name})
        for kind in kinds:
            found = {name.split("/")[0]: value for name, value in row.items() if name.endswith(f"/{kind}")}
            group = "strong" if kind in EXPRESSIONS else "basic"
            rows.append({"run": row["run"], "seed": row["seed"], "group": group, "expression": kind} | found)
    return pd.DataFrame(rows, columns=None if rows else ["run", "seed", "group", "expression"])


def kind_of(name: str) -> str | None:
    """The key of METRICS that a metric belongs to."""
    return next((kind for kind in sorted(METRICS, key=len, reverse=True) if name.split("/")[0].startswith(kind)), None)


def columns_of(frame: pd.DataFrame, kinds: tuple[str, ...]) -> list[str]:
    """The metrics of these kinds over the group `faces`, in that order."""
    names = [name for name in frame if "/" not in name]
    return [name for kind in kinds for name in names if kind_of(name) == kind]


def markdown(frame: pd.DataFrame, names: list[str], differences: pd.DataFrame | None = None) -> str:
    """A table of these metrics: mean over seeds and, where there are several, their standard deviation.

    A value that does not differ significantly from the first run's is marked with an equals sign, by `differences`.
    """
    same = set()
    if differences is not None:
        same = set(differences.loc[~differences["significant"], ["run", "metric"]].itertuples(index=False, name=None))
    heads = [f"{name} ({METRICS[kind_of(name)][0]})" for name in names]
    lines = ["| run | seeds | " + " | ".join(heads) + " |", "| --- | --- |" + " --- |" * len(names)]
    for run, rows in frame.groupby("run", sort=False):
        cells = [_cell(rows[name]) + (" =" if (run, name) in same else "") for name in names]
        seeds = "-" if (_seed(rows) == "").any() else len(rows)
        lines.append(f"| {run} | {seeds} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def wins(frame: pd.DataFrame, names: list[str]) -> str:
    """A sentence for each metric on which a control comes first, with the cause; a warning where none is known."""
    means = frame.groupby("run", sort=False)[names].mean()
    causes: dict[str, list[str]] = {}
    for name in names:
        direction = METRICS[kind_of(name)][0]
        column = means[name].dropna()
        if column.empty or column.nunique() == 1:
            continue
        distance = {"lower": column, "higher": -column, "near 1": (column - 1).abs()}[direction]
        for run in distance.index[distance == distance.min()]:
            if run in CONTROLS:
                known = (why for kinds, why in WINS[run].items() if kind_of(name) in kinds)
                if run == "fooled" and kind_of(name) in AUS_RIGHT and not name.endswith("_judge"):
                    known = iter(())  # it was made against that one alone
                causes.setdefault(f"`{run}`: {next(known, 'UNEXPLAINED, distrust the metric')}", []).append(f"`{name}`")
    return "".join(f"- {cause} ({', '.join(dict.fromkeys(which))})\n" for cause, which in causes.items())


def standing(summary: pd.DataFrame, expressions: pd.DataFrame, bounds: list[str]) -> str:
    """How each run stands between the controls; empty without the truth among them.

    `AU error removed`: (copy - run) / (copy - truth) by each judge of AUs; below it the truth's own error counts.
    `gain`: PSNR to the truth beyond the copy's in dB, mean of the strong expressions. `rank`: places by AU error (the
    mean of the judges) and by identity distance, lower is better, added up; runs that were told the truth (`bounds`)
    are not ranked.
    """
    controls = summary[summary["run"].isin(CONTROLS)].set_index("run")
    strong = expressions[expressions["group"] == "strong"]
    if not {"copy", "truth"} <= set(controls.index) or strong.empty:
        return ""
    errors, identity = columns_of(summary, ("au_mae",)), columns_of(summary, ("acd",))[:1]
    runs = summary[~summary["run"].isin(CONTROLS)].copy()
    shown = {}
    for name in errors:
        spare = controls.loc["copy", name] - controls.loc["truth", name]
        runs[f"removed {name}"] = 100 * (controls.loc["copy", name] - runs[name]) / spare
        shown[f"removed {name}"] = ".1f"
    nearness = strong.groupby([strong["run"], _seed(strong)])["psnr"].mean()
    keys = list(zip(runs["run"], _seed(runs), strict=True))
    runs["gain"] = nearness.reindex(keys).to_numpy() - nearness.xs("copy", level="run").mean()
    runs["error"] = runs[errors].mean(axis=1)
    means = runs[~runs["run"].isin(bounds)].groupby("run", sort=False)[["error", *identity]].mean().rank()
    heads = [f"AU error removed by {name.removeprefix('au_mae_')}, %" for name in errors]
    heads += ["gain on strong expressions, dB", " + by ".join(["rank by AU error", *["identity"][: len(identity)]])]
    lines = [f"| run | {' | '.join(heads)} |", "| --- |" + " --- |" * len(heads)]
    for run, rows in runs.groupby("run", sort=False):
        forms = shown | {"gain": "+.2f"}
        cells = [f"{rows[name].mean():{form}}{_deviation(rows[name])}" for name, form in forms.items()]
        place = "told the truth, not ranked"
        if run in means.index:
            place = " + ".join(f"{rank:g}" for rank in means.loc[run]) + f" = {means.loc[run].sum():g}"
        lines.append(f"| {run} | {' | '.join(cells)} | {place} |")
    return "\n".join(lines) + "\n"


def spread_table(intervals: pd.DataFrame, differences: pd.DataFrame, names: list[str]) -> str:
    """The 95 % intervals of these metrics, and the differences from the first run with their intervals and p-values."""
    lines = ["| run | metric | mean | 95 % interval | less the first run | 95 % interval | p (Holm) | seeds agree |"]
    lines.append("| --- |" + " --- |" * 7)
    apart = differences.set_index(["run", "metric"])
    for name in names:
        for row in intervals[intervals["metric"] == name].itertuples():
            cells = [row.run, name, _number(row.mean), f"[{_number(row.low)}, {_number(row.high)}]"]
            if (row.run, name) in apart.index:
                other = apart.loc[(row.run, name)]
                mark = "" if other["significant"] else " ="
                cells += [
                    f"{_number(other['difference'], '+')}{mark}",
                    f"[{_number(other['low'], '+')}, {_number(other['high'], '+')}]",
                ]
                cells += [f"{other['p_holm']:.2g}", "yes" if other["seeds_agree"] else "no"]
            else:
                cells += ["", "", "", ""]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def interval_table(intervals: pd.DataFrame, names: list[str]) -> str:
    """Rows down, these metrics across: the 95 % interval of each."""
    cells = intervals[intervals["metric"].isin(names)].set_index(["run", "metric"])
    cells = cells.apply(lambda row: f"[{_number(row['low'])}, {_number(row['high'])}]", axis=1).unstack(
        "metric", sort=False
    )
    shown = [name for name in names if name in cells]
    lines = ["| 95 % interval over people | " + " | ".join(shown) + " |", "| --- |" + " --- |" * len(shown)]
    lines += [
        f"| {run} | {' | '.join(row)} |"
        for run, row in zip(cells.index, cells[shown].fillna("").to_numpy(), strict=True)
    ]
    return "\n".join(lines) + "\n"


def strong_table(expressions: pd.DataFrame) -> str:
    """Expressions down, runs across: PSNR to the truth in dB where it is known, and the AU error in brackets."""
    error = next(name for name in expressions if name.startswith("au_mae_"))
    known = [name for name in ("psnr", error) if name in expressions]
    table = expressions.groupby(["expression", "run"], sort=False)[known].mean()
    if "psnr" in known:
        cells = table.apply(lambda row: f"{row['psnr']:.2f} ({row[error]:.3f})", axis=1)
    else:
        cells = table[error].map("({:.3f})".format)
    cells = cells.unstack(sort=False)
    if "truth" in cells:
        cells["truth"] = [f"({value:.3f})" for value in table[error].xs("truth", level="run")]
    lines = [["expression", *cells], ["---"] * (1 + len(cells.columns))]
    lines += [[name, *row] for name, *row in cells.fillna("").replace("(nan)", "").itertuples()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def short(frame: pd.DataFrame, expressions: pd.DataFrame, differences: pd.DataFrame, bounds: list[str]) -> str:
    """What a README has room for: the main metrics, the standing, the strong expressions."""
    strong = expressions[~expressions["run"].isin(("wrong", "blur", "jpeg", "fooled"))].reset_index(drop=True)
    parts = [f"{key(frame)}\n", markdown(frame, columns_of(frame, SHORT), differences)]
    if between := standing(frame, expressions, bounds):
        parts.append(f"Between the controls:\n\n{between}")
    if not strong.empty:
        what = (
            "PSNR to the truth in dB (AU error by the first judge)"
            if "psnr" in strong
            else "AU error by the first judge"
        )
        parts.append(f"Expressions, {what}:\n\n{strong_table(strong)}")
    return "\n".join(parts)


def key(frame: pd.DataFrame) -> str:
    """How to read the tables: over what the means are, and what the marks mean."""
    runs = frame[~frame["run"].isin(CONTROLS)]
    words = f"Means over {frame['n'].max():.0f} edits of {frame['people'].max():.0f} held-out people"
    words += ", and over seeds, ± their standard deviation. " if runs["run"].duplicated().any() else ". "
    if runs["run"].nunique() > 1:
        words += (
            f"`=`: not significantly different from `{runs['run'].iloc[0]}` (bootstrap over people and seeds, "
            "p < 0.05 after Holm's correction over runs, and the same sign with every seed). Controls and distances of "
            "whole sets (`fd`, `kd`) are not tested. "
        )
        if not runs["run"].duplicated().any():
            words += "With one seed this compares two models, not two methods. "
    return words.strip()


def report(frame, expressions, intervals, differences, cards, about: dict[str, str], bounds: list[str]) -> str:
    """summary.md: all tables, each with how to read it."""
    parts = [f"# Results\n\n{key(frame)}\n"]
    shown = [name for kinds in TABLES.values() for name in columns_of(frame, kinds)]
    for head, kinds in TABLES.items():
        parts.append(f"## {head}\n\n{markdown(frame, columns_of(frame, kinds), differences)}")
    if first := wins(frame, shown):
        parts.append(f"Where a control comes first, and why:\n\n{first}")
    if between := standing(frame, expressions, bounds):
        parts.append(f"## Between the controls\n\n{between}")
    if not expressions.empty:
        parts.append(
            f"## Expressions\n\nPSNR to the truth in dB where it is known (AU error).\n\n{strong_table(expressions)}"
        )
    main = columns_of(frame, ("au_mae", "acd", "psnr"))
    note = "By bootstrap over people and seeds, 5,000 draws, the same people for all rows; all metrics: intervals.csv, "
    note += "differences.csv."
    parts.append(f"## Spread\n\n{note}\n\n{spread_table(intervals, differences, main)}")
    parts.append(f"## What the judges are worth\n\nWhere the answer is known.\n\n{cards_table(cards)}")
    parts.append(f"## What the metrics are\n\n{legend(frame, intervals, about)}")
    return "\n".join(parts)


def cards_table(cards: pd.DataFrame) -> str:
    """The report cards, without the single AUs."""
    rows = cards[~cards["measure"].str.match(r"AU\d\d$")]
    lines = ["| " + " | ".join(rows.columns) + " |", "| " + " | ".join(["---"] * len(rows.columns)) + " |"]
    for row in rows.itertuples(index=False):
        lines.append(
            "| " + " | ".join("" if pd.isna(v) else f"{v:.4g}" if isinstance(v, float) else str(v) for v in row) + " |"
        )
    return "\n".join(lines) + "\n"


def legend(frame: pd.DataFrame, intervals: pd.DataFrame, about: dict[str, str]) -> str:
    """What each column is: its definition, of how many values and people it is the mean, and whose measure it is."""
    sizes = intervals.drop_duplicates("metric").set_index("metric")[["n", "people"]]
    lines = ["| metric | better | what | values | people |", "| --- | --- | --- | --- | --- |"]
    for name in (name for kinds in TABLES.values() for name in columns_of(frame, kinds)):
        better, what = METRICS[kind_of(name)]
        n, people = (f"{v:.0f}" for v in sizes.loc[name]) if name in sizes.index else ("all of the set", "")
        lines.append(f"| {name} | {better} | {what} | {n} | {people} |")
    judges = "\n".join(f"- `{name}`: {text}" for name, text in about.items())
    return (
        "\n".join(lines) + f"\n\nAll on the test split, whose people nobody was trained on. The judges:\n\n{judges}\n"
    )


def _seed(frame: pd.DataFrame) -> pd.Series:
    """The seeds as text, empty for rows without one, whether they come from memory or from a file."""
    return frame["seed"].map(lambda seed: "" if pd.isna(seed) or seed == "" else str(int(seed)))


def _number(value: float, sign: str = "") -> str:
    return f"{value:{sign}.2g}" if 0 < abs(value) < 0.01 else f"{value:{sign}.4g}"


def _cell(values: pd.Series) -> str:
    if values.isna().all():
        return ""
    return _number(values.mean()) + _deviation(values)


def _deviation(values: pd.Series) -> str:
    """The standard deviation as what follows a mean, if there are several values."""
    return f" ± {values.std():.2g}" if len(values) > 1 else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--metrics", nargs="+", required=True)
    for name in ("intervals", "differences", "cards", "about"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--bounds", nargs="*", default=[], help="runs that were told the truth, and are not ranked")
    parser.add_argument("--summary", required=True, help="CSV: a row per run and seed, and the controls")
    parser.add_argument("--expressions", required=True, help="CSV: a row per run, seed and strong expression")
    parser.add_argument("--markdown", required=True)
    args = parser.parse_args()
    frame = gather(args.metrics)
    tables = {args.summary: frame[[name for name in frame if "/" not in name]], args.expressions: by_expression(frame)}
    for path, table in tables.items():
        with whole(path) as temporary:
            table.to_csv(temporary, index=False)
    intervals, differences, cards = (pd.read_csv(path) for path in (args.intervals, args.differences, args.cards))
    about = read_json(args.about)
    text = report(frame, tables[args.expressions], intervals, differences, cards, about, args.bounds)
    write_bytes(args.markdown, text.encode())
    print(short(frame, tables[args.expressions], differences, args.bounds))


if __name__ == "__main__":
    run_cli(main)
