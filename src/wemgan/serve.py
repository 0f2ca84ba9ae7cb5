"""A trained generator as MLflow serves it: `mlflow models serve -m models:/<id> --env-manager local`.

A request is a row with `image`, a PNG or JPEG of an aligned face in base64, and a column for each AU of the model: how
much it shall change, from -1 to 1 (of a model with `model.condition: absolute`, what it shall be, from 0 to 1). An AU
that is left out stays as it is (absolute: 0). The answer is a row with `image`, the edited face as PNG in base64.

MLflow keeps this file itself with the model, and no pickle.
"""

import base64
import binascii
import io

import mlflow
import numpy as np
import pandas as pd
import torch
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature, set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.types import ColSpec, Schema
from PIL import Image

from wemgan.editor import Editor


def signature(aus: list[str]) -> ModelSignature:
    """What a request has to hold, and what comes back."""
    wanted = [ColSpec("string", "image"), *(ColSpec("double", name, required=False) for name in aus)]
    return ModelSignature(inputs=Schema(wanted), outputs=Schema([ColSpec("string", "image")]))


class EditingModel(mlflow.pyfunc.PythonModel):
    """Edits faces; the artifact `weights` is a run's model.pt."""

    def load_context(self, context) -> None:
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.editor = Editor(context.artifacts["weights"], device, None)

    def predict(self, context, model_input: pd.DataFrame, params=None) -> pd.DataFrame:
        faces = np.stack([self._face(image) for image in model_input["image"]])
        asked = model_input.reindex(columns=list(self.editor.aus)).fillna(0.0).to_numpy(np.float32)
        edits = self.editor(faces, np.zeros_like(asked), asked)
        return pd.DataFrame({"image": [_written(edit) for edit in edits]})

    def _face(self, text: str) -> np.ndarray:
        try:
            image = Image.open(io.BytesIO(base64.b64decode(text, validate=True))).convert("RGB")
        except (binascii.Error, OSError) as broken:
            raise _mistake(f"image is no PNG or JPEG in base64 ({broken})") from None
        if image.size != (self.editor.size, self.editor.size):
            size = f"{image.width} x {image.height}"
            wanted = f"{self.editor.size} x {self.editor.size}"
            raise _mistake(f"the image has {size} pixels; an aligned face of {wanted} is wanted")
        return np.asarray(image)


def _written(face: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(face).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def _mistake(words: str) -> MlflowException:
    return MlflowException(words, error_code=INVALID_PARAMETER_VALUE)


set_model(EditingModel())
