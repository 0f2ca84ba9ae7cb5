"""Find the face on each photo and bring it into the fixed frame of `wemgan.template`.

    python -m wemgan.align --config config.json --photos photos.csv --shard 0 --of 4 \
        --faces shard.npy --table shard.csv --set-aside shard_aside.csv

MTCNN (Zhang et al. 2016, in facenet-pytorch) finds five points, a similarity transform brings them onto the template,
and the face is drawn at the configured size. The transform is kept, so that `paste_back` can put an edit back into
its photo. Photos are taken one at a time: the result of each is independent of its shard, and memory stays flat.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from skimage.filters import gaussian
from skimage.transform import SimilarityTransform, warp
from tqdm import tqdm

from wemgan.errors import UserError, run_cli
from wemgan.faces import BOX, FACE_COLUMNS, SET_ASIDE_COLUMNS, TRANSFORM, face_writer, read_table, write_table
from wemgan.files import read_json
from wemgan.photo import UnusablePhoto, read_photo
from wemgan.template import INTEROCULAR, template_points

DETECTOR = "mtcnn (facenet-pytorch)"
# The longer side of the image in which faces are sought. ONet sees a face in 48 px, so more would find no more.
DETECTION_SIDE = 320
# MTCNN's own settings: how sure each of its three networks has to be, and the steps of the image pyramid.
THRESHOLDS, FACTOR = [0.6, 0.7, 0.7], 0.709
# Where a face is said to be, it is sought this far around, in widths and heights of the box that says so.
AROUND = 0.5
# MTCNN measures points from boxes that it has cut off at the photo's border, so that points of a face at the border
# come out shifted. A border of this share of the shorter side keeps the boxes whole.
BORDER = 0.15
# Points come out this many pixels too far to the right and down (pixel centres at whole numbers): measured as the
# asymmetry between photos and their mirror images. Half of it comes from cutting box corners down to whole pixels.
SHIFT = 1.0


@dataclass
class Detection:
    """The largest face of a photo: five points (5, 2) in its pixels in the template's order, and how it was found."""

    points: np.ndarray
    probability: float
    faces_found: int


