"""Score edits that any program made, by the same measures as the workflow's own.

    python -m wemgan.evaluate --real DIR --edited DIR --pairs pairs.csv [--truth DIR] [--weights DIR] [--out DIR]

`pairs.csv` has a line per edit: `source`, a file in --real; `edited`, a file in --edited; the AUs that were asked for,
in columns AU01, AU12 and so on, in [0, 1]; and, where they are known, `identity`, `group` and `kind` (wemgan.pairs).
With --truth there is a true edit under each edit's name. Faces are square and aligned, an edit as large as its source.
The distances of whole sets are from all pictures in --real.

--config, --judge and --hog take the judges of an experiment (its config/evaluate.json, judge/judge.pt, judge/hog.npz);
without them MediaPipe, MobileFaceNet and MTCNN judge. With --out results/<experiment>/others/<name>, edits of that
experiment's pairs (`wemgan.export`) become a row of its tables.
"""

import argparse
import re
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from tqdm import tqdm

from wemgan.errors import UserError
from wemgan.evaluate import asked_for, find_lpips, score_row
from wemgan.faces import read_table
from wemgan.files import read_json, whole, write_json
from wemgan.judges import Judges
from wemgan.measure import measure
from wemgan.reference import Rows, identify, measure_real

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
PHOTO_JUDGES = {"aus": ["mediapipe"], "identity": ["mobilefacenet"], "features": ["mobilefacenet"], "detector": "mtcnn"}


def read_face(path: Path, size: int | None) -> np.ndarray:
    """A square picture as uint8 (S, S, 3); UserError if it is none, or not of the `size` that is expected."""
    try:
        with Image.open(path) as file:
            face = np.asarray(file.convert("RGB"))
    except FileNotFoundError:
        raise UserError("there is no such file") from None
    except Exception as broken:  # Pillow's errors of broken files are of many kinds
        raise UserError(f"it cannot be read ({broken})") from None
    if face.shape[0] != face.shape[1]:
        raise UserError(f"it is {face.shape[1]} x {face.shape[0]}, not square")
    if size and len(face) != size:
        raise UserError(f"it is {len(face)} pixels wide, not {size}")
    return face


def read_pairs(path: str) -> tuple[pd.DataFrame, list[str]]:
    """The pairs with all columns that measuring wants, and the names of the AUs; UserError if a column is missing."""
    pairs = read_table(path)
    for name in ("source", "edited"):
        if name not in pairs:
            raise UserError(f"{path} has no column {name}; it needs source, edited, and a column for each AU asked for")
    names = [name for name in pairs if re.fullmatch(r"AU\d\d", name)]
    if not names:
        raise UserError(f"{path} says of no AU how strong it should be; add columns AU01, AU12 and so on, in [0, 1]")
    wrong = ~pairs[names].apply(pd.to_numeric, errors="coerce").apply(lambda column: column.between(0, 1)).all(axis=1)
    if wrong.any():
        raise UserError(
            f"{path}, line {int(wrong.idxmax()) + 2}: AUs are asked for in [0, 1] (intensities of 0 to 5 are to be "
            f"divided by 5), and {wrong.sum()} of {len(pairs)} lines have something else"
        )
    for name, value in (("identity", pairs["source"]), ("group", "faces"), ("kind", "faces"), ("strength", np.nan)):
        if name not in pairs:
            pairs[name] = value
    return pairs, names


def read_faces(folder: Path, files: pd.Series, size: int | None, out: Path) -> tuple[np.ndarray, dict[str, str]]:
    """The pictures of a folder by name as a memory map in `out` (zero where one was unusable), and why each was."""
    faces, aside = None, {}
    for row, name in enumerate(tqdm(files, f"reading {folder.name}", unit=" faces", mininterval=1)):
        try:
            face = read_face(folder / name, size)
        except UserError as unusable:
            aside[name] = str(unusable)
            continue
        if faces is None:
            size = len(face)
            faces = np.lib.format.open_memmap(out, "w+", np.uint8, (len(files), size, size, 3))
        faces[row] = face
    if faces is None:
        first = next(iter(aside.items()), ("nothing", "the list is empty"))
        raise UserError(f"none of the {len(files)} faces can be used; {folder}/{first[0]}: {first[1]}")
    return faces, aside


