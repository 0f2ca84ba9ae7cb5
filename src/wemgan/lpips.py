"""LPIPS (Zhang et al. 2018, version 0.1, AlexNet), as torchmetrics has it, if AlexNet's weights are there."""

import tempfile
from pathlib import Path

import numpy as np
import torch

from wemgan.outside import read_weights

MODEL = "alexnet-owt-7be5be79.pth"


class Lpips:
    """The perceptual distance of pairs of uint8 images (N, S, S, 3), float (N,)."""

    def __init__(self, path: Path, device: torch.device):
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

        read_weights(path)  # nothing but tensors: torchvision may read it in its way
        before = torch.hub.get_dir()
        with tempfile.TemporaryDirectory() as folder:  # where torchvision looks first
            (Path(folder) / "checkpoints").mkdir()
            (Path(folder) / "checkpoints" / MODEL).symlink_to(Path(path).resolve())
            torch.hub.set_dir(folder)
            try:
                self.network = LearnedPerceptualImagePatchSimilarity("alex", reduction="sum").to(device)
            finally:
                torch.hub.set_dir(before)
        self.device = device

    @torch.no_grad()
    def __call__(self, images: np.ndarray, truth: np.ndarray) -> np.ndarray:
        pairs = [
            torch.from_numpy(np.ascontiguousarray(x)).permute(0, 3, 1, 2).to(self.device) / 127.5 - 1
            for x in (images, truth)
        ]
        values = [float(self.network(a[None], b[None])) for a, b in zip(*pairs, strict=True)]
        return np.array(values)