class Detector:
    """MTCNN on the CPU or a GPU, with the weights of the facenet-pytorch wheel.

    `min_face` is the side of the smallest face that is sought, as a share of the photo's shorter side; faces below
    `min_probability` do not count.
    """

    def __init__(self, min_face: float, min_probability: float, device: str = "cpu"):
        import facenet_pytorch
        import torch
        from facenet_pytorch.models.mtcnn import ONet, PNet, RNet

        if device == "cuda" and not torch.cuda.is_available():
            raise UserError("align.device is cuda, but torch sees no GPU here; set it to cpu")
        self.min_face, self.min_probability, self.device = min_face, min_probability, torch.device(device)
        self.networks = []
        for network in (PNet, RNet, ONet):
            weights = Path(facenet_pytorch.__file__).parent / "data" / f"{network.__name__.lower()}.pt"
            self.networks.append(network(pretrained=False).eval())
            self.networks[-1].load_state_dict(torch.load(weights, weights_only=True))
            # Channels last: torch's pooling is several times as fast that way, and the points are the same.
            self.networks[-1].to(self.device, memory_format=torch.channels_last)

    def __call__(self, photo: Image.Image, box: tuple[float, float, float, float] | None = None) -> Detection:
        """Find the largest face, or the largest whose nose is in a box (left, top, right, bottom) of the photo.

        UnusablePhoto if there is none.
        """
        if box is None:
            boxes, points = self._faces(photo)
        else:
            part = _around(box, photo.size)
            boxes, points = self._faces(photo.crop(part))
            points = points + part[:2]
            inside = (points[:, 2] >= box[:2]).all(1) & (points[:, 2] <= box[2:]).all(1)
            if not inside.any():
                raise UnusablePhoto("no face found where the annotation has one")
            boxes, points = boxes[inside], points[inside]
        largest = np.argmax((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
        return Detection(points[largest], float(boxes[largest, 4]), len(boxes))

    def _faces(self, photo: Image.Image) -> tuple[np.ndarray, np.ndarray]:
        """Boxes with their probability (n, 5), in pixels of the smaller photo, and points (n, 5, 2) in the photo's."""
        import torch
        from facenet_pytorch.models.utils.detect_face import detect_face

        image, scale, border = _for_detection(photo)
        smallest = max(12.0, self.min_face * (min(image.shape[:2]) - 2 * border))
        if min(image.shape[:2]) < smallest:
            raise UnusablePhoto("no face found")
        try:
            with torch.inference_mode():
                boxes, points = detect_face(image, smallest, *self.networks, THRESHOLDS, FACTOR, self.device)
        except (RuntimeError, IndexError):
            # facenet-pytorch stumbles over candidates that lie wholly outside of the image.
            raise UnusablePhoto("the face detector failed on it") from None
        boxes, points = np.asarray(boxes[0], float).reshape(-1, 5), np.asarray(points[0], float).reshape(-1, 5, 2)
        sure = boxes[:, 4] >= self.min_probability
        if not sure.any():
            raise UnusablePhoto("no face found")
        # Back to the photo: pixel centres stand at whole numbers in both images.
        return boxes[sure], (points[sure] - SHIFT - border + 0.5) / scale - 0.5


def estimate(points: np.ndarray, size: int) -> np.ndarray:
    """The similarity (2, 3) that brings five points of a photo onto the template best, in least squares (Umeyama 1991).

    It maps the pixels of the photo to those of the face of `size` x `size`. UnusablePhoto if there is none.
    """
    transform = SimilarityTransform.from_estimate(points, template_points(size))
    if not transform or not np.isfinite(transform.params).all():
        raise UnusablePhoto("the five points of the face coincide")
    return transform.params[:2]


def turned(points: np.ndarray, matrix: np.ndarray) -> float:
    """How far a face is turned away: 0 where its nose stands midway between the eyes, 1 where it stands under one.

    By five points (5, 2) of the photo and the similarity that aligns them; beyond 1 it is nearly a profile.
    """
    x = points @ matrix[0, :2]
    before, behind = x[2] - x[0], x[1] - x[2]
    return float(abs(before - behind) / max(before + behind, 1e-6))


def draw_aligned(photo: Image.Image, matrix: np.ndarray, size: int) -> np.ndarray:
    """The face of an RGB photo in the template's frame, uint8 (size, size, 3), for a similarity (2, 3) from `estimate`.

    Every pixel is the mean over its own square of the photo, so that a large photo does not alias.
    """
    shrink = 1 / np.hypot(matrix[0, 0], matrix[1, 0])  # photo pixels per face pixel
    # Coarse: whole blocks of the photo, at most half a face pixel wide. Fine: sub-pixels of the face.
    block, fine = max(1, int(shrink / 2)), max(1, int(np.ceil(shrink / max(1, int(shrink / 2)))))
    box = _footprint(matrix, size, photo.size, block)
    pixels = np.asarray(photo.reduce(block, box)) if block > 1 else np.asarray(photo.crop(box))
    to_photo = np.linalg.inv(np.vstack((matrix, (0, 0, 1))))
    sub_to_face = _rescale(1 / fine)
    photo_to_pixels = _rescale(1 / block) @ np.array([[1, 0, -box[0]], [0, 1, -box[1]], [0, 0, 1.0]])
    drawn = warp(
        pixels, photo_to_pixels @ to_photo @ sub_to_face, output_shape=(size * fine, size * fine),
        order=1 if shrink > 1 else 3, mode="edge", preserve_range=True,
    )  # fmt: skip
    drawn = drawn.reshape(size, fine, size, fine, 3).mean((1, 3))
    return drawn.round().clip(0, 255).astype(np.uint8)


def paste_back(photo: Image.Image, edited: np.ndarray, matrix: np.ndarray, feather: float = 0.15) -> Image.Image:
    """The photo with an edited face (size, size, 3) uint8 put back where it came from, by the transform it came with.

    What the edit left alone keeps the photo's own pixels, at the photo's own resolution; `feather` is the share of the
    face's side over which the edit fades out towards the border of its frame.
    """
    size = len(edited)
    change = np.abs(edited.astype(float) - draw_aligned(photo, matrix, size)).max(2)
    mask = gaussian(np.clip(change / 8, 0, 1), 0.015 * size, mode="nearest")
    away = (np.minimum(np.arange(size), np.arange(size)[::-1]) / (feather * size)).clip(0, 1)
    away = away * away * (3 - 2 * away)  # smooth at both ends
    layers = np.dstack((edited / 255, mask * away * away[:, None]))
    # As large as the photo, but only inside the box that the face covers.
    left, top, right, bottom = _footprint(matrix, size, photo.size, 1)
    shift = np.array([[1, 0, left], [0, 1, top], [0, 0, 1.0]])
    layers = warp(layers, np.vstack((matrix, (0, 0, 1))) @ shift, output_shape=(bottom - top, right - left), order=1)
    alpha = layers[..., 3:]
    whole = np.array(photo)
    part = whole[top:bottom, left:right]
    # Beyond its frame the warped edit is black, which does not show: alpha is 0 there.
    part[:] = (part * (1 - alpha) + 255 * layers[..., :3] * alpha).round().astype(np.uint8)
    return Image.fromarray(whole)


def align(
    photo: Image.Image, detector: Detector, size: int, limits: dict, box: tuple | None = None
) -> tuple[np.ndarray, dict]:
    """One photo to its aligned face uint8 (size, size, 3) and the rest of its row; UnusablePhoto says why not.

    `limits` has min_interocular and max_turn of the section `align` of params.yaml. `box` (left, top, right, bottom) in
    pixels of the photo says which of its faces is meant; None: the largest.
    """
    found = detector(photo, box)
    matrix = estimate(found.points, size)
    # By the scale of the transform, not by the eyes alone: on a face that is turned away they are close together.
    interocular = INTEROCULAR * size / np.hypot(matrix[0, 0], matrix[1, 0])
    turn = turned(found.points, matrix)
    if turn > limits["max_turn"]:
        raise UnusablePhoto(f"turned away: a turn of more than {limits['max_turn']:g}")
    if interocular < limits["min_interocular"]:
        raise UnusablePhoto(f"face too small: less than {limits['min_interocular']:g} px between the eyes")
    row = {"detector": DETECTOR, "probability": round(found.probability, 4), "faces_found": found.faces_found}
    row |= {"width": photo.width, "height": photo.height, "turn": round(turn, 3)}
    row |= {name: float(f"{value:.9g}") for name, value in zip(TRANSFORM, matrix.ravel(), strict=True)}
    return draw_aligned(photo, matrix, size), row


def align_shard(photos: pd.DataFrame, folder: Path, options: dict, size: int, faces: str) -> tuple[list, list]:
    """Align photos (id, identity, source), write the faces; the rows of the table and of those set aside."""
    detector = Detector(options["min_face"], options["min_probability"], options["device"])
    rows, aside = [], []
    boxes = photos[list(BOX)].to_numpy(float) if BOX[0] in photos else np.full((len(photos), 4), np.nan)
    official = photos["official"] if "official" in photos else [""] * len(photos)
    with face_writer(faces, size) as writer:
        progress = tqdm(photos.itertuples(), "align", len(photos), unit=" photos", mininterval=1)
        for photo, box, part in zip(progress, boxes, official, strict=True):
            try:
                box = tuple(box) if np.isfinite(box).all() else None
                face, row = align(read_photo(folder / photo.source), detector, size, options, box)
            except UnusablePhoto as reason:
                aside.append({"id": photo.id, "source": photo.source, "reason": str(reason)})
                continue
            writer.append(face[None])
            rows.append({"id": photo.id, "identity": photo.identity, "source": photo.source, "official": part} | row)
    return rows, aside


def _around(box: tuple[float, float, float, float], photo: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part (left, top, right, bottom) of a photo of (width, height) around a box in which its face is sought."""
    left, top, right, bottom = box
    wide, high = AROUND * (right - left), AROUND * (bottom - top)
    part = (max(0, left - wide), max(0, top - high), min(photo[0], right + wide), min(photo[1], bottom + high))
    part = tuple(int(edge) for edge in part)
    if part[2] <= part[0] or part[3] <= part[1]:
        raise UnusablePhoto("the annotated face lies outside of the photo")
    return part


def _for_detection(photo: Image.Image) -> tuple[np.ndarray, float, int]:
    """A smaller photo with a border: uint8 (h, w, 3), its scale, and how many pixels were added on each side."""
    scale = min(1.0, DETECTION_SIDE / max(photo.size))
    size = [max(1, round(side * scale)) for side in photo.size]
    pixels = np.asarray(photo.resize(size, Image.Resampling.BOX) if scale < 1 else photo)
    border = round(BORDER * min(pixels.shape[:2]))
    return np.pad(pixels, ((border, border), (border, border), (0, 0)), mode="edge"), scale, border


def _footprint(matrix: np.ndarray, size: int, photo: tuple[int, int], block: int) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) of a photo of (width, height) that a face's frame covers, in whole blocks."""
    ends = np.array([-0.5, size - 0.5])
    corners = np.stack((*np.meshgrid(ends, ends), np.ones((2, 2))), -1).reshape(-1, 3)
    inside = corners @ np.linalg.inv(np.vstack((matrix, (0, 0, 1))))[:2].T
    low = ((np.floor(inside.min(0)) // block - 2) * block).clip(0, None)
    high = ((np.ceil(inside.max(0)) // block + 3) * block).clip(None, photo)
    # A frame that misses the photo altogether gets the photo's nearest block.
    low = np.minimum(low, ((np.array(photo) - 1) // block) * block)
    high = np.maximum(high, np.minimum(low + block, photo))
    return tuple(int(value) for value in (*low, *high))


def _rescale(scale: float) -> np.ndarray:
    """Pixel centres (3, 3) of an image to those of the same image scaled."""
    return np.array([[scale, 0, 0.5 * scale - 0.5], [0, scale, 0.5 * scale - 0.5], [0, 0, 1]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--config", "--photos", "--faces", "--table", "--set-aside"):
        parser.add_argument(name, required=True)
    parser.add_argument("--shard", type=int, default=0, help="which part of the photos, from 0")
    parser.add_argument("--of", type=int, default=1, help="into how many parts they are divided")
    args = parser.parse_args()
    if not 0 <= args.shard < args.of:
        raise UserError(f"--shard counts from 0 to {args.of - 1} when --of is {args.of}; it was {args.shard}")
    config = read_json(args.config)
    photos = read_table(args.photos)
    # Contiguous parts, so that the merged faces stand in the order of the photos whatever the number of shards.
    first, last = (len(photos) * i // args.of for i in (args.shard, args.shard + 1))
    source = config["data"]["source"]
    folder = config["folder"]["path"] if source == "folder" else f"{config['dataset']['directory']}/{source}"
    folder = Path(folder).expanduser()
    rows, aside = align_shard(photos[first:last], folder, config["align"], config["data"]["size"], args.faces)
    write_table(args.table, pd.DataFrame(rows, columns=list(FACE_COLUMNS)))
    write_table(args.set_aside, pd.DataFrame(aside, columns=list(SET_ASIDE_COLUMNS)))
    print(f"{len(rows)} faces, {len(aside)} photos set aside", file=sys.stderr)


if __name__ == "__main__":
    run_cli(main)
