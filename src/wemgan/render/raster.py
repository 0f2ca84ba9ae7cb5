"""Numba kernels from AUs to samples: move, subdivide, pose and project the mesh, then fill a depth buffer."""

import math

import numba as nb
import numpy as np

LIDS = 478  # only the face's own vertices follow lids and lips
DISTANCE = 1100.0  # of the camera, units


@nb.njit(cache=True, fastmath=True)
def express(base, displacement, aus, lid_moves, lid_upper, lid_lower, gaps, lip_pairs, out):
    """Base vertices `out` (B, 3) of a face at rest `base` under AUs (20,)."""
    out[:] = base
    for k in range(aus.shape[0]):
        a = aus[k]
        if a != 0:
            for v in range(base.shape[0]):
                for d in range(3):
                    out[v, d] += a * displacement[k, v, d]
    upper = lower = 0.0
    for k in range(aus.shape[0] - 1):
        upper += aus[k] * lid_moves[k, 0]
        lower += aus[k] * lid_moves[k, 1]
    # AU43 comes last and takes what the other lid actions leave: at strength 1 the lids meet, whatever else happens.
    # Lids fall faster than linearly, as the eye looks nearly open until they reach the pupil.
    close, share = aus[-1] * (1.5 - 0.5 * aus[-1]), lid_moves[-1, 1]
    lower = min(lower, 0.42) * (1 - close) + share * close
    upper = min(upper, 0.50) * (1 - close) + (1 - share) * close
    for v in range(LIDS):
        out[v, 1] += gaps[v] * (lid_lower[v] * lower - lid_upper[v] * upper)
    for i in range(lip_pairs.shape[0]):
        u, w = lip_pairs[i, 0], lip_pairs[i, 1]
        if out[w, 1] > out[u, 1]:  # lips may press, not pass through each other
            middle = 0.5 * (out[u, 1] + out[w, 1])
            out[u, 1] = out[w, 1] = middle


@nb.njit(cache=True, fastmath=True)
def subdivide(base, rows, parents, weights, out):
    """Fine vertices `out` (F, 3) from base vertices."""
    for v in range(out.shape[0]):
        x = y = z = np.float32(0)
        for e in range(rows[v], rows[v + 1]):
            p, w = parents[e], weights[e]
            x += w * base[p, 0]
            y += w * base[p, 1]
            z += w * base[p, 2]
        out[v, 0], out[v, 1], out[v, 2] = x, y, z


@nb.njit(cache=True, fastmath=True)
def rotate(points, rotation, out):
    """Turn about the neck's top and apply a weak perspective; `out` (..., 3) stays in head units."""
    for v in range(points.shape[0]):
        x, y, z = points[v, 0], points[v, 1] + 40, points[v, 2] + 60
        px = rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z
        py = rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z
        pz = rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z
        near = DISTANCE / (DISTANCE - pz)
        out[v, 0], out[v, 1], out[v, 2] = px * near, (py - 40 * 0) * near - 40, pz - 60


@nb.njit(cache=True, fastmath=True)
def frame(points, template, out):
    """The similarity (a, b, tx, ty) that brings posed points (5, 3) nearest to the template (5, 2), y flipped."""
    mx = my = qx = qy = 0.0
    for i in range(5):
        mx += points[i, 0] / 5
        my -= points[i, 1] / 5
        qx += template[i, 0] / 5
        qy += template[i, 1] / 5
    a = b = n = 0.0
    for i in range(5):
        px, py = points[i, 0] - mx, -points[i, 1] - my
        ux, uy = template[i, 0] - qx, template[i, 1] - qy
        a += px * ux + py * uy
        b += px * uy - py * ux
        n += px * px + py * py
    a, b = a / n, b / n
    out[0], out[1], out[2], out[3] = a, b, qx - a * mx + b * my, qy - b * mx - a * my


@nb.njit(cache=True, fastmath=True)
def normals(points, triangles, count, out):
    """Vertex normals weighted by area from the first `count` triangles."""
    out[:] = 0
    for t in range(count):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, az = points[j, 0] - points[i, 0], points[j, 1] - points[i, 1], points[j, 2] - points[i, 2]
        bx, by, bz = points[k, 0] - points[i, 0], points[k, 1] - points[i, 1], points[k, 2] - points[i, 2]
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for v in (i, j, k):
            out[v, 0] += nx
            out[v, 1] += ny
            out[v, 2] += nz
    for v in range(out.shape[0]):
        x, y, z = out[v, 0], out[v, 1], out[v, 2]
        length = 1.0 / math.sqrt(x * x + y * y + z * z + 1e-12)
        out[v, 0], out[v, 1], out[v, 2] = x * length, y * length, z * length


@nb.njit(cache=True, fastmath=True)
def fill(screen, triangles, depth, index, first, second):
    """Depth-test triangles over sample centres; screen (F, 3) is x, y in samples and z towards the viewer."""
    height, width = depth.shape
    depth[:] = np.float32(-1e9)
    index[:] = -1
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, x1, y1, x2, y2 = screen[i, 0], screen[i, 1], screen[j, 0], screen[j, 1], screen[k, 0], screen[k, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area > -1e-6:  # y points down on the screen, so what faces the viewer turns clockwise
            continue
        left, right = max(0, math.ceil(min(x0, x1, x2))), min(width - 1, math.floor(max(x0, x1, x2)))
        top, bottom = max(0, math.ceil(min(y0, y1, y2))), min(height - 1, math.floor(max(y0, y1, y2)))
        if left > right or top > bottom:
            continue
        inv = np.float32(1.0 / area)
        z0, z1, z2 = screen[i, 2], screen[j, 2], screen[k, 2]
        da, db = -(y2 - y1) * inv, -(y0 - y2) * inv
        for y in range(top, bottom + 1):
            a = ((x2 - x1) * (y - y1) - (y2 - y1) * (left - x1)) * inv
            b = ((x0 - x2) * (y - y2) - (y0 - y2) * (left - x2)) * inv
            for x in range(left, right + 1):
                c = 1 - a - b
                if a >= -1e-5 and b >= -1e-5 and c >= -1e-5:
                    z = a * z0 + b * z1 + c * z2
                    if z > depth[y, x]:
                        depth[y, x] = z
                        index[y, x] = t
                        first[y, x] = a
                        second[y, x] = b
                a += da
                b += db


@nb.njit(cache=True, fastmath=True)
def wrinkle(aus, strengths, maps, boxes, age, out):
    """Add up the wrinkle patterns of one face into `out` (H, W, 3): slopes and darkening."""
    out[:] = 0
    for p in range(boxes.shape[0]):
        s = np.float32(0)
        for k in range(aus.shape[0]):
            s += aus[k] * strengths[k, p]
        s = min(s, np.float32(1.3)) * (0.75 + 0.5 * age) + 0.10 * age
        if s <= 0.01:
            continue
        for r in range(boxes[p, 0], boxes[p, 1]):
            for c in range(boxes[p, 2], boxes[p, 3]):
                out[r, c, 0] += s * maps[p, r, c, 0]
                out[r, c, 1] += s * maps[p, r, c, 1]
                out[r, c, 2] += s * maps[p, r, c, 2]
