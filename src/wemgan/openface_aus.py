"""Action units by OpenFace 2 (Baltrusaitis et al. 2018): from the CSV files that it wrote, or by its program.

OpenFace gives the intensity of 17 AUs from 0 to 5 (columns AU01_r ...), of which five becomes 1 here. Its AU45, the
blink, is the AU43 of this project (eyes closed). Two layouts are read: that of FaceLandmarkImg (face, confidence, ...),
and that of FeatureExtraction and of older versions (frame, timestamp, confidence, success, ...), with or without a
blank before each name.
"""

import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from wemgan.errors import UserError
from wemgan.faces import TRANSFORM
from wemgan.files import digest
from wemgan.mediapipe_aus import enlarge
from wemgan.tools import AUS, check_aus

PROGRAM = "FaceLandmarkImg"
HIGHEST = 5.0
COLUMNS = {name: f"{name}_r" for name in AUS["openface"]} | {"AU43": "AU45_r"}
# Faces that its program is given together: it loads its models anew each time, and they lie on the disk meanwhile.
PART = 2000
NO_FILE, NO_FACE = "OpenFace has no CSV for it", "OpenFace finds no face, or is not sure of it"
UNREAD = "its CSV of OpenFace cannot be read, or has no AUs (write it with -aus -2Dfp)"
UNCLEAR = "one of several photos of this name, and OpenFace's CSV does not say which"
SEVERAL = "OpenFace finds several faces, and its CSV does not say where (write it with -aus -2Dfp)"


class SeveralFaces(ValueError):
    """A CSV has several faces and does not say where each is."""


def read_folder(
    folder: str | Path, table: pd.DataFrame, aus: Sequence[str], min_confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """AUs float32 (N, K) in [0, 1] of the faces of a table (source, and where each lies), and why a row is NaN.

    The CSV of a photo a/b.jpg is a/b.csv, or b.csv where all photos lie in one folder. UserError if there is no folder,
    or none of the photos has a CSV.
    """
    check_aus("openface", aus)
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder} of OpenFace's CSV files, which label.openface_csv names")
    values, reasons = np.full((len(table), len(aus)), np.nan, np.float32), np.full(len(table), NO_FILE, object)
    paths = [PurePosixPath(source).with_suffix(".csv") for source in table["source"]]
    same, flat = Counter(paths), len({path.parent for path in paths}) == 1
    faces = tqdm(table.to_dict("records"), "OpenFace", unit=" files", mininterval=1)
    for row, (face, path) in enumerate(zip(faces, paths, strict=True)):
        places = [folder / path, *([folder / path.name] if flat else [])]
        place = next((place for place in places if place.is_file()), None)
        if place is None:
            continue
        if same[path] > 1:
            reasons[row] = UNCLEAR
            continue
        try:
            values[row], reasons[row] = read_csv(place, aus, min_confidence, _frame_of(face)), NO_FACE
        except SeveralFaces:
            reasons[row] = SEVERAL
        except ValueError:
            reasons[row] = UNREAD
    if (reasons == NO_FILE).all():
        raise UserError(f"{folder} has no CSV for any of the {len(table)} photos; the first would be {paths[0]}")
    return values, reasons


def read_csv(
    path: str | Path, aus: Sequence[str], min_confidence: float, matrix: np.ndarray | None = None
) -> np.ndarray:
    """The AUs (K,) that a CSV of OpenFace says of one photo, NaN where it is not sure of a face.

    Of several faces it is the one that `matrix` (2, 3), from the photo's pixels to our unit frame, puts nearest to its
    middle; without one, the surest. ValueError if the file is no such CSV, SeveralFaces if it does not say where.
    """
    table = pd.read_csv(path, skipinitialspace=True).rename(columns=str.strip)
    wanted = ["confidence", *(COLUMNS[name] for name in aus)]
    if not set(wanted) <= set(table.columns):
        raise ValueError(f"{path} lacks columns of OpenFace")
    table = table.apply(pd.to_numeric, errors="coerce").dropna(subset=wanted)
    table = table[table["confidence"] >= min_confidence]
    table = table[table["success"] > 0] if "success" in table else table
    if table.empty:
        return np.full(len(aus), np.nan)
    best = table["confidence"].to_numpy().argmax()
    if matrix is not None and len(table) > 1:
        if not {"x_0", "y_67"} <= set(table.columns):
            raise SeveralFaces
        middle = np.stack([table[[f"{axis}_{i}" for i in range(68)]].mean(1) for axis in "xy"], 1)
        there = middle @ matrix[:, :2].T + matrix[:, 2]
        best = np.hypot(*(there - 0.5).T).argmin()
    return (table[wanted[1:]].to_numpy(float)[best] / HIGHEST).clip(0, 1)


def run_program(faces: np.ndarray, aus: Sequence[str], min_confidence: float) -> np.ndarray:
    """AUs float32 (N, K) in [0, 1] of aligned faces uint8 (N, size, size, 3), by OpenFace's program on the PATH.

    A row of NaN where it finds no face. UserError if there is no program, or it fails.
    """
    check_aus("openface", aus)
    program, values = _program(), np.full((len(faces), len(aus)), np.nan, np.float32)
    for start in tqdm(range(0, len(faces), PART), "OpenFace", unit=f"x{PART} faces"):
        with tempfile.TemporaryDirectory() as folder:
            rows = range(start, min(start + PART, len(faces)))
            pictures, out = Path(folder) / "faces", Path(folder) / "out"
            pictures.mkdir()
            for row in rows:
                Image.fromarray(enlarge(faces[row])).save(pictures / f"{row}.png")
            done = subprocess.run(
                [program, "-fdir", str(pictures), "-out_dir", str(out), "-aus"], capture_output=True, text=True
            )
            if done.returncode or not out.is_dir():
                last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it said nothing"]
                raise UserError(f"{program} failed with exit status {done.returncode}: {last[0]}")
            for row in rows:
                if (out / f"{row}.csv").is_file():
                    with suppress(ValueError):
                        values[row] = read_csv(out / f"{row}.csv", aus, min_confidence)
    return values


def program_version() -> str:
    """The program's name and the beginning of its digest; OpenFace does not tell its version."""
    return f"{PROGRAM}/{digest(_program())[:8]}"


def _program() -> str:
    if found := shutil.which(PROGRAM):
        return found
    raise UserError(
        f"OpenFace's program {PROGRAM} is not on the PATH; install OpenFace, or set label.openface_csv to the "
        f"folder of CSV files that it wrote of your photos ({PROGRAM} -fdir photos -out_dir csv -aus -2Dfp)"
    )


def _frame_of(face: dict) -> np.ndarray | None:
    """From the photo's pixels to the unit frame of its aligned face, (2, 3), where the table says it."""
    if any(name not in face for name in TRANSFORM):
        return None
    return np.array([face[name] for name in TRANSFORM], float).reshape(2, 3) / face["size"]
