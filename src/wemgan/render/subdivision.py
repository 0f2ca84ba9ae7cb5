"""One step of Loop's subdivision (C. Loop, 1987), kept as a sparse linear map, so that it can follow any expression."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Subdivision:
    """Fine vertices as weighted sums of base vertices (compressed rows), and the fine triangles (4 per base one)."""

    rows: np.ndarray
    parents: np.ndarray
    weights: np.ndarray
    triangles: np.ndarray
    midpoint: dict[tuple[int, int], int]

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Base values (B, k) to fine values (F, k)."""
        return np.add.reduceat(values[self.parents] * self.weights[:, None], self.rows[:-1], axis=0)

    def along(self, contour: tuple[int, ...]) -> list[int]:
        """The fine vertices along a chain of base edges."""
        out = [contour[0]]
        for a, b in zip(contour, contour[1:], strict=False):
            out += [self.midpoint[min(a, b), max(a, b)], b]
        return out

    def with_copies(self, sources: list[int]) -> "Subdivision":
        """Append fine vertices that repeat `sources`, for triangles with attributes of their own."""
        parents, weights, rows = [self.parents], [self.weights], [*self.rows]
        for source in sources:
            part = slice(self.rows[source], self.rows[source + 1])
            parents.append(self.parents[part])
            weights.append(self.weights[part])
            rows.append(rows[-1] + len(parents[-1]))
        return Subdivision(
            np.array(rows, np.int32), np.concatenate(parents), np.concatenate(weights), self.triangles, self.midpoint
        )


def loop(triangles: np.ndarray, vertices: int) -> Subdivision:
    """Subdivide `triangles` (T, 3) over `vertices` base vertices; borders follow the cubic B-spline rule."""
    opposite: dict[tuple[int, int], list[int]] = {}
    for a, b, c in triangles.tolist():
        for u, v, w in ((a, b, c), (b, c, a), (c, a, b)):
            opposite.setdefault((min(u, v), max(u, v)), []).append(w)
    around: list[set[int]] = [set() for _ in range(vertices)]
    border: list[list[int]] = [[] for _ in range(vertices)]
    for (u, v), sides in opposite.items():
        around[u].add(v)
        around[v].add(u)
        if len(sides) == 1:
            border[u].append(v)
            border[v].append(u)
    stencils = [_even(v, sorted(around[v]), border[v]) for v in range(vertices)]
    midpoint = {}
    for (u, v), sides in opposite.items():
        midpoint[u, v] = len(stencils)
        inner = {u: 0.375, v: 0.375, sides[0]: 0.125, sides[-1]: 0.125}
        stencils.append(inner if len(sides) == 2 else {u: 0.5, v: 0.5})
    fine = []
    for a, b, c in triangles.tolist():
        ab, bc, ca = (midpoint[min(u, v), max(u, v)] for u, v in ((a, b), (b, c), (c, a)))
        fine += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    rows = np.concatenate([[0], np.cumsum([len(s) for s in stencils])]).astype(np.int32)
    parents = np.array([p for s in stencils for p in s], np.int32)
    weights = np.array([w for s in stencils for w in s.values()], np.float32)
    return Subdivision(rows, parents, weights, np.array(fine), midpoint)


def _even(vertex: int, ring: list[int], border: list[int]) -> dict[int, float]:
    if not ring:
        return {vertex: 1.0}
    if border:
        return {vertex: 0.75, border[0]: 0.125, border[1]: 0.125} if len(border) == 2 else {vertex: 1.0}
    n = len(ring)
    share = 3 / 16 if n == 3 else 3 / (8 * n)
    return {vertex: 1 - n * share} | dict.fromkeys(ring, share)


def facing(triangles: np.ndarray, points: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Wind each part's triangles so that most of what the viewer sees of it turns counter-clockwise (y up)."""
    a, b, c = (points[triangles[:, k], :2] for k in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    out = triangles.copy()
    for number in np.unique(part):
        mine = part == number
        if area[mine].sum() < 0:
            out[mine] = out[mine][:, ::-1]
    return out
