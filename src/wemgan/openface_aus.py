"""Action units by OpenFace 2 (Baltrusaitis et al. 2018): from the CSV files that it wrote, or by its program.

OpenFace gives the intensity of 17 AUs from 0 to 5 (columns AU01_r ...), of which five becomes 1 here. Its AU45, the
blink, is the AU43 of this project (eyes closed). Two layouts are read: that of FaceLandmarkImg (face, confidence, ...),
and that of FeatureExtraction and of older versions (frame, timestamp, confidence, success, ...), with or without a
blank before each name.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from wemgan.errors import UserError
from wemgan.faces import TRANSFORM
from wemgan.files import digest
from wemgan.mediapipe_aus import enlarge

PROGRAM = "FaceLandmarkImg"
HIGHEST = 5.0
COLUMNS = {f"AU{n:02d}": f"AU{n:02d}_r" for n in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26)}
COLUMNS |= {"AU43": "AU45_r"}
# Faces that its program is given together: it loads its models anew each time, and they lie on the disk meanwhile.
PART = 2000
NO_FILE, NO_FACE = "OpenFace has no CSV for it", "OpenFace finds no face, or is not sure of it"


def check_aus(aus: Sequence[str]) -> None:
    """UserError that names the AUs whose intensity OpenFace does not give."""
    if unknown := [name for name in aus if name not in COLUMNS]:
        raise UserError(
            f"OpenFace gives no intensity of {', '.join(unknown)}; take these out of data.aus or use another "
            f"label.tool. It has {', '.join(COLUMNS)}"
        )


def read_folder(
    folder: str | Path, table: pd.DataFrame, aus: Sequence[str], min_confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """AUs float32 (N, K) in [0, 1] of the faces of a table (source, and where each lies), and why a row is NaN.

    The CSV of a photo a/b.jpg is a/b.csv or b.csv in the folder. UserError if there is no folder, none of the photos
    has a CSV, or one of them is none of OpenFace's.
    """
    check_aus(aus)
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder} of OpenFace's CSV files, which label.openface_csv names")
    values, reasons = np.full((len(table), len(aus)), np.nan, np.float32), np.full(len(table), NO_FILE, object)
    for row, face in enumerate(tqdm(table.to_dict("records"), "OpenFace", unit=" files", mininterval=1)):
        source = PurePosixPath(face["source"]).with_suffix(".csv")
        path = next((path for path in (folder / source, folder / source.name) if path.is_file()), None)
        if path is not None:
            values[row] = read_csv(path, aus, min_confidence, _frame_of(face))
            reasons[row] = NO_FACE
    if (reasons == NO_FILE).all():
        raise UserError(
            f"{folder} has no CSV for any of the {len(table)} photos; the first would be "
            f"{PurePosixPath(table['source'].iloc[0]).with_suffix('.csv')}"
        )
    return values, reasons


def read_csv(
    path: str | Path, aus: Sequence[str], min_confidence: float, matrix: np.ndarray | None = None
) -> np.ndarray:
    """The AUs (K,) that a CSV of OpenFace says of one photo, NaN where it is not sure of a face.

    Of several faces it is the one that `matrix` (2, 3), from the photo's pixels to our unit frame, puts nearest to its
    middle; without one, the surest.
    """
    try:
        table = pd.read_csv(path, skipinitialspace=True).rename(columns=str.strip)
        table = table[table["confidence"] >= min_confidence]
        table = table[table["success"] > 0] if "success" in table else table
        values = table[[COLUMNS[name] for name in aus]].to_numpy(float)
    except (KeyError, ValueError, pd.errors.ParserError) as broken:  # EmptyDataError is a ValueError
        raise UserError(f"{path} is no CSV of OpenFace with AUs ({broken}); write it with -aus") from None
    if table.empty:
        return np.full(len(aus), np.nan)
    best = table["confidence"].to_numpy().argmax()
    if matrix is not None and len(table) > 1 and {"x_0", "y_67"} <= set(table.columns):
        middle = np.stack([table[[f"{axis}_{i}" for i in range(68)]].mean(1) for axis in "xy"], 1)
        there = middle @ matrix[:, :2].T + matrix[:, 2]
        best = np.hypot(*(there - 0.5).T).argmin()
    return (values[best] / HIGHEST).clip(0, 1)


def run_program(faces: np.ndarray, aus: Sequence[str], min_confidence: float) -> np.ndarray:
    """AUs float32 (N, K) in [0, 1] of aligned faces uint8 (N, size, size, 3), by OpenFace's program on the PATH.

    A row of NaN where it finds no face. UserError if there is no program, or it fails.
    """
    check_aus(aus)
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
        f"folder of CSV files that it wrote of your photos ({PROGRAM} -fdir photos -out_dir csv -aus)"
    )


def _frame_of(face: dict) -> np.ndarray | None:
    """From the photo's pixels to the unit frame of its aligned face, (2, 3), where the table says it."""
    if any(name not in face for name in TRANSFORM):
        return None
    return np.array([face[name] for name in TRANSFORM], float).reshape(2, 3) / face["size"]
