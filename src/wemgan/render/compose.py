"""Numba kernel that composes rows of pixels from samples: which material each one sees, and what that looks like."""

import math

import numba as nb
import numpy as np

from wemgan.render.mesh import EAR, EYE, MOUTH, SKIN
from wemgan.render.shade import EYE_X, EYE_Y, OIL, lit, shade_behind, shade_eye, shade_front, shade_mouth, shade_skin


@nb.njit(cache=True, fastmath=True)
def shade_row(row, scene, person, textures, halves, creases, scale, view, buffers, geometry, out):
    """One row of pixels into `out` (W, 3), linear light.

    A pixel whose four samples all see skin, or all see what lies behind the head, is shaded once from textures of
    half the resolution; any other is the mean of its samples.
    """
    index, first, second = buffers
    posed, rest, normal, uv, strip, triangles, material = geometry
    similarity, rotation, jaw = view
    width = out.shape[0]
    colour, texel = np.empty(3, np.float32), np.empty(4, np.float32)
    a, b, tx, ty = similarity[0], similarity[1], similarity[2], similarity[3]
    norm = 1.0 / (a * a + b * b)
    limit = 6.0 / math.sqrt(a * a + b * b)
    for column in range(width):
        skin, behind = 0, 0
        u = v = nx = ny = nz = low_u = low_v = np.float32(0)
        high_u = high_v = np.float32(-1e9)
        low_u = low_v = np.float32(1e9)
        for s in range(4):
            sy, sx = row * 2 + s // 2, column * 2 + s % 2
            t = index[sy, sx]
            if t < 0:
                behind += 1
            elif material[t] == SKIN:
                skin += 1
                i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                p, q = first[sy, sx], second[sy, sx]
                r = 1 - p - q
                su, sv = p * uv[i, 0] + q * uv[j, 0] + r * uv[k, 0], p * uv[i, 1] + q * uv[j, 1] + r * uv[k, 1]
                u, v = u + su, v + sv
                low_u, high_u, low_v, high_v = min(low_u, su), max(high_u, su), min(low_v, sv), max(high_v, sv)
                nx += p * normal[i, 0] + q * normal[j, 0] + r * normal[k, 0]
                ny += p * normal[i, 1] + q * normal[j, 1] + r * normal[k, 1]
                nz += p * normal[i, 2] + q * normal[j, 2] + r * normal[k, 2]
        whole_skin = skin == 4 and high_u - low_u < limit and high_v - low_v < limit
        if whole_skin or behind == 4:
            hx, hy = (a * (column - tx) + b * (row - ty)) * norm, -(a * (row - ty) - b * (column - tx)) * norm
            if whole_skin:
                f = np.float32(0.25)
                shade_skin(u * f, v * f, nx * f, ny * f, nz * f, halves[0], creases, scale * 0.5, scale * 0.5, scene,
                           person[0][OIL], texel, colour)  # fmt: skip
            else:
                shade_behind(
                    hx, hy, column / width, row / width, scene, halves[2], scale * 0.5, rotation, texel, colour, True
                )
            shade_front(hx, hy, scene, halves[1], scale * 0.5, rotation, whole_skin, texel, colour)
            out[column, 0], out[column, 1], out[column, 2] = colour[0], colour[1], colour[2]
            continue
        out[column] = 0
        for s in range(4):
            sy, sx = row * 2 + s // 2, column * 2 + s % 2
            px, py = sx * 0.5 - 0.25, sy * 0.5 - 0.25
            # Where the sample lies in the posed head's plane, y up.
            hx, hy = (a * (px - tx) + b * (py - ty)) * norm, -(a * (py - ty) - b * (px - tx)) * norm
            t = index[sy, sx]
            if t < 0:
                shade_behind(hx, hy, px / width, py / width, scene, textures[2], scale, rotation, texel, colour, True)
            else:
                place = (first[sy, sx], second[sy, sx])
                shade_sample(t, place, scene, person, textures[0], creases, scale, jaw, geometry, texel, colour)
            shade_front(hx, hy, scene, textures[1], scale, rotation, t >= 0, texel, colour)
            for c in range(3):
                out[column, c] += np.float32(0.25) * colour[c]


@nb.njit(cache=True, fastmath=True)
def shade_sample(t, place, scene, person, texture, creases, scale, jaw, geometry, texel, out):
    """One sample of triangle t at barycentric `place` (p, q), by the triangle's material."""
    p, q = place
    posed, rest, normal, uv, strip, triangles, material = geometry
    traits, colours = person
    i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    r = 1 - p - q
    kind = material[t]
    edge = p * strip[i] + q * strip[j] + r * strip[k]
    if kind == EYE or kind == MOUTH:  # noqa: SIM109 - a tuple would be built for every sample
        x = p * rest[i, 0] + q * rest[j, 0] + r * rest[k, 0]
        y = p * rest[i, 1] + q * rest[j, 1] + r * rest[k, 1]
        if kind == EYE:
            side = np.float32(1.0 if x > 0 else -1.0)
            shade_eye(x - side * traits[EYE_X], y - traits[EYE_Y], edge, side, traits, colours, scene, out)
        else:
            gap = max(strip[i], strip[j], strip[k])
            shade_mouth(x, y, edge, gap - edge, jaw, traits, scene, out)
        return
    nx = p * normal[i, 0] + q * normal[j, 0] + r * normal[k, 0]
    ny = p * normal[i, 1] + q * normal[j, 1] + r * normal[k, 1]
    nz = p * normal[i, 2] + q * normal[j, 2] + r * normal[k, 2]
    u, v = p * uv[i, 0] + q * uv[j, 0] + r * uv[k, 0], p * uv[i, 1] + q * uv[j, 1] + r * uv[k, 1]
    if kind == SKIN:
        shade_skin(u, v, nx, ny, nz, texture, creases, scale, scale * 0.5, scene, traits[OIL], texel, out)
        return
    if kind == EAR:  # the bowl lies in shadow
        keep, warm = 1.0 - 0.55 * min(1.0, max(0.0, 1.0 - edge)), 0.84
    else:  # and so does the neck under the chin
        keep, warm = 0.30 + 0.55 * min(1.0, max(0.0, (-150 - v) / 45.0)), 1.0
    for c in range(3):
        wrap = np.float32(0.42 - 0.12 * c)
        out[c] = colours[0, c] * (1.0 if c == 0 else warm) * keep * lit(nx, ny, nz, scene, c, wrap)
