"""Read a photo, whatever kind it is, as upright 8-bit RGB, or say why it cannot be."""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError


class UnusablePhoto(Exception):
    """Why a photo is set aside, in a few words."""


def read_photo(path: str | Path) -> Image.Image:
    """A photo as an RGB image, turned upright by its EXIF orientation, on white where it is transparent.

    UnusablePhoto if it is missing, no image, broken or truncated: half a photo would be grey below, and a face in the
    upper half would go unnoticed into the training.
    """
    try:
        with Image.open(path) as image:
            image.load()
            return _rgb(ImageOps.exif_transpose(image))
    except UnidentifiedImageError:
        raise UnusablePhoto("not an image, or a broken one") from None
    except Image.DecompressionBombError:
        raise UnusablePhoto("more than 178 million pixels") from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as broken:
        if isinstance(broken, OSError) and broken.strerror:
            raise UnusablePhoto(f"cannot be read: {broken.strerror}") from None
        if "truncated" in str(broken):
            raise UnusablePhoto("truncated image") from None
        raise UnusablePhoto("broken image") from None


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        # Pillow would clip 16 bits to 255 instead of scaling them.
        values = np.asarray(image, dtype=np.float64)
        top = 65535 if values.max(initial=0) > 255 or image.mode.startswith("I;16") else 255
        image = Image.fromarray((values.clip(0, top) * (255 / top)).round().astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")
