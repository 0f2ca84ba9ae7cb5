"""Who is on a face: embeddings by MobileFaceNet, a recognition network that no training sees.

The file is mobilefacenet.onnx: RGB (N, 3, 112, 112) with ImageNet's mean and deviation to 128 numbers.
"""

import os

import numpy as np
from skimage.transform import SimilarityTransform, warp
from tqdm import tqdm

from wemgan.download import find
from wemgan.errors import UserError
from wemgan.template import template_points

MODEL = "mobilefacenet.onnx"
NAME = "MobileFaceNet, 128-d, L2-normalised"
SIDE = 112
# The five points of the recognition crop that these networks are trained on (InsightFace), in pixels of 112 x 112.
POINTS = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
BATCH = 32


def embed(images: np.ndarray, weights: dict) -> np.ndarray:
    """Embeddings float32 (N, 128), L2-normalised, of faces uint8 (N, size, size, 3) in the frame of `wemgan.template`.

    `weights` is the section of that name in params.yaml. UserError if the network's file cannot be had.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", 0))
    try:
        network = onnxruntime.InferenceSession(str(find(MODEL, weights)), options, ["CPUExecutionProvider"])
    except onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf:
        raise UserError(f"{MODEL} is not a network that onnxruntime can read") from None
    entry = network.get_inputs()[0].name
    result = [np.zeros((0, 128), np.float32)]
    for start in tqdm(range(0, len(images), BATCH), "identity", unit="batch", mininterval=1):
        crops = np.stack([recognition_crop(image) for image in images[start : start + BATCH]])
        values = ((crops - MEAN) / DEVIATION).transpose(0, 3, 1, 2).astype(np.float32)
        # One at a time, in case the file fixes its batch at one.
        result += [network.run(None, {entry: value[None]})[0].reshape(1, -1) for value in values]
    embeddings = np.concatenate(result)
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True).clip(1e-12)


def recognition_crop(image: np.ndarray) -> np.ndarray:
    """An aligned face uint8 (S, S, 3) in the tighter frame of recognition networks, float (112, 112, 3) in [0, 1]."""
    size = image.shape[0]
    to_image = SimilarityTransform.from_estimate(POINTS, template_points(size))
    # An image of more pixels than the crop shows would alias; averaging whole blocks of it first prevents that.
    block = max(1, int(to_image.scale))
    if block > 1:
        side = size // block * block
        image = image[:side, :side].reshape(side // block, block, side // block, block, 3).mean((1, 3))
    matrix = np.array([[1 / block, 0, 0.5 / block - 0.5], [0, 1 / block, 0.5 / block - 0.5], [0, 0, 1]])
    pixels = np.asarray(image, float) / 255
    return warp(pixels, matrix @ to_image.params, output_shape=(SIDE, SIDE), order=1, mode="edge").clip(0, 1)
