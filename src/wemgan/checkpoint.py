"""Weights and training states on disk: tensors and plain values only, written whole, read without unpickling code."""

import io
import json
from pathlib import Path

import torch
from torch import Tensor

from wemgan.errors import UserError
from wemgan.files import write_bytes


def save_weights(path: str | Path, weights: dict[str, Tensor], about: dict) -> None:
    """Write a state dict with what a reader must know of it (`about`: plain values, kept as JSON)."""
    save_state(path, {"weights": weights, "about": json.dumps(about)})


def load_weights(path: str | Path) -> tuple[dict[str, Tensor], dict]:
    """The state dict and `about` of a file written by `save_weights`, on the CPU."""
    state = load_state(path)
    return state["weights"], json.loads(state["about"])


def save_state(path: str | Path, state: dict) -> None:
    """Write nested dicts of tensors and plain values; a full disk raises OSError and leaves the last good file."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_bytes(path, buffer.getvalue())


def load_state(path: str | Path) -> dict:
    """Read what `save_state` wrote; UserError if it is missing or broken."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"there is no file {path}; the step that makes it has to run first") from None
    except Exception as broken:
        raise UserError(f"{path} cannot be read ({broken}); delete it and run the step that makes it again") from broken
