"""Action units by MediaPipe's Face Landmarker, from its blendshapes.

The blendshapes are those of ARKit. Each AU is the mean or the maximum of those that ARKit's descriptions and the usual
ARKit-to-FACS correspondence (M. Ozel, "ARKit to FACS cheat sheet") name for it. No blendshape says AU11 or AU23; for
AU06 and AU09 there is one, but the published model leaves `cheekSquint` and `noseSneer` at zero on every face. So
these four cannot be labelled this way. docs/data.md tells what was checked against human labels.

Blendshapes do not use their scale alike: a resting face has 0.24 of one, and the strongest of another is 0.15. So each
AU is stretched from RANGE to [0, 1]. RANGE itself is printed, from resting faces and from everyday ones, by

    python -m wemgan.mediapipe_aus --neutral neutral.npy --faces faces.npy
"""

import argparse
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image
from tqdm import tqdm

from wemgan.download import find
from wemgan.errors import UserError, run_cli
from wemgan.faces import load_faces
from wemgan.tools import check_aus

MODEL = "face_landmarker.task"
# Faces are measured enlarged to SIDE, with a border of BORDER times that on each side: of the settings that were tried
# on faces of 64 and 128 px, this one comes nearest to what the same model says of the original photos.
SIDE = 256
BORDER = 0.25

_BOTH = ("Left", "Right")
# AU: how its blendshapes are joined, and which they are; * stands for Left and Right, whose mean is taken first.
BLENDSHAPES: dict[str, tuple[Callable, tuple[str, ...]]] = {
    "AU01": (max, ("browInnerUp",)),
    "AU02": (max, ("browOuterUp*",)),
    "AU04": (max, ("browDown*",)),
    "AU05": (max, ("eyeWide*",)),
    "AU07": (max, ("eyeSquint*",)),
    "AU10": (max, ("mouthUpperUp*",)),
    "AU12": (max, ("mouthSmile*",)),
    "AU14": (max, ("mouthDimple*",)),
    "AU15": (max, ("mouthFrown*",)),
    "AU17": (max, ("mouthShrugLower",)),
    "AU20": (max, ("mouthStretch*",)),
    "AU24": (max, ("mouthPress*",)),
    # Lips part because one of them is pulled away (a smile) or because the jaw takes the lower one with it.
    "AU25": (max, ("mouthLowerDown*", "mouthUpperUp*", "jawOpen")),
    "AU26": (max, ("jawOpen",)),
    "AU28": (max, ("mouthRollLower", "mouthRollUpper")),
    "AU43": (max, ("eyeBlink*",)),
}

# What of each AU's blendshapes becomes 0 and 1: the median of 72 resting faces (London Set), which is what a face
# without the AU measures, and the 99.5th percentile of 6,512 everyday ones (CelebA), at 128 px.
RANGE: dict[str, tuple[float, float]] = {
    "AU01": (0.018, 0.810),
    "AU02": (0.045, 0.787),
    "AU04": (0.045, 0.860),
    "AU05": (0.009, 0.153),
    "AU07": (0.244, 0.756),
    "AU10": (0.000, 0.892),
    "AU12": (0.001, 0.978),
    "AU14": (0.006, 0.214),
    "AU15": (0.000, 0.135),
    "AU17": (0.137, 0.785),
    "AU20": (0.002, 0.386),
    "AU24": (0.048, 0.432),
    "AU25": (0.005, 0.893),
    "AU26": (0.003, 0.501),
    "AU28": (0.012, 0.493),
    "AU43": (0.075, 0.584),
}
SETTINGS = f"shown at {SIDE} px with a border of {BORDER:g}; calibrated 1"


def version() -> str:
    """The version of MediaPipe and the beginning of its model file's sha256."""
    from importlib.metadata import version as installed

    from wemgan.download import FILES

    return f"{installed('mediapipe')}/{FILES[MODEL].sha256[:8]}"


def measure(images: np.ndarray, aus: Sequence[str], weights: dict, progress: bool = True) -> np.ndarray:
    """AUs of aligned faces uint8 (N, size, size, 3): float32 (N, K) in [0, 1], a row of NaN where no face is found.

    `weights` is the section of that name in params.yaml, which says where the model file is. UserError if MediaPipe
    cannot label one of `aus`, its file cannot be had, or it cannot be loaded.
    """
    check_aus("mediapipe", aus)
    result = np.full((len(images), len(aus)), np.nan, np.float32)
    with _landmarker(str(find(MODEL, weights))) as landmarker:
        for row, image in enumerate(tqdm(images, "MediaPipe", unit=" faces", mininterval=1, disable=not progress)):
            shapes = _blendshapes(landmarker, enlarge(image))
            if shapes:
                result[row] = [calibrated(unit(shapes, name), name) for name in aus]
    return result


def calibrated(value: float, name: str) -> float:
    """What `unit` says, stretched from RANGE to [0, 1]."""
    zero, one = RANGE[name]
    return float(np.clip((value - zero) / (one - zero), 0, 1))


def unit(shapes: dict[str, float], name: str) -> float:
    """One AU in [0, 1] from blendshapes by name, not yet calibrated."""
    join, parts = BLENDSHAPES[name]
    sides = [[part.replace("*", side) for side in _BOTH] if "*" in part else [part] for part in parts]
    return float(np.clip(join(np.mean([shapes[shape] for shape in side]) for side in sides), 0, 1))


def enlarge(image: np.ndarray) -> np.ndarray:
    """An aligned face uint8 (size, size, 3) as MediaPipe is shown it, uint8, 384 px on each side.

    Its border repeats the outermost pixels: a face that fills its picture is found less exactly.
    """
    large = np.asarray(Image.fromarray(np.asarray(image)).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    border = round(BORDER * SIDE)
    return np.pad(large, ((border, border), (border, border), (0, 0)), mode="edge")


def _landmarker(model: str):
    try:
        from mediapipe.tasks.python import BaseOptions, vision

        options = vision.FaceLandmarkerOptions(BaseOptions(model), output_face_blendshapes=True, num_faces=1)
        return vision.FaceLandmarker.create_from_options(options)
    except OSError as missing:
        raise UserError(
            f"MediaPipe cannot be loaded ({missing}); it needs the system's EGL and GLES libraries, "
            "on Debian and Ubuntu: apt-get install libegl1 libgles2"
        ) from None


def _blendshapes(landmarker, image: np.ndarray) -> dict[str, float]:
    import mediapipe

    found = landmarker.detect(mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(image)))
    return {shape.category_name: shape.score for shape in found.face_blendshapes[0]} if found.face_blendshapes else {}


def main() -> None:
    parser = argparse.ArgumentParser(description="What RANGE should be, from aligned faces.")
    parser.add_argument("--neutral", required=True, help="resting faces, .npy")
    parser.add_argument("--faces", required=True, help="everyday faces, .npy")
    parser.add_argument("--weights", default="weights", help="folder of the model file")
    args = parser.parse_args()
    weights, said = {"directory": args.weights, "download": True}, []
    for path, share in ((args.neutral, 50), (args.faces, 99.5)):
        with _landmarker(str(find(MODEL, weights))) as landmarker:
            shapes = [_blendshapes(landmarker, enlarge(face)) for face in load_faces(path)]
        units = [[unit(shape, name) for name in BLENDSHAPES] for shape in shapes if shape]
        said.append(np.percentile(units, share, axis=0))
    for name, zero, one in zip(BLENDSHAPES, *said, strict=True):
        print(f'    "{name}": ({zero:.3f}, {one:.3f}),')


if __name__ == "__main__":
    run_cli(main)
