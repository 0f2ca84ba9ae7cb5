"""The two critics: one on images, with a head that estimates AUs, and one on the high-frequency wavelet bands."""

from torch import Tensor, nn

from wemgan.wavelet import haar_stem, high_bands


class ImageCritic(nn.Module):
    """Scores patches as real or edited, and estimates the AUs of the whole face.

    Stride-2 convolutions without normalisation, as in GANimation (Pumarola et al. 2018), after a Haar stem.
    `critic` is the section of that name in params.yaml; `size` the image side; `aus` the number of AUs K.
    """

    def __init__(self, critic: dict, size: int, aus: int):
        super().__init__()
        self.trunk, width, side = _trunk(12, critic["width"], size // 2, last=4)
        self.real = nn.Conv2d(width, 1, 3, padding=1)
        self.aus = nn.Linear(width * side * side, aus)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """`image` (N, 3, H, W) in [-1, 1] to patch scores (N, 1, h, w) and AU estimates (N, K)."""
        features = self.trunk(haar_stem(image))
        return self.real(features).float(), self.aus(features.flatten(1)).float()


class PatchCritic(nn.Module):
    """The critic of GANimation and of Ling et al.: stride-2 convolutions from the pixels down to 2 x 2, two heads.

    Six layers from 128 px, the widths doubling from `critic.width` (64 in the papers).
    """

    def __init__(self, critic: dict, size: int, aus: int):
        super().__init__()
        layers: list[nn.Module] = []
        channels, width, side = 3, critic["width"], size
        while side > 3:
            layers += [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.01)]
            channels, width, side = width, 2 * width, side // 2
        self.trunk = nn.Sequential(*layers)
        self.real = nn.Conv2d(channels, 1, 3, padding=1, bias=False)
        self.aus = nn.Conv2d(channels, aus, side, bias=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """`image` (N, 3, H, W) in [-1, 1] to patch scores (N, 1, h, w) and AU estimates (N, K)."""
        features = self.trunk(image)
        return self.real(features).float(), self.aus(features).flatten(1).float()


class HighFrequencyCritic(nn.Module):
    """Scores patches of the high bands of an image: are these wrinkles, lashes and pores, or the marks of an edit?"""

    def __init__(self, critic: dict, size: int, wavelet: str):
        super().__init__()
        self.wavelet = wavelet
        self.trunk, width, _ = _trunk(9, critic["width_high"], size // 2, last=8)
        self.real = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """`image` (N, 3, H, W) in [-1, 1] to patch scores (N, 1, h, w)."""
        return self.real(self.trunk(high_bands(image, self.wavelet))).float()


def _trunk(channels: int, width: int, side: int, last: int) -> tuple[nn.Sequential, int, int]:
    """Convolutions that halve `side` until it is at most `last`; also the final width and side."""
    widest = 8 * width
    layers = [nn.Conv2d(channels, width, 3, padding=1), nn.LeakyReLU(0.2)]
    while side > last:
        wider = min(2 * width, widest)
        layers += [nn.Conv2d(width, wider, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        width, side = wider, side // 2
    return nn.Sequential(*layers), width, side
