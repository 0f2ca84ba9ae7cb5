"""Faces with their AU labels and splits, as batches for training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wemgan.errors import UserError
from wemgan.faces import read_table


class LabelledFaces:
    """The labelled faces of one experiment, memory-mapped.

    `faces` is the path of a uint8 array (N, size, size, 3) whose rows are those of the labels' column `row`,
    or, lacking it, of the table beside it; `aus` and `split` are the tables of those steps.
    """

    def __init__(self, faces: str | Path, aus: str | Path, split: str | Path, names: Sequence[str]):
        self.pixels = np.load(faces, mmap_mode="r")
        self.size = self.pixels.shape[1]
        self.aus = tuple(names)
        position = read_table(Path(faces).with_suffix(".csv"))
        position["row"] = np.arange(len(position))
        labels = read_table(aus)
        missing = [name for name in self.aus if name not in labels]
        if missing:
            raise UserError(
                f"{aus} has no labels for {', '.join(missing)}, which data.aus asks for; label the faces again"
            )
        table = labels.merge(read_table(split)[["id", "split"]], on="id")
        self.table = table.merge(position[["id", "identity", "row"]], on="id").reset_index(drop=True)
        self.labels = torch.from_numpy(self.table[list(self.aus)].to_numpy(np.float32, copy=True))
        self._rows = {name: np.flatnonzero(self.table["split"] == name) for name in ("train", "validation", "test")}

    def rows(self, split: str) -> np.ndarray:
        """The rows of `table` that belong to a split, in order."""
        return self._rows[split]

    def images(self, rows: np.ndarray, device: torch.device) -> Tensor:
        """Faces as (n, 3, size, size) in [-1, 1]."""
        pixels = torch.from_numpy(self.pixels[self.table["row"].to_numpy()[rows]])
        return to_signed(pixels.to(device))

    def batch(self, n: int, split: str, random: torch.Generator, device: torch.device) -> tuple[Tensor, Tensor]:
        """`n` random faces of a split, half of them mirrored, and their AUs (n, K) (each AU is of both sides)."""
        rows = self.rows(split)
        chosen = rows[torch.randint(len(rows), (n,), generator=random).numpy()]
        images = self.images(chosen, device)
        mirrored = torch.rand(n, generator=random).to(device) < 0.5
        images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
        return images, self.labels[chosen].to(device)


def to_signed(pixels: Tensor) -> Tensor:
    """uint8 (n, H, W, 3) to float32 (n, 3, H, W) in [-1, 1]."""
    return (pixels.permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous()


def to_pixels(images: Tensor) -> np.ndarray:
    """float (n, 3, H, W) in [-1, 1] to uint8 (n, H, W, 3), rounded."""
    return ((images.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
