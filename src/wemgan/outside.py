"""Networks that others trained, as judges: recognition networks, FID's Inception, and MTCNN, which looks for a face."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from wemgan.download import Missing
from wemgan.errors import UserError

# The square that facenet-pytorch's networks are shown, in our frame: eyes 0.4 of its side apart, centred on the nose.
FACENET_CENTRE, FACENET_SIDE, FACENET_PIXELS = (0.5, 0.545), 0.75, 160
DETECTION_PIXELS = 160  # MTCNN's last network sees a face in 48 pixels


def read_weights(path: str | Path) -> dict:
    """A state dict that somebody else made, read without unpickling code; UserError if it is none."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as broken:
        raise UserError(f"{path} holds no network's weights ({str(broken).splitlines()[0]})") from None


class VGGFace2:
    """facenet-pytorch's Inception-ResNet, trained on VGGFace2: embeddings float32 (N, 512), L2-normalised."""

    def __init__(self, path: Path, device: torch.device):
        from facenet_pytorch import InceptionResnetV1

        weights = {name: value for name, value in read_weights(path).items() if not name.startswith("logits")}
        self.device, self.network = device, InceptionResnetV1(pretrained=None)
        try:
            self.network.load_state_dict(weights)
        except RuntimeError:
            raise UserError(f"{path} does not hold the weights of facenet-pytorch's InceptionResnetV1") from None
        self.network.eval().to(device)

    @torch.no_grad()
    def __call__(self, images: np.ndarray) -> np.ndarray:
        size = images.shape[1]
        x = torch.from_numpy(np.ascontiguousarray(images)).to(self.device).permute(0, 3, 1, 2).float()
        steps = (torch.arange(FACENET_PIXELS, device=self.device) + 0.5) / FACENET_PIXELS - 0.5
        across, down = (2 * (c + steps * FACENET_SIDE) - 1 for c in FACENET_CENTRE)
        grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), 2).expand(len(x), -1, -1, -1)
        if size > 2 * FACENET_PIXELS:  # more pixels than the crop shows would alias
            x = F.interpolate(x, size=(2 * FACENET_PIXELS,) * 2, mode="area")
        crops = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
        parts = [self.network((part - 127.5) / 128) for part in crops.split(32)]
        return torch.cat(parts).cpu().numpy()


class PyFeat:
    """AUs by py-feat's multitask network (version 2): float32 (N, K) of the `names` asked for.

    It is shown the whole aligned face, whose margins are about those that its own face detector leaves.
    """

    def __init__(self, path: Path, names: list[str], device: torch.device):
        from wemgan.pyfeat_aus import importing

        with importing():
            from feat.multitask.inference import MultitaskModel
        try:
            self.network = MultitaskModel(str(device), weights_path=str(path))
        except Exception as broken:
            raise UserError(
                f"{path} does not hold py-feat's multitask network ({str(broken).splitlines()[0]})"
            ) from None
        known = self.network.au_names
        if missing := [name for name in names if name not in known]:
            raise UserError(f"py-feat does not measure {', '.join(missing)}; it has {', '.join(known)}")
        self.columns, self.device = [known.index(name) for name in names], device

    def __call__(self, images: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2) / 255
        return np.concatenate([self.network(part.to(self.device)).au[:, self.columns] for part in x.split(16)])


class Inception:
    """The Inception network of FID, as torch-fidelity has it: features float32 (N, 2048)."""

    def __init__(self, path: Path, device: torch.device):
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        read_weights(path)  # nothing but tensors: it may be read as torch-fidelity does
        try:
            network = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=str(path))
        except RuntimeError:
            raise UserError(f"{path} does not hold the weights of FID's Inception network") from None
        self.device, self.network = device, network.to(device)

    @torch.no_grad()
    def __call__(self, images: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
        return torch.cat([self.network(part.to(self.device))[0].float().cpu() for part in x.split(32)]).numpy()


class Mtcnn:
    """Whether MTCNN, with the weights of the facenet-pytorch wheel, finds a face, bool (N,)."""

    def __init__(self):
        from wemgan.align import Detector

        try:
            self.detector = Detector(min_face=0.3, min_probability=0.9)
        except ImportError:
            raise Missing("facenet-pytorch, which brings it, is not installed") from None

    def __call__(self, images: np.ndarray) -> np.ndarray:
        from wemgan.photo import UnusablePhoto

        found, threads = np.zeros(len(images), bool), torch.get_num_threads()
        torch.set_num_threads(1)  # its networks are so small that more threads only wait for each other
        for row, image in enumerate(images):
            picture, side = Image.fromarray(np.asarray(image)), max(DETECTION_PIXELS, len(image))
            try:
                self.detector(picture.resize((side, side), Image.Resampling.BICUBIC))
                found[row] = True
            except UnusablePhoto:
                pass
        torch.set_num_threads(threads)
        return found
