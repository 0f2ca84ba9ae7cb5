"""Check the rendered faces with two outsiders: MTCNN has to find them, MediaPipe's blendshapes have to follow the AUs.

    python -m wemgan.render.check --config C [--face-landmarker FILE] --report report.csv --markdown report.md

Every AU is drawn independently of the others: with probability 0.3 uniform in [0, 1], else 0. So a blendshape can
follow its AU only through what that AU does. Blendshapes are compared twice: with all AUs drawn, and with the 13
that people show most, so that fewer of them work against each other on one face.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from wemgan.errors import UserError, run_cli
from wemgan.files import read_json, whole
from wemgan.render import AUS, Renderer
from wemgan.template import INTEROCULAR, POINTS, template_points

FACES = 300  # for the detector
LANDMARKER_FACES = 1000  # per set of AUs: then r = 0.7 is known to 0.03 (95 %)
SIZES = (64, 128)  # for the detector
LANDMARKER_SIZE = 256
COMMON = (
    "AU01", "AU02", "AU04", "AU05", "AU06", "AU09", "AU12", "AU15", "AU17", "AU20", "AU25", "AU26", "AU43",
)  # fmt: skip
FIRST = 2_000_000  # people of the check have numbers that no data set uses
# Blendshape (its left and right are averaged) and the AU that it should follow.
PAIRS = (
    ("eyeBlink", "AU43"), ("mouthSmile", "AU12"), ("mouthStretch", "AU20"), ("eyeWide", "AU05"), ("jawOpen", "AU26"),
    ("browInnerUp", "AU01"), ("mouthFrown", "AU15"), ("browOuterUp", "AU02"), ("mouthLowerDown", "AU25"),
    ("mouthShrugLower", "AU17"), ("browDown", "AU04"), ("eyeSquint", "AU06"), ("eyeSquint", "AU07"),
    ("noseSneer", "AU09"), ("mouthUpperUp", "AU10"), ("mouthPress", "AU24"), ("mouthRollLower", "AU28"),
    ("mouthDimple", "AU14"),
)  # fmt: skip


def independent_aus(rng: np.random.Generator, n: int, share: float = 0.3) -> np.ndarray:
    """AUs (n, 20), each on in a `share` of the faces, uniform in [0, 1] there, and independent of the others."""
    return (rng.random((n, len(AUS))) * (rng.random((n, len(AUS))) < share)).astype(np.float32)


def detect(faces: np.ndarray, upscale: int) -> tuple[np.ndarray, np.ndarray]:
    """MTCNN on faces (N, S, S, 3) enlarged to `upscale`: found (N,), and points (N, 5, 2) in the faces' pixels."""
    import torch
    from facenet_pytorch import MTCNN

    torch.set_num_threads(1)
    mtcnn = MTCNN(keep_all=False, device="cpu", min_face_size=40)
    found, points = np.zeros(len(faces), bool), np.full((len(faces), 5, 2), np.nan)
    ratio = upscale / faces.shape[1]
    for n, face in enumerate(tqdm(faces, desc=f"MTCNN at {faces.shape[1]} px")):
        picture = np.array(Image.fromarray(face).resize((upscale, upscale), Image.Resampling.BICUBIC))
        _, _, marks = mtcnn.detect(picture, landmarks=True)
        if marks is not None:
            found[n], points[n] = True, (marks[0] + 0.5) / ratio - 0.5
    return found, points


