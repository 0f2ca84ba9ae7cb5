"""Real photos whose true edit exists: two of one person. Edit one to the AUs measured on the other, and compare.

    python -m wemgan.own_photo --data results/london/data --model results/celeba/runs/full/seed0/model.pt \
        --weights weights --out results/own_photo/london

`--data` holds the faces and labels of an experiment on photos (`snakemake data`). Of every person the calmest photo is
edited to the AUs of the one that differs most from it. The true edit is that photo itself: another moment, so that it
cannot be met exactly, and the control `truth` says how far two photos of one person lie apart by each identity judge.
The control `wrong` is another person's such photo. --model may be given several times.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from wemgan import columns, compare, controls, measure, summarize, tables
from wemgan.alone import PHOTO_JUDGES
from wemgan.editor import Editor
from wemgan.errors import UserError, run_cli
from wemgan.evaluate import find_lpips, score_row
from wemgan.faces import read_labels, read_table
from wemgan.files import digest, whole, write_bytes, write_json
from wemgan.judges import Judges
from wemgan.origin import machine
from wemgan.pictures import save_grid
from wemgan.reference import measure_real

PEOPLE = 8  # in the picture
SHOWN = ("au_mae", "icc", "acd", "psnr", "ssim", "hf", "psnr_inside", "psnr_outside", "no_face_rate")


def choose(faces: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Of each person (identity, id, AUs) the calmest photo as source, the farthest from it by AUs as target."""
    rows = []
    for person, photos in faces.groupby("identity"):
        aus = photos[names].to_numpy()
        calm = aus.sum(1).argmin()
        far = np.linalg.norm(aus - aus[calm], axis=1).argmax()
        if far != calm:
            pair = {"identity": person, "source": photos["id"].iloc[calm], "target": photos["id"].iloc[far]}
            rows.append({"group": "faces", "kind": "faces"} | pair | dict(zip(names, aus[far], strict=True)))
    if len(rows) < 2:
        raise UserError("fewer than two people have two photos that differ; this benchmark wants pairs of photos")
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=Path, help="results/<experiment>/data of an experiment on photos")
    parser.add_argument("--model", required=True, action="append", type=Path, help="runs/<run>/seed<k>/model.pt")
    parser.add_argument("--weights", default="weights", help="folder of the judges' files")
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    editors = {row_name(path): Editor(str(path), device, None) for path in args.model}
    if len(editors) < len(args.model):
        raise UserError("two of the models have one name; give them as runs/<run>/seed<k>/model.pt")
    names = next(iter(editors.values())).aus
    if any(editor.aus != names for editor in editors.values()):
        raise UserError("the models edit different AUs; compare them one by one")
    table, labels = read_table(args.data / "faces.csv"), read_labels(args.data / "aus.csv")
    missing = [name for name in names if name not in labels]
    if missing:
        raise UserError(f"{args.data}/aus.csv has no {', '.join(missing)}, which the model edits; add them to data.aus")
    faces = table[["id", "identity"]].merge(labels[["id", *names]], on="id")
    pairs = choose(faces, names)
    place = pd.Series(np.arange(len(table)), index=table["id"])
    pixels = np.load(args.data / "faces.npy")
    source, truth = (pixels[place.loc[pairs[column]]] for column in ("source", "target"))
    before = faces.set_index("id").loc[pairs["source"], names].to_numpy(np.float32, copy=True)
    wanted = pairs[names].to_numpy(np.float32, copy=True)

    weights = {"directory": args.weights, "download": False}
    judges = Judges({"data": {"aus": names}, "judge": PHOTO_JUDGES, "weights": weights}, device)
    reference = measure_real(faces["id"].to_numpy(), pixels[place.loc[faces["id"]]], judges, args.out / "real.npz")
    edits = {
        "copy": source, "truth": truth, "wrong": np.roll(truth, 1, 0), "blur": controls.blur(source),
        "jpeg": controls.jpeg(source),
    }  # fmt: skip
    edits |= {name: editor(source, before, wanted) for name, editor in editors.items()}
    lpips, paths = find_lpips(weights, device), []
    for name, edit in edits.items():
        measured = measure.measure(
            pairs, names, lambda part, edit=edit: edit[part], lambda part: source[part], truth, judges, reference, lpips
        )
        folder = args.out / ("controls" if name in columns.CONTROLS else "models") / name
        with whole(folder / "measures.csv") as temporary:
            measured.table.round(5).to_csv(temporary, index=False)
        with whole(folder / "edits.npy") as temporary:
            np.save(temporary, edit)
        write_json(folder / "metrics.json", score_row(measured, pairs, names, reference))
        paths.append(str(folder / "metrics.json"))
    with whole(args.out / "pairs.csv") as temporary:
        pairs.to_csv(temporary, index=False)
    measures = [path.replace("metrics.json", "measures.csv") for path in paths]
    intervals, differences = compare.compare(measures, pairs, names, against="copy")
    for name, spread in (("intervals", intervals), ("differences", differences)):
        with whole(args.out / f"{name}.csv") as temporary:
            spread.round(5).to_csv(temporary, index=False)
    frame = summarize.gather(paths)
    shown = columns.columns_of(frame, SHOWN)
    text = f"{len(pairs)} people. `=`: not significantly different from the copy.\n\n"
    text += tables.markdown(frame, shown, differences) + "\n" + tables.interval_table(intervals, shown)
    grid = [source, *(edits[name] for name in editors), truth]
    save_grid(args.out / "edits.png", np.stack(grid, 1)[:PEOPLE], ["input", *editors, "own photo"])
    write_bytes(args.out / "summary.md", text.encode())
    made_of = {name: digest(path) for name, path in zip(editors, args.model, strict=True)}
    data = digest(args.data / "faces.csv", args.data / "aus.csv")
    write_json(args.out / "origin.json", {"models": made_of, "data": data, "judges": judges.about} | machine())
    print(text)


def row_name(path: Path) -> str:
    """How a model is called in the table: its experiment, run and seed, by its place."""
    parts = path.resolve().parent.parts
    return f"{parts[-4]} {parts[-2]} {parts[-1]}" if len(parts) > 4 and parts[-3] == "runs" else path.stem


if __name__ == "__main__":
    run_cli(main)
