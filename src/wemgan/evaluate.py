"""Measure one row of the table: a trained run, a control, or edits that any other program made.

    python -m wemgan.evaluate --config config.json ... --model model.pt      a run
    python -m wemgan.evaluate --config config.json ... --control blur        a control
    python -m wemgan.evaluate --real DIR --edited DIR --pairs pairs.csv      another program's edits (wemgan.alone)

Metrics carry the judge's name, since a distance by one network cannot be compared with that by another: `acd_<judge>`,
`au_mae_<judge>`, `fd_<judge><dimensions>` (a Frechet distance on the judge's features; `fid` only with Inception's).
docs/metrics.md says what each is.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from wemgan import controls, download, measure, score
from wemgan import judge as trained
from wemgan.editor import Editor
from wemgan.errors import UserError, run_cli
from wemgan.faces import read_labels, read_table
from wemgan.files import digest, read_json, whole, write_json
from wemgan.judges import Judges
from wemgan.metrics.frechet import frechet_distance
from wemgan.metrics.kernel import kernel_distance


def asked_for(pairs: pd.DataFrame, names: list[str], judges: Judges) -> dict[str, str]:
    """Digests of what all rows of a table must share: the edits asked for, and who measured them."""
    edits = pairs[["group", "kind", "identity", *names]].round(4).to_csv(index=False)
    return {"pairs": hashlib.sha256(edits.encode()).hexdigest()[:16], "judges": judges.digest()}


def score_row(measured: measure.Measured, pairs, names: list[str], real: measure.Reference) -> dict[str, float]:
    """The metrics of a row by name, rounded, with the number of edits, of people, and the distances of whole sets."""
    person = pd.factorize(pairs["identity"])[0]
    found = score.metrics_of(measured.table, pairs, names, person)
    faces = pairs[pairs["group"] == "faces"]
    result: dict[str, float] = {"n": len(faces), "people": faces["identity"].nunique()}
    result |= {name: round(metric.all(), 5) for name, metric in found.items()}
    for judge, features in measured.features.items():
        reference = real.said["features", judge]
        name = "fid" if judge == "inception" else f"fd_{judge}{reference.shape[1]}"
        try:
            result[name] = round(frechet_distance(reference, features), 5)
        except UserError as too_few:
            print(f"no {name}: {too_few}")
        if min(len(reference), len(features)) > 1:
            result["kid" if judge == "inception" else f"kd_{judge}{reference.shape[1]}"] = round(
                kernel_distance(reference, features), 6
            )
    return result


def find_lpips(weights: dict, device: torch.device) -> Callable | None:
    """LPIPS, if the weights of the network that it rests on are there; they are not downloaded for it."""
    from wemgan import lpips

    try:
        return lpips.Lpips(download.find(lpips.MODEL, weights | {"download": False}), device)
    except download.Missing:
        return None


def maker(args: argparse.Namespace, pairs, names: list[str], pixels, place: pd.Series, device) -> Callable:
    """What makes the edits of a slice of the pairs from their sources (n, S, S, 3): a model, or a control.

    `place` is the row in `pixels` of a face's id.
    """
    wanted = pairs[names].to_numpy(np.float32, copy=True)
    if args.model:
        made_with = digest(args.run_config) if args.run_config else None
        editor = Editor(args.model, device, digest(args.aus, args.split), made_with)
        labels = read_labels(args.aus).set_index("id")[names]
        before = labels.loc[pairs["source"]].to_numpy(np.float32, copy=True)
        return lambda part, source: editor(source, before[part], wanted[part])
    if args.control == "copy":
        return lambda part, source: source
    if args.control in ("blur", "jpeg"):
        return lambda part, source: getattr(controls, args.control)(source)
    if args.control == "fooled":
        network, _ = trained.load(args.judge, device)
        return lambda part, source: controls.fool(source, wanted[part], network, device)
    if args.control == "wrong" and not args.wrong:
        others = place.loc[pairs["target"]].to_numpy()
        return lambda part, source: pixels[others[part]]
    path = {"truth": args.truth, "wrong": args.wrong}[args.control]
    if path is None:
        raise UserError(f"the control {args.control} wants the true edits, which are known of rendered faces alone")
    drawn = np.load(path, mmap_mode="r")
    return lambda part, source: drawn[part]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("config", "faces", "table", "aus", "split", "pairs", "reference", "metrics", "measures", "edits"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--truth", help="true edits of the pairs, where they are known")
    parser.add_argument("--wrong", help="true edits of another person, where they are known (for the control `wrong`)")
    parser.add_argument("--judge", help="the trained judge, if it is asked for")
    parser.add_argument("--hog", help="the regression on gradients, if it is asked for")
    parser.add_argument("--run-config", help="config.json of the run, by which the model has to be trained")
    row = parser.add_mutually_exclusive_group(required=True)
    row.add_argument("--model", help="weights of the run")
    row.add_argument("--control", choices=("copy", "truth", "wrong", "blur", "jpeg", "fooled"))
    args = parser.parse_args()
    config, pairs = read_json(args.config), read_table(args.pairs)
    names, device = config["data"]["aus"], torch.device("cuda" if torch.cuda.is_available() else "cpu")
    pixels = np.load(args.faces, mmap_mode="r")
    place = pd.Series(np.arange(len(table := read_table(args.table))), index=table["id"])
    every_pair = pairs
    if args.control == "wrong" and not args.wrong:  # of photos, only a face whose AUs are wanted is another person's
        pairs = pairs[pairs["group"] == "faces"].reset_index(drop=True)
    rows = place.loc[pairs["source"]].to_numpy()
    truth = np.load(args.truth, mmap_mode="r") if args.truth else None
    make = maker(args, pairs, names, pixels, place, device)
    judges = Judges(config, device, args.judge, args.hog)
    reference = measure.Reference.load(args.reference)
    if reference.judges != judges.digest():
        raise UserError(f"{args.reference} was measured by other judges; run the step wemgan.reference again")
    with whole(args.edits) as temporary:
        edits = np.lib.format.open_memmap(temporary, "w+", np.uint8, (len(pairs), *pixels.shape[1:]))

        def write(part):
            edits[part] = make(part, pixels[rows[part]])
            return edits[part]

        measured = measure.measure(
            pairs, names, write, lambda part: pixels[rows[part]], truth, judges, reference,
            find_lpips(config["weights"], device) if truth is not None else None,
        )  # fmt: skip
        edits.flush()
    with whole(args.measures) as temporary:
        measured.table.round(5).to_csv(temporary, index=False)
    result = score_row(measured, pairs, names, reference)
    made_of = {"config": digest(args.config), "measures": digest(args.measures)}
    made_of |= {name: digest(path) for name, path in (("run", args.run_config), ("model", args.model)) if path}
    write_json(args.metrics, {"made_of": made_of} | asked_for(every_pair, names, judges) | result)
    print(", ".join(f"{k} {v:.4g}" for k, v in result.items() if "/" not in k and "mae_AU" not in k))


if __name__ == "__main__":
    if any(word.split("=")[0] == "--real" for word in sys.argv):
        from wemgan import alone

        run_cli(alone.main)
    else:
        run_cli(main)
