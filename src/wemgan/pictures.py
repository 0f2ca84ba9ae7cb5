"""Grids of faces as pictures, with a word over each column and beside each row."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from wemgan.files import whole

GAP = 3


def save_grid(
    path: str | Path, faces: np.ndarray, columns: Sequence[str], rows: Sequence[str] = (), scale: int = 0
) -> None:
    """Write uint8 faces (rows, columns, size, size, 3) as one picture.

    `scale` enlarges every face by that whole factor; 0 picks one that makes a face at least 128 px wide.
    """
    count, across, size = faces.shape[:3]
    scale = scale or max(1, -(-128 // size))
    font = ImageFont.load_default(13)
    left = max((int(font.getlength(row)) for row in rows), default=-8) + 8
    step, top = size * scale + GAP, 20
    sheet = Image.new("RGB", (left + across * step, top + count * step), "white")
    draw = ImageDraw.Draw(sheet)
    for i in range(count):
        if rows:
            draw.text((4, top + i * step + step // 2), rows[i], "black", font, anchor="lm")
        for j in range(across):
            face = Image.fromarray(faces[i, j]).resize((size * scale, size * scale), Image.Resampling.BICUBIC)
            sheet.paste(face, (left + j * step, top + i * step))
    for j, word in enumerate(columns):
        draw.text((left + j * step + step // 2, top // 2), word, "black", font, anchor="mm")
    with whole(path) as temporary:
        sheet.save(temporary)