def judges_of(args: argparse.Namespace, names: list[str], device: torch.device) -> tuple[Judges, dict]:
    """The judges that are asked for, and the section weights."""
    weights = {"directory": args.weights or "weights", "download": False}
    config = {"judge": PHOTO_JUDGES, "weights": weights}
    if args.config:
        config = read_json(args.config)
        known = config["data"]["aus"]
        if set(known) != set(names):
            raise UserError(
                f"the pairs ask for {', '.join(names)}, and the judges of {args.config} know {', '.join(known)}"
            )
        names[:] = known
        if args.weights:
            config["weights"] = weights
    return Judges(config | {"data": {"aus": names}}, device, args.judge, args.hog), config["weights"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", required=True, type=Path, help="folder of the faces that were edited")
    parser.add_argument("--edited", required=True, type=Path, help="folder of the edits")
    parser.add_argument("--pairs", required=True, help="CSV: source, edited, AUs")
    parser.add_argument("--truth", type=Path, help="folder of true edits, under the edits' names")
    parser.add_argument("--config", help="config/evaluate.json of the experiment whose judges shall measure")
    parser.add_argument("--judge", help="the trained judge of that experiment")
    parser.add_argument("--hog", help="its regression on gradients")
    parser.add_argument("--weights", help="folder of the files of judges that others trained")
    parser.add_argument("--out", type=Path, help="folder for the scores; scores/<name of the edits' folder> otherwise")
    args = parser.parse_args()
    out = args.out or Path("scores") / args.edited.resolve().name
    pairs, names = read_pairs(args.pairs)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    judges, weights = judges_of(args, names, device)
    if not args.real.is_dir():
        raise UserError(f"--real names {args.real}, which is no folder")
    with tempfile.TemporaryDirectory() as folder:
        others = sorted(path.name for path in args.real.iterdir() if path.suffix.lower() in PICTURES)
        ids = pd.concat([pairs["source"], pd.Series(others, dtype=str)]).drop_duplicates().reset_index(drop=True)
        real, lost = read_faces(args.real, ids, None, Path(folder) / "real.npy")
        edits, aside = read_faces(args.edited, pairs["edited"], real.shape[1], Path(folder) / "edits.npy")
        truth = None
        if args.truth:
            truth, untrue = read_faces(args.truth, pairs["edited"], real.shape[1], Path(folder) / "truth.npy")
            aside = untrue | aside
        usable = ~(pairs["edited"].isin(aside) | pairs["source"].isin(lost)).to_numpy()
        if not usable.any():
            raise UserError(f"no edit of {args.edited} can be used together with its source")
        kept, place = pairs[usable].reset_index(drop=True), pd.Series(ids.index, index=ids)
        rows, used, known = place.loc[kept["source"]].to_numpy(), np.flatnonzero(usable), ~ids.isin(lost).to_numpy()
        truth = None if truth is None else Rows(truth, used)
        originals = Rows(real, np.flatnonzero(known))
        path = out.parent / f"real_{identify(originals, judges)}.npz"
        reference = measure_real(ids[known].to_numpy(), originals, judges, path)
        measured = measure(
            kept, names, lambda part: edits[used[part]], lambda part: real[rows[part]], truth, judges, reference,
            find_lpips(weights, device) if truth is not None else None,
        )  # fmt: skip
    table = measured.table.set_index(np.flatnonzero(usable)).reindex(range(len(pairs)))
    with whole(out / "measures.csv") as temporary:
        table.round(5).to_csv(temporary, index=False)
    reasons = pd.DataFrame([*lost.items(), *aside.items()], columns=["file", "reason"])
    with whole(out / "set_aside.csv") as temporary:
        reasons.to_csv(temporary, index=False)
    result = asked_for(pairs, names, judges) | score_row(measured, kept, names, reference)
    result["set_aside"] = int((~usable).sum())
    write_json(out / "metrics.json", result)
    if len(reasons):
        print(f"{(~usable).sum()} of {len(pairs)} edits were set aside; {out}/set_aside.csv says why")
    for name, value in result.items():
        if "/" not in name and not name.startswith("mae_AU") and not isinstance(value, str):
            print(f"{name:32} {value:.5g}")
