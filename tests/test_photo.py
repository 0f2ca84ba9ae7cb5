"""Photos of every kind become upright RGB, and broken ones are named as such."""

import numpy as np
import pytest
from PIL import Image

from wemgan.photo import UnusablePhoto, read_photo


@pytest.fixture
def picture():
    """A smooth RGB picture 90 wide and 60 high, dark at its left, with a red lower half."""
    y, x = np.mgrid[0:60, 0:90]
    return Image.fromarray(np.dstack((x * 2, x * 2 - x * 2 * (y > 30), x)).astype(np.uint8))


def difference(image, other):
    assert image.mode == "RGB"
    assert image.size == other.size
    return np.abs(np.asarray(image, float) - np.asarray(other, float)).mean()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp"])
def test_formats(picture, tmp_path, suffix):
    picture.save(tmp_path / f"p.{suffix}", quality=95)
    assert difference(read_photo(tmp_path / f"p.{suffix}"), picture) < 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(picture, tmp_path, orientation):
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # orientation to the transposition that a camera applied
    stored = picture.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else picture
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "p.jpg", quality=95, exif=exif)
    assert difference(read_photo(tmp_path / "p.jpg"), picture) < 3


def test_grey_palette_and_cmyk(picture, tmp_path):
    picture.convert("L").save(tmp_path / "grey.png")
    assert difference(read_photo(tmp_path / "grey.png"), picture.convert("L").convert("RGB")) == 0
    picture.quantize(200).save(tmp_path / "palette.png")
    assert difference(read_photo(tmp_path / "palette.png"), picture) < 4
    picture.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    assert difference(read_photo(tmp_path / "cmyk.jpg"), picture) < 3


def test_sixteen_bits_are_scaled(picture, tmp_path):
    grey = np.asarray(picture.convert("L"))
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    assert difference(read_photo(tmp_path / "deep.png"), Image.fromarray(grey).convert("RGB")) < 1


def test_what_is_transparent_becomes_white(picture, tmp_path):
    clear = picture.convert("RGBA")
    clear.putalpha(Image.fromarray(np.where(np.arange(90) < 45, 0, 255).astype(np.uint8)[None].repeat(60, 0)))
    clear.save(tmp_path / "p.png")
    seen = np.asarray(read_photo(tmp_path / "p.png"))
    assert (seen[:, :45] == 255).all()
    assert np.array_equal(seen[:, 45:], np.asarray(picture)[:, 45:])


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
def test_truncated_files_are_refused(tmp_path, suffix, share):
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / f"p.{suffix}")
    content = (tmp_path / f"p.{suffix}").read_bytes()
    (tmp_path / f"p.{suffix}").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UnusablePhoto, match="truncated|broken"):
        read_photo(tmp_path / f"p.{suffix}")


def test_files_that_are_no_photos_are_refused(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("not a picture")
    for name in ("empty.jpg", "text.jpg"):
        with pytest.raises(UnusablePhoto, match="not an image"):
            read_photo(tmp_path / name)
    with pytest.raises(UnusablePhoto, match="No such file"):
        read_photo(tmp_path / "gone.jpg")
