"""Faces with their AU labels and splits, as batches for training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from wemgan.draws import Draws
from wemgan.errors import UserError
from wemgan.faces import read_labels, read_split, read_table


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
        labels = read_labels(aus)
        missing = [name for name in self.aus if name not in labels]
        if missing:
            raise UserError(
                f"{aus} has no labels for {', '.join(missing)}, which data.aus asks for; label the faces again"
            )
        table = labels.merge(read_split(split, aus)[["id", "split"]], on="id")
        self.table = table.merge(position[["id", "identity", "row"]], on="id").reset_index(drop=True)
        self.labels = torch.from_numpy(self.table[list(self.aus)].to_numpy(np.float32, copy=True))
        self._rows = {name: np.flatnonzero(self.table["split"] == name) for name in ("train", "validation", "test")}
        self._places = torch.from_numpy(self.table["row"].to_numpy(copy=True))  # of a row's pixels
        self._settled: Tensor | None = None

    def rows(self, split: str) -> np.ndarray:
        """The rows of `table` that belong to a split, in order."""
        return self._rows[split]

    def settle(self, device: torch.device) -> None:
        """Keep all the pixels and labels on a GPU from now on, if they take less than half of its free memory."""
        if device.type == "cuda" and self.pixels.nbytes < torch.cuda.mem_get_info(device)[0] / 2:
            self._settled = torch.from_numpy(np.ascontiguousarray(self.pixels)).to(device)
            self._places, self.labels = self._places.to(device), self.labels.to(device)

    def images(self, rows: np.ndarray | Tensor, device: torch.device) -> Tensor:
        """Faces as (n, 3, size, size) in [-1, 1]."""
        places = self._places[torch.as_tensor(rows).to(self._places.device)]
        if self._settled is not None:
            return to_signed(self._settled[places])
        return to_signed(torch.from_numpy(self.pixels[places.numpy()]).to(device))

    def batch(self, n: int, split: str, draws: Draws, device: torch.device) -> tuple[Tensor, Tensor]:
        """`n` random faces of a split, half of them mirrored, and their AUs (n, K) (each AU is of both sides)."""
        rows = torch.from_numpy(self.rows(split)).to(self._places.device)
        chosen = rows[draws.integers(0, len(rows), n).to(rows.device)]
        images = self.images(chosen, device)
        images = mirror(images, draws.uniform(n).to(device) < 0.5)
        return images, self.labels[chosen].to(device)


class Partners:
    """Training faces with their true edits: uint8 (M, size, size, 3) in the file `path`, with a .csv beside it."""

    def __init__(self, path: str | Path, faces: LabelledFaces):
        self.faces, self.pixels = faces, np.load(path, mmap_mode="r")
        table = read_table(Path(path).with_suffix(".csv"))
        row = pd.Series(np.arange(len(faces.table)), index=faces.table["id"])
        self.rows = torch.from_numpy(row.loc[table["source"]].to_numpy(copy=True))
        self.targets = torch.from_numpy(table[list(faces.aus)].to_numpy(np.float32, copy=True))

    def batch(self, n: int, draws: Draws, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """`n` random faces, half of them mirrored, their AUs, the AUs wanted, and the true edits, mirrored alike."""
        chosen = draws.integers(0, len(self.rows), n).cpu()
        rows, flags = self.rows[chosen], draws.uniform(n).to(device) < 0.5
        source = self.faces.labels[rows.to(self.faces.labels.device)].to(device)
        truth = to_signed(torch.from_numpy(self.pixels[chosen.numpy()]).to(device))
        image = self.faces.images(rows, device)
        return mirror(image, flags), source, self.targets[chosen].to(device), mirror(truth, flags)


def mirror(images: Tensor, flags: Tensor) -> Tensor:
    """Those of images (n, 3, H, W) whose flag (n,) is set, left for right; the others as they are."""
    return torch.where(flags[:, None, None, None], images.flip(3), images)


def to_signed(pixels: Tensor) -> Tensor:
    """uint8 (n, H, W, 3) to float32 (n, 3, H, W) in [-1, 1]."""
    return (pixels.permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous()


def to_pixels(images: Tensor) -> np.ndarray:
    """float (n, 3, H, W) in [-1, 1] to uint8 (n, H, W, 3), rounded."""
    return ((images.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
