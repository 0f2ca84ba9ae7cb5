"""The tables of an experiment in Markdown, each with how to read it."""

import pandas as pd

from wemgan.columns import AUS_RIGHT, CONTROLS, METRICS, SHORT, TABLES, WINS, columns_of, kind_of


def markdown(frame: pd.DataFrame, names: list[str], differences: pd.DataFrame | None = None) -> str:
    """A table of these metrics: mean over seeds and, where there are several, their standard deviation.

    A value that does not differ significantly from the first run's is marked with an equals sign, by `differences`.
    """
    same = set()
    if differences is not None:
        same = set(differences.loc[~differences["significant"], ["run", "metric"]].itertuples(index=False, name=None))
    heads = [f"{name} ({METRICS[kind_of(name)][0]})" for name in names]
    lines = []
    for run, rows in frame.groupby("run", sort=False):
        cells = [_cell(rows[name]) + (" =" if (run, name) in same else "") for name in names]
        lines.append([run, "-" if (_seed(rows) == "").any() else len(rows), *cells])
    return _table(["run", "seeds", *heads], lines)


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
    lines = []
    for run, rows in runs.groupby("run", sort=False):
        forms = shown | {"gain": "+.2f"}
        cells = [f"{rows[name].mean():{form}}{_deviation(rows[name])}" for name, form in forms.items()]
        place = "told the truth, not ranked"
        if run in means.index:
            place = " + ".join(f"{rank:g}" for rank in means.loc[run]) + f" = {means.loc[run].sum():g}"
        lines.append([run, *cells, place])
    return _table(["run", *heads], lines)


def spread_table(intervals: pd.DataFrame, differences: pd.DataFrame, names: list[str]) -> str:
    """The 95 % intervals of these metrics, and the differences from the first run with their intervals and p-values."""
    heads = ["run", "metric", "mean", "95 % interval", "less the first run", "95 % interval", "p (Holm)", "seeds agree"]
    lines = []
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
            lines.append(cells)
    return _table(heads, lines)


def interval_table(intervals: pd.DataFrame, names: list[str]) -> str:
    """Rows down, these metrics across: the 95 % interval of each."""
    cells = intervals[intervals["metric"].isin(names)].set_index(["run", "metric"])
    cells = cells.apply(lambda row: f"[{_number(row['low'])}, {_number(row['high'])}]", axis=1).unstack(
        "metric", sort=False
    )
    shown = [name for name in names if name in cells]
    return _table(["95 % interval over people", *shown], cells[shown].fillna("").reset_index().to_numpy().tolist())


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
    return _table(["expression", *cells], cells.fillna("").replace("(nan)", "").reset_index().to_numpy().tolist())


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
    lines = [
        ["" if pd.isna(value) else f"{value:.4g}" if isinstance(value, float) else value for value in row]
        for row in rows.itertuples(index=False)
    ]
    return _table(list(rows.columns), lines)


def legend(frame: pd.DataFrame, intervals: pd.DataFrame, about: dict[str, str]) -> str:
    """What each column is: its definition, of how many values and people it is the mean, and whose measure it is."""
    sizes = intervals.drop_duplicates("metric").set_index("metric")[["n", "people"]]
    lines = []
    for name in (name for kinds in TABLES.values() for name in columns_of(frame, kinds)):
        better, what = METRICS[kind_of(name)]
        n, people = (f"{v:.0f}" for v in sizes.loc[name]) if name in sizes.index else ("all of the set", "")
        lines.append([name, better, what, n, people])
    judges = "\n".join(f"- `{name}`: {text}" for name, text in about.items())
    table = _table(["metric", "better", "what", "values", "people"], lines)
    return f"{table}\nAll on the test split, whose people nobody was trained on. The judges:\n\n{judges}\n"


def _table(heads: list[str], rows: list[list]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


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
