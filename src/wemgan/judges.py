"""Who measures AUs, identity and features, and finds faces: interchangeable, and never what the generator learnt from.

`judge.aus`, `judge.identity`, `judge.features` and `judge.detector` name them; the first of each is the main one:

    judge          the network that the workflow trains on rendered faces of other people (AUs, identity, features)
    hog            regression on gradient histograms (AUs)
    mediapipe      MediaPipe's Face Landmarker (AUs)
    pyfeat         py-feat's multitask network (AUs)
    mobilefacenet  MobileFaceNet (identity, features)
    vggface2       facenet-pytorch's Inception-ResNet (identity, features)
    onnx           any recognition network, `judge.onnx_file` (identity, features)
    inception      the network of FID (features)
    mtcnn          MTCNN (whether there is a face)
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from wemgan import download, hog, judge
from wemgan.errors import UserError
from wemgan.files import digest

CHUNK = 256  # faces that are measured at a time, so that memory stays flat

PYFEAT = "face_multitask_v28.safetensors"
VGGFACE2, INCEPTION = "20180402-114759-vggface2.pt", "weights-inception-2015-12-05-6726825d.pth"


class Judges:
    """The judges of an experiment.

    `aus`, `identity` and `features` are the names of those who measure each, `detector` of the one who looks for a face
    (or ""). `about` says of each who it is, how it was trained, and how what it says is normalised.
    """

    def __init__(self, config: dict, device: torch.device, trained: str | None = None, gradients: str | None = None):
        """`config` has the sections data (aus), judge and weights; `trained` and `gradients` are two judges' files.

        UserError if a judge's file does not fit, or one who measures AUs cannot be had; another who cannot be had is
        left out, with a sentence.
        """
        wanted = config["judge"]
        self.aus, self.identity, self.features = (list(wanted[kind]) for kind in ("aus", "identity", "features"))
        self.detector = wanted["detector"]
        self.about: dict[str, str] = {}
        self._measures: dict[str, Callable[[np.ndarray], dict[str, np.ndarray]]] = {}
        for name in dict.fromkeys([*self.aus, *self.identity, *self.features, *filter(None, [self.detector])]):
            try:
                opened = _open(name, config, device, trained, gradients)
            except download.Missing as missing:
                if name in self.aus:
                    raise
                print(f"no measures by {name}: {missing}")
                self.detector = self.detector if name != self.detector else ""
                self.identity, self.features = ([n for n in k if n != name] for k in (self.identity, self.features))
                continue
            self._measures[name], self.about[name] = opened

    def digest(self) -> str:
        """A digest of who the judges are."""
        return hashlib.sha256(repr(sorted(self.about.items())).encode()).hexdigest()[:16]

    def measure(self, faces: np.ndarray, kinds: tuple[str, ...] = ("aus", "identity", "features")) -> dict:
        """What the judges say of uint8 faces (N, S, S, 3), by (kind, judge).

        `aus` are float32 (N, K) in [0, 1], NaN where no face was found; `identity` (N, D), L2-normalised; `features`
        (N, F); `found` bool (N,).
        """
        asked = {kind: [self.detector] if kind == "found" else getattr(self, kind) for kind in kinds}
        names = [name for name in self._measures if any(name in judges for judges in asked.values())]
        parts: list[dict] = []
        for start in range(0, max(1, len(faces)), CHUNK):
            chunk = np.asarray(faces[start : start + CHUNK])
            said = {name: self._measures[name](chunk) for name in names}
            parts.append({
                (kind, name): said[name][kind] for kind, judges in asked.items() for name in judges if name
            })  # fmt: skip
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _open(name: str, config: dict, device, trained, gradients) -> tuple[Callable, str]:
    """A judge's measurement, and what is to be said of it."""
    names, weights = config["data"]["aus"], config["weights"]
    if name == "judge":
        network, about = judge.load(_needed(trained, "judge", "wemgan.judge"), device)
        _same_aus(trained, about["aus"], names)
        _same_training(trained, about.get("config"), config)

        def ask(faces):
            return dict(zip(("aus", "identity", "features"), judge.measure(network, faces, device), strict=True))

        return ask, (
            f"residual network {digest(trained)}, trained by the workflow on renders of {about['people']} people whom "
            "nothing else sees; AUs clipped to [0, 1]; embedding of 64, L2-normalised; features: means of its last maps"
        )
    if name == "hog":
        ridge = hog.load(_needed(gradients, "hog", "wemgan.hog"))
        _same_aus(gradients, ridge.aus, names)
        return lambda faces: {"aus": ridge(faces)}, (
            f"ridge regression {digest(gradients)} on histograms of oriented gradients, learnt from "
            f"{ridge.learnt_from}; clipped to [0, 1]"
        )
    if name == "mediapipe":
        from wemgan import mediapipe_aus
        from wemgan.tools import check_aus

        check_aus("mediapipe", names)
        download.find(mediapipe_aus.MODEL, weights)
        return lambda faces: {"aus": mediapipe_aus.measure(faces, names, weights, progress=False)}, (
            f"MediaPipe {mediapipe_aus.version()}, AUs from its blendshapes (docs/data.md); {mediapipe_aus.SETTINGS}"
        )
    if name in ("mobilefacenet", "onnx"):
        return _open_onnx(name, config)
    from wemgan import outside

    if name == "pyfeat":
        network = outside.PyFeat(path := download.find(PYFEAT, weights), names, device)
        return lambda faces: {"aus": network(faces)}, (
            f"py-feat's multitask network, {digest(path)}; probabilities in [0, 1]; shown the aligned face"
        )
    if name == "vggface2":
        network = outside.VGGFace2(path := download.find(VGGFACE2, weights), device)
        return lambda faces: dict.fromkeys(("identity", "features"), network(faces)), (
            f"facenet-pytorch InceptionResnetV1, VGGFace2, {digest(path)}; crops of 160 px; embedding of 512, "
            "L2-normalised"
        )
    if name == "inception":
        network = outside.Inception(path := download.find(INCEPTION, weights), device)
        return lambda faces: {"features": network(faces)}, (
            f"Inception of 2015-12-05 by torch-fidelity, {digest(path)}; 299 px by TensorFlow 1's bilinear; pooled"
        )
    detector = outside.Mtcnn()
    return lambda faces: {
        "found": detector(faces)
    }, "MTCNN of facenet-pytorch 2.5.3, on faces enlarged to 160 px, p >= 0.9"


