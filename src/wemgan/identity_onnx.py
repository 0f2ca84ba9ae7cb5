"""Who is on a face: embeddings by a recognition network in an ONNX file, one that no training sees.

The known one is mobilefacenet.onnx: RGB (N, 3, 112, 112) with ImageNet's mean and deviation to 128 numbers.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from skimage.transform import SimilarityTransform, warp

from wemgan.errors import UserError
from wemgan.template import template_points

MODEL = "mobilefacenet.onnx"
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
SIDE = 112
# The five points of the recognition crop that these networks are trained on (InsightFace), in pixels of 112 x 112.
POINTS = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])


class Recognition:
    """A recognition network: uint8 faces (N, size, size, 3) in the frame of `wemgan.template` to embeddings.

    Embeddings are float32 (N, D), L2-normalised. The network takes RGB crops as large as its input says, in [0, 1] less
    `mean`, over `deviation`. UserError if the file is no network for pictures.
    """

    def __init__(self, path: str | Path, mean: Sequence[float], deviation: Sequence[float]):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", 0))
        try:
            self.network = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
        except Exception as broken:  # onnxruntime's own errors share no base
            if not type(broken).__module__.startswith("onnxruntime"):
                raise
            raise UserError(f"{path} is not a network that onnxruntime can read") from None
        entry = self.network.get_inputs()[0]
        if len(entry.shape) != 4 or entry.shape[1] != 3:
            raise UserError(f"{path} takes {entry.shape}; a recognition network takes pictures, N x 3 x height x width")
        self.entry, self.mean, self.deviation = entry.name, np.array(mean), np.array(deviation)
        self.side = entry.shape[3] if isinstance(entry.shape[3], int) else SIDE
        self.dimensions = self.network.run(None, {self.entry: self._values(np.zeros((self.side,) * 2 + (3,)))})[0].size

    def __call__(self, images: np.ndarray) -> np.ndarray:
        # One at a time, in case the file fixes its batch at one.
        result = [
            self.network.run(None, {self.entry: self._values(recognition_crop(image, self.side))})[0].reshape(1, -1)
            for image in images
        ]
        embeddings = np.concatenate([np.zeros((0, self.dimensions), np.float32), *result])
        return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True).clip(1e-12)

    def _values(self, crop: np.ndarray) -> np.ndarray:
        return ((crop - self.mean) / self.deviation).transpose(2, 0, 1).astype(np.float32)[None]


def recognition_crop(image: np.ndarray, side: int = SIDE) -> np.ndarray:
    """An aligned face uint8 (S, S, 3) in the tighter frame of recognition networks, float (side, side, 3) in [0, 1]."""
    size = image.shape[0]
    to_image = SimilarityTransform.from_estimate(POINTS * side / SIDE, template_points(size))
    # An image of more pixels than the crop shows would alias; averaging whole blocks of it first prevents that.
    block = max(1, int(to_image.scale))
    if block > 1:
        inner = size // block * block
        image = image[:inner, :inner].reshape(inner // block, block, inner // block, block, 3).mean((1, 3))
    matrix = np.array([[1 / block, 0, 0.5 / block - 0.5], [0, 1 / block, 0.5 / block - 0.5], [0, 0, 1]])
    pixels = np.asarray(image, float) / 255
    return warp(pixels, matrix @ to_image.params, output_shape=(side, side), order=1, mode="edge").clip(0, 1)
