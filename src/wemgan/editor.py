"""A trained generator, ready to edit."""

import numpy as np
import torch

from wemgan.checkpoint import load_weights
from wemgan.errors import UserError
from wemgan.generator import condition
from wemgan.labelled import to_pixels, to_signed
from wemgan.rivals import build


class Editor:
    """The generator of the file `model`.

    UserError if it was trained on labels or a split of another digest than `data`, or by another configuration than
    that of the digest `config`; None accepts any.
    """

    def __init__(self, model: str, device: torch.device, data: str | None, config: str | None = None):
        weights, about = load_weights(model)
        for what, found, wanted in (
            ("on other labels or another split", about["data_digest"], data),
            ("with another configuration", about.get("config_digest"), config),
        ):
            if wanted and found != wanted:
                raise UserError(f"{model} was trained {what} than it is evaluated with; train it again")
        self.aus, self.size = about["aus"], about["size"]
        self.options, self.device = about["config"]["model"], device
        self.generator = build(self.options, len(about["aus"])).to(device).eval()
        self.generator.load_state_dict(weights)

    @torch.no_grad()
    def __call__(self, sources: np.ndarray, source_aus: np.ndarray, target_aus: np.ndarray) -> np.ndarray:
        """Edits of uint8 faces (N, S, S, 3) from AUs (N, K) to AUs (N, K), float32, as uint8."""
        edits = [np.zeros((0, *sources.shape[1:]), np.uint8)]
        for i in range(0, len(sources), 64):
            image = to_signed(torch.from_numpy(np.asarray(sources[i : i + 64])).to(self.device))
            source, target = (torch.from_numpy(aus[i : i + 64]).to(self.device) for aus in (source_aus, target_aus))
            edits.append(to_pixels(self.generator(image, condition(self.options, source, target)).image))
        return np.concatenate(edits)
