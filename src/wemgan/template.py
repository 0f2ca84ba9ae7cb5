"""The fixed frame that every face is brought into, rendered or photographed.

Five points in units of the image side (x to the right, y down): the proportions of the usual
face-recognition template, scaled to an interocular distance of 0.30 and moved up, so that a dropped jaw stays in.
"""

import numpy as np

INTEROCULAR = 0.30
POINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")  # left and right as the viewer sees them
TEMPLATE = np.array([[0.350, 0.370], [0.650, 0.370], [0.500, 0.542], [0.376, 0.717], [0.624, 0.717]])


def template_points(size: int) -> np.ndarray:
    """The five points in pixels of a `size` x `size` image, float64 (5, 2), pixel centres at whole numbers."""
    return TEMPLATE * size - 0.5
