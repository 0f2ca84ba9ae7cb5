"""`Renderer`: any identity with any action units, as pictures in the frame of `wemgan.template`."""

import math
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import numba as nb
import numpy as np

from wemgan.errors import UserError
from wemgan.render import actions, compose, hair, raster, scene, shade, skin, wrinkles
from wemgan.render.actions import AUS
from wemgan.render.identity import IdentityMaker
from wemgan.render.mesh import (
    EYE,
    FACE_VERTICES,
    LEFT_LID_LOWER,
    LEFT_LID_UPPER,
    LIP_LOWER,
    LIP_UPPER,
    MOUTH,
    NOSE_TIP,
    RIGHT_LID_LOWER,
    RIGHT_LID_UPPER,
    mesh,
)
from wemgan.template import template_points

THREADS = max(1, nb.config.NUMBA_NUM_THREADS)
SLOTS = 96  # identities whose textures are kept


class Renderer:
    """Draws rendered people at one size; the same (seed, identity, shot, AUs) gives the same pixels in any batch."""

    def __init__(self, size: int, seed: int):
        """`size` in pixels, 32 to 512; `seed` chooses the population of identities."""
        if not 32 <= size <= 512:
            raise UserError(f"rendered faces can be 32 to 512 pixels wide, not {size}; change data.size")
        self.size, self.seed = size, seed
        self.scale = float(np.clip(0.3 + size / 210, 0.6, 1.6))
        self.mesh = mesh()
        self.maker = IdentityMaker(self.mesh, seed)
        self.grid = skin.grid(self.scale)
        self.fields = skin.fields(self.grid, self.mesh)
        coarse = skin.grid(self.scale / 2)
        self.wrinkles = wrinkles.build(coarse.x, coarse.y)
        self.displacements = actions.displacements(self.mesh)
        self.lids = np.array([(a.upper_lid, a.lower_lid) for a in actions.ACTIONS.values()], np.float32)
        face = self.mesh.neutral[:FACE_VERTICES]
        self.lid_weights = np.stack(actions.lid_weights(face)).astype(np.float32)
        self.lip_pairs = np.array(list(zip(LIP_UPPER, LIP_LOWER, strict=True))[1:-1], np.int32)
        self.lower_vertices, self.upper_vertices = self._strip_partners()
        self.solid = int(np.argmax(self.mesh.material >= EYE))  # eyes and mouth follow; they need no normals
        self.slots: OrderedDict[int, int] = OrderedDict()
        self.pool = ThreadPoolExecutor(THREADS)
        self._allocate()

    def draw(self, identities: np.ndarray, aus: np.ndarray, shots: np.ndarray | int = 0) -> np.ndarray:
        """Pictures uint8 (N, size, size, 3) of `identities` (N,) with `aus` (N, 20) in [0, 1], in the order of AUS.

        `shots` (N,) number a person's photographs: pose, light and background.
        """
        identities = np.asarray(identities, np.int64).reshape(-1)
        shots = np.broadcast_to(np.asarray(shots, np.int64), identities.shape)
        aus = np.ascontiguousarray(aus, np.float32)
        self._check(identities, aus, shots)
        out = np.empty((len(identities), self.size, self.size, 3), np.uint8)
        start = 0
        while start < len(identities):
            stop = self._fitting(identities, start)
            slots = self._prepare(identities[start:stop])
            scenes, rotations = scene.draw(self.seed, identities[start:stop], shots[start:stop])
            self._draw(slots, aus[start:stop], scenes, rotations, out[start:stop])
            start = stop
        return out

    def points(self, identities: np.ndarray, shots: np.ndarray | int = 0) -> np.ndarray:
        """Where the five points of the neutral faces lie in the pictures, float64 (N, 5, 2) pixels."""
        identities = np.asarray(identities, np.int64).reshape(-1)
        shots = np.broadcast_to(np.asarray(shots, np.int64), identities.shape)
        _, rotations = scene.draw(self.seed, identities, shots)
        out = np.empty((len(identities), 5, 2))
        template = template_points(self.size)
        for n in range(len(identities)):
            slot = self._prepare(identities[n : n + 1])[0]
            posed, similarity = np.empty((5, 3), np.float32), np.empty(4)
            raster.rotate(self.five[slot], rotations[n], posed)
            raster.frame(posed, template, similarity)
            a, b, tx, ty = similarity
            out[n, :, 0] = a * posed[:, 0] + b * posed[:, 1] + tx
            out[n, :, 1] = b * posed[:, 0] - a * posed[:, 1] + ty
        return out

    def _check(self, identities: np.ndarray, aus: np.ndarray, shots: np.ndarray) -> None:
        if aus.shape != (len(identities), len(AUS)):
            raise UserError(
                f"{len(identities)} faces need AUs of shape ({len(identities)}, {len(AUS)}), not {aus.shape}"
            )
        wrong = ~((aus >= 0) & (aus <= 1))
        if wrong.any():
            n, k = np.argwhere(wrong)[0]
            raise UserError(f"{AUS[k]} of face {n} is {aus[n, k]:g}; action units lie between 0 and 1")
        if len(identities) and min(identities.min(), shots.min()) < 0:
            raise UserError("identities and shots are numbered from 0 up")

    def _allocate(self) -> None:
        base, fine = len(self.mesh.neutral), len(self.mesh.uv)
        h, w = self.grid.x.shape
        hair_shape = (round(hair.HEIGHT * self.scale), round(hair.WIDTH * self.scale))
        self.base = np.zeros((SLOTS, base, 3), np.float32)
        self.gaps = np.zeros((SLOTS, FACE_VERTICES), np.float32)
        self.five = np.zeros((SLOTS, 5, 3), np.float32)
        self.traits = np.zeros((SLOTS, 7), np.float32)
        self.colours = np.zeros((SLOTS, 5, 3), np.float32)
        # Full and half resolution of each texture.
        self.skins, self.fronts, self.backs = (
            tuple(np.zeros((SLOTS, height // part, width // part, 4), np.uint8) for part in (1, 2))
            for height, width in ((h, w), hair_shape, hair_shape)
        )
        self.uv = self.mesh.uv.astype(np.float32)
        self.fine = fine

    def _strip_partners(self) -> tuple[np.ndarray, np.ndarray]:
        """Fine vertices on the lower edges of eyes and mouth, and those above them."""
        inner = (self.mesh.vertex_material == EYE) | (self.mesh.vertex_material == MOUTH)
        lower = np.flatnonzero(inner & (self.mesh.strip > 0.5))
        runs = np.split(lower, np.flatnonzero(np.diff(lower) != 1) + 1)
        upper = np.concatenate([run - len(run) for run in runs])
        return lower.astype(np.int32), upper.astype(np.int32)

    def _fitting(self, identities: np.ndarray, start: int) -> int:
        """The end of the longest run from `start` that has no more identities than there are slots."""
        seen: set[int] = set()
        for n in range(start, len(identities)):
            seen.add(int(identities[n]))
            if len(seen) > SLOTS:
                return n
        return len(identities)

    def _prepare(self, identities: np.ndarray) -> np.ndarray:
        wanted = [int(i) for i in identities]
        for identity in wanted:
            if identity in self.slots:
                self.slots.move_to_end(identity)
        new = []
        for identity in wanted:
            if identity not in self.slots:
                slot = len(self.slots) if len(self.slots) < SLOTS else self.slots.popitem(last=False)[1]
                self.slots[identity] = slot
                new.append((identity, slot))
        list(self.pool.map(lambda pair: self._paint(*pair), new))
        return np.array([self.slots[i] for i in wanted], np.int64)

    def _paint(self, identity: int, slot: int) -> None:
        person = self.maker.make(identity)
        face = person.base[:FACE_VERTICES]
        self.base[slot] = person.base
        self.gaps[slot] = actions.lid_gaps(face)
        fine = np.zeros((self.fine, 3), np.float32)
        raster.subdivide(person.base, self.mesh.rows, self.mesh.parents, self.mesh.weights, fine)
        left, right = (
            fine[list(c)].mean(0) for c in (LEFT_LID_UPPER + LEFT_LID_LOWER, RIGHT_LID_UPPER + RIGHT_LID_LOWER)
        )
        self.five[slot] = [left, right, fine[NOSE_TIP], fine[61], fine[291]]
        opening = fine[159, 1] - fine[145, 1]
        numbers = person.numbers
        self.traits[slot] = [
            (right[0] - left[0]) / 2, (left[1] + right[1]) / 2 + 0.08 * opening, 7.4, fine[[13, 14], 1].mean(),
            numbers["oil"], numbers["age"], 0.8 + 0.2 * (1 - numbers["age"]),
        ]  # fmt: skip
        self.colours[slot] = [person.skin, person.lips, person.hair, person.brows, person.iris]
        skin.paint(self.skins[0][slot], self.fields, person, self.scale)
        hair.paint(self.fronts[0][slot], self.backs[0][slot], person, self.scale)
        for full, half in (self.skins, self.fronts, self.backs):
            shade.halve(full[slot], half[slot])

    def _draw(
        self, slots: np.ndarray, aus: np.ndarray, scenes: np.ndarray, rotations: np.ndarray, out: np.ndarray
    ) -> None:
        m, w = self.mesh, self.wrinkles
        person = (self.base, self.gaps, self.five, self.traits, self.colours, self.skins, self.fronts, self.backs)
        model = (
            self.displacements,
            self.lids,
            self.lid_weights,
            self.lip_pairs,
            self.lower_vertices,
            self.upper_vertices,
        )
        topology = (m.rows, m.parents, m.weights, m.triangles, m.material, self.uv, m.strip.astype(np.float32))
        creases = (w.strengths, w.maps, w.boxes)
        template = template_points(self.size)

        def some(first: int) -> None:
            part = slice(first, None, THREADS)
            _draw_all(slots[part], aus[part], scenes[part], rotations[part], person, model, topology, creases, template,
                      self.scale, self.solid, out[part])  # fmt: skip

        # Nothing is shared between faces, so any division over threads gives the same pixels.
        list(self.pool.map(some, range(min(THREADS, len(slots)))))


@nb.njit(cache=True, fastmath=True, nogil=True)
def _draw_all(slots, aus, scenes, rotations, person, model, topology, creases, template, scale, solid, out):
    for n in range(slots.shape[0]):
        _draw_one(
            slots[n], aus[n], scenes[n], rotations[n], person, model, topology, creases, template, scale, solid, out[n]
        )


@nb.njit(cache=True, fastmath=True)
def _draw_one(slot, aus, scenery, rotation, person, model, topology, creases, template, scale, solid, out):
    base, gaps, five, traits, colours, skins, fronts, backs = person
    displacement, lids, lid_weights, lip_pairs, lower, upper = model
    rows, parents, weights, triangles, material, uv, edges = topology
    strengths, maps, boxes = creases
    size = out.shape[0]
    moved = np.empty(base.shape[1:], np.float32)
    raster.express(base[slot], displacement, aus, lids, lid_weights[0], lid_weights[1], gaps[slot], lip_pairs, moved)
    rest = np.empty((uv.shape[0], 3), np.float32)
    raster.subdivide(moved, rows, parents, weights, rest)
    strip = edges.copy()
    for i in range(lower.shape[0]):
        strip[lower[i]] = max(np.float32(0), rest[upper[i], 1] - rest[lower[i], 1])
    posed, points, similarity = np.empty_like(rest), np.empty((5, 3), np.float32), np.empty(4)
    raster.rotate(five[slot], rotation, points)
    raster.frame(points, template, similarity)
    raster.rotate(rest, rotation, posed)
    normal = np.empty_like(rest)
    raster.normals(posed, triangles, solid, normal)
    screen = np.empty_like(rest)
    for v in range(posed.shape[0]):
        x, y = posed[v, 0], -posed[v, 1]
        screen[v, 0] = (similarity[0] * x - similarity[1] * y + similarity[2]) * 2 + 0.5
        screen[v, 1] = (similarity[1] * x + similarity[0] * y + similarity[3]) * 2 + 0.5
        screen[v, 2] = posed[v, 2]
    samples = 2 * size
    depth, index = np.empty((samples, samples), np.float32), np.empty((samples, samples), np.int32)
    first, second = np.empty((samples, samples), np.float32), np.empty((samples, samples), np.float32)
    raster.fill(screen, triangles, depth, index, first, second)
    crease = np.empty(maps.shape[1:], np.float32)
    raster.wrinkle(aus, strengths, maps, boxes, traits[slot, shade.AGE], crease)
    view = (similarity, rotation, base[slot, 152, 1] - moved[152, 1])
    geometry = (posed, rest, normal, uv, strip, triangles, material)
    looks = (traits[slot], colours[slot])
    full = (skins[0][slot], fronts[0][slot], backs[0][slot])
    halves = (skins[1][slot], fronts[1][slot], backs[1][slot])
    light = np.empty((size, 3), np.float32)
    for row in range(size):
        compose.shade_row(
            row, scenery, looks, full, halves, crease, scale, view, (index, first, second), geometry, light
        )
        for column in range(size):
            for k in range(3):
                soft = light[column, k] * np.float32(1.1) / (1 + np.float32(0.28) * light[column, k])
                out[row, column, k] = np.uint8(255 * math.sqrt(min(np.float32(1), soft)) + np.float32(0.5))
