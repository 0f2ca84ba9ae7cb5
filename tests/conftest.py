"""Small data that several tests share: faces as smooth blobs whose brightness and position follow two AUs."""

import json

import numpy as np
import pandas as pd
import pytest

from wemgan.files import digest

NAMES = ["AU12", "AU26"]

CONFIG = {
    "run": "full",
    "seed": 0,
    "data": {"aus": NAMES, "seed": 0, "size": 64},
    "model": {
        "generator": "wemgan", "rival_width": 8,
        "width": 8, "levels": 2, "blocks": 1, "wavelet": "haar", "dit": True, "skips": True,
        "fusion": "repeated", "condition": "relative", "output": "warp", "reach": 0.25,
    },
    "critic": {"kind": "bands", "width": 8, "width_high": 8, "high_frequency": True},
    "loss": {
        "gan": "hinge", "gradient_penalty": 10.0, "attention": 0.1, "variation": 1e-5,
        "adversarial": 1.0, "adversarial_high": 0.5, "expression": 40.0, "critic_au": 10.0, "cycle": 10.0,
        "identity": 10.0, "paint_share": 0.3, "paired": 0.0, "change": 1.0, "flow": 1.0, "r1": 1.0,
    },
    "train": {
        "images": 48, "batch": 4, "lr": 0.0005, "critic_lr_factor": 2.0, "beta1": 0.0, "ema": 0.99, "bf16": False,
        "critic_steps": 1, "r1_every": 4, "cycle_every": 2, "single_targets": 0.6, "paint_from": 0.3, "lr_fall": 0.3,
        "log_every": 8, "save_every": 16,
    },
}  # fmt: skip


@pytest.fixture
def config():
    """A tiny configuration of the whole method; each test gets its own copy."""
    return json.loads(json.dumps(CONFIG))


@pytest.fixture
def labelled(tmp_path):
    """Faces, labels and split of 24 people, 3 faces each, as the steps before training leave them."""
    rng = np.random.default_rng(0)
    aus = rng.random((72, 2))
    y, x = np.mgrid[0:64, 0:64] / 64
    blobs = [np.exp(-(((x - 0.5) / (0.1 + 0.2 * a)) ** 2 + ((y - 0.3 - 0.4 * b) / 0.15) ** 2)) for a, b in aus]
    faces = (np.stack(blobs)[..., None] * [200, 150, 120] + 30).astype(np.uint8)
    ids = [f"p{i // 3:02d}_{i % 3}" for i in range(72)]
    people = [f"p{i // 3:02d}" for i in range(72)]
    np.save(tmp_path / "faces.npy", faces)
    pd.DataFrame({"id": ids, "identity": people, "source": "made"}).to_csv(tmp_path / "faces.csv", index=False)
    labels = pd.DataFrame(aus, columns=NAMES)
    labels.insert(0, "id", ids)
    labels.assign(tool="truth", version="1").to_csv(tmp_path / "aus.csv", index=False)
    split = np.repeat(["train", "validation", "test"], [48, 9, 15])
    pd.DataFrame({"id": ids, "identity": people, "split": split, "labels": digest(tmp_path / "aus.csv")}).to_csv(
        tmp_path / "split.csv", index=False
    )
    return tmp_path