def _open_onnx(name: str, config: dict) -> tuple[Callable, str]:
    from wemgan import identity_onnx

    wanted = config["judge"]
    if name == "mobilefacenet":
        path, scale = download.find(identity_onnx.MODEL, config["weights"]), identity_onnx.IMAGENET
    else:
        path, scale = Path(wanted["onnx_file"]), (wanted["onnx_mean"], wanted["onnx_deviation"])
        if not path.is_file():
            raise UserError(
                f"judge.onnx_file names {str(path)!r}, which is no file; name a recognition network's .onnx"
            )
    network = identity_onnx.Recognition(path, *scale)
    return lambda faces: dict.fromkeys(("identity", "features"), network(faces)), (
        f"{path.name} {digest(path)}; crops of {network.side} px in the frame of recognition networks; embedding of "
        f"{network.dimensions}, L2-normalised; mean {list(scale[0])}, deviation {list(scale[1])}"
    )


def _needed(path: str | None, name: str, step: str) -> str:
    if path is None:
        raise UserError(f"the judge {name} is asked for, but no file of it is given; run the step {step} first")
    return path


def _same_training(path: str, trained: dict | None, wanted: dict) -> None:
    """Refuse a judge that was trained by other values than those of its keys that are `wanted`."""
    if trained is None:
        raise UserError(f"{path} does not say how it was trained; train it again")
    for section, values in trained.items():
        asked = wanted.get(section, {})
        if other := [name for name, value in values.items() if asked.get(name, value) != value]:
            raise UserError(f"{path} was trained with another {section}.{other[0]} than is asked for; train it again")


def _same_aus(path: str, known: list[str], wanted: list[str]) -> None:
    if list(known) != list(wanted):
        raise UserError(
            f"{path} was trained for {', '.join(known)}, and {', '.join(wanted)} are asked for; train it again"
        )