def blendshapes(faces: np.ndarray, model: Path) -> Iterator[dict[str, float] | None]:
    """MediaPipe's blendshapes by name per face (N, S, S, 3), left and right averaged; None where it sees no face."""
    from mediapipe import Image as Picture
    from mediapipe import ImageFormat
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=model.read_bytes()), output_face_blendshapes=True
    )
    margin = faces.shape[1] // 4  # its detector expects something around a face
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        for face in tqdm(faces, desc="MediaPipe"):
            padded = np.pad(face, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
            result = landmarker.detect(Picture(image_format=ImageFormat.SRGB, data=np.ascontiguousarray(padded)))
            if not result.face_blendshapes:
                yield None
                continue
            sides: dict[str, list[float]] = {}
            for shape in result.face_blendshapes[0]:
                sides.setdefault(shape.category_name.removesuffix("Left").removesuffix("Right"), []).append(shape.score)
            yield {name: float(np.mean(scores)) for name, scores in sides.items()}


def detector_rows(seed: int) -> list[dict]:
    """How many faces MTCNN finds at each size, and how far its points lie from the template's."""
    rng = np.random.default_rng([seed, 11])
    identities, aus = FIRST + np.arange(FACES), independent_aus(rng, FACES)
    rows = []
    for size in SIZES:
        found, points = detect(Renderer(size, seed).draw(identities, aus), max(size, 160))
        offset = (points[found] - template_points(size)) / size * 100
        rows.append({"check": "found", "subject": f"MTCNN, {size} px", "n": FACES, "value": found.mean()})
        distance = np.linalg.norm(offset, axis=2).mean() / (INTEROCULAR * 100)
        apart = {"check": "distance to the template / interocular", "subject": f"MTCNN, {size} px", "n": found.sum()}
        rows.append(apart | {"value": distance})
        for k, name in enumerate(POINTS):
            for axis, label in enumerate("xy"):
                rows.append({"check": "mean offset, % of the side", "subject": f"{name} {label}, {size} px",
                             "n": found.sum(), "value": offset[:, k, axis].mean()})  # fmt: skip
    return rows


def blendshape_rows(seed: int, model: Path) -> list[dict]:
    """Pearson's r between blendshapes and the AUs drawn."""
    rows = []
    for label, drawn in ((f"all {len(AUS)} AUs", AUS), (f"{len(COMMON)} AUs", COMMON)):
        rng = np.random.default_rng([seed, 12])
        identities, aus = FIRST + np.arange(LANDMARKER_FACES), independent_aus(rng, LANDMARKER_FACES)
        aus *= np.isin(AUS, drawn)
        seen = list(blendshapes(Renderer(LANDMARKER_SIZE, seed).draw(identities, aus), model))
        kept = np.array([s is not None for s in seen])
        subject = f"MediaPipe, {LANDMARKER_SIZE} px, {label}"
        rows.append({"check": "found", "subject": subject, "n": len(seen), "value": kept.mean()})
        scores = pd.DataFrame([s for s in seen if s is not None])
        for shape, au in PAIRS:
            if au in drawn:
                r = np.corrcoef(scores[shape], aus[kept, AUS.index(au)])[0, 1]
                rows.append({"check": f"Pearson r, {label}", "subject": f"{shape} / {au}", "n": kept.sum(), "value": r})
    return rows


def markdown(report: pd.DataFrame) -> str:
    """The report as tables for a document."""
    lines = ["One face per person; each AU on with probability 0.3, uniform in [0, 1], independent of the others.", "",
             "| check | subject | n | value |", "| --- | --- | --- | --- |"]  # fmt: skip
    for row in report.itertuples():
        value = f"{row.value:.1%}" if row.check == "found" else f"{row.value:.2f}"
        lines.append(f"| {row.check} | {row.subject} | {row.n} | {value} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m wemgan.render.check", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--config", required=True, help="resolved configuration (JSON); its data.seed chooses the people"
    )
    parser.add_argument(
        "--face-landmarker", type=Path, help="MediaPipe's face_landmarker.task; without it no correlations"
    )
    parser.add_argument("--report", required=True, help="table to write, .csv")
    parser.add_argument("--markdown", required=True, help="the same for a document, .md")
    options = parser.parse_args()
    if options.face_landmarker and not options.face_landmarker.is_file():
        raise UserError(f"there is no file {options.face_landmarker}; leave --face-landmarker out to check without it")
    seed = read_json(options.config)["data"]["seed"]
    rows = detector_rows(seed)
    if options.face_landmarker:
        rows += blendshape_rows(seed, options.face_landmarker)
    report = pd.DataFrame(rows)
    with whole(options.report) as path:
        report.to_csv(path, index=False)
    with whole(options.markdown) as path:
        path.write_text(markdown(report))


if __name__ == "__main__":
    run_cli(main)
