"""The rendered faces: deterministic, in the template's frame, and moved by each action unit where FACS says."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wemgan
from wemgan.errors import UserError
from wemgan.render import AUS, Renderer, sample_aus
from wemgan.render.actions import ACTIONS
from wemgan.render.mesh import mesh
from wemgan.template import template_points

SIZE = 64
# Where an AU shows most, as rows and columns in shares of the picture's side.
BROWS, EYES, NOSE = (0.15, 0.36, 0.15, 0.85), (0.28, 0.46, 0.18, 0.82), (0.28, 0.75, 0.30, 0.70)
MOUTH, CHIN = (0.55, 0.88, 0.2, 0.8), (0.62, 1.0, 0.15, 0.85)
REGION = {
    "AU01": BROWS, "AU02": BROWS, "AU04": BROWS, "AU05": EYES, "AU06": (0.28, 0.62, 0.1, 0.9), "AU07": EYES,
    "AU09": NOSE, "AU10": MOUTH, "AU11": MOUTH, "AU12": MOUTH, "AU14": MOUTH, "AU15": MOUTH, "AU17": CHIN,
    "AU20": MOUTH, "AU23": MOUTH, "AU24": MOUTH, "AU25": MOUTH, "AU26": CHIN, "AU28": MOUTH, "AU43": EYES,
}  # fmt: skip


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(SIZE, 3)


def one(au: str, strength: float = 1.0) -> np.ndarray:
    aus = np.zeros(len(AUS))
    aus[AUS.index(au)] = strength
    return aus


def some_faces() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    identities, shots = np.array([4, 0, 7, 4]), np.array([0, 2, 1, 5])
    return identities, sample_aus(np.random.default_rng(0), 4), shots


def test_the_table_of_actions_is_in_the_models_order():
    assert tuple(ACTIONS) == AUS == mesh().columns


def test_the_same_request_gives_the_same_pixels_in_any_batch(renderer):
    identities, aus, shots = some_faces()
    together = renderer.draw(identities, aus, shots)
    alone = [Renderer(SIZE, 3).draw(identities[n : n + 1], aus[n : n + 1], shots[n : n + 1])[0] for n in (3, 1)]
    assert (together[[3, 1]] == alone).all()


def test_more_people_than_are_kept_at_once(renderer):
    identities = np.arange(110)
    faces = renderer.draw(identities, np.zeros((110, len(AUS))))
    assert (renderer.draw(identities[[0, 50, 109]], np.zeros((3, len(AUS)))) == faces[[0, 50, 109]]).all()


def test_the_number_of_threads_changes_nothing(renderer, tmp_path):
    identities, aus, shots = some_faces()
    np.savez(tmp_path / "in.npz", identities=identities, aus=aus, shots=shots)
    script = (
        "import numpy as np; from wemgan.render import Renderer; f = np.load('in.npz');"
        f"np.save('out.npy', Renderer({SIZE}, 3).draw(f['identities'], f['aus'], f['shots']))"
    )
    path = os.pathsep.join(os.path.abspath(p) for p in sys.path if p)
    environment = os.environ | {"NUMBA_NUM_THREADS": "3", "PYTHONPATH": path}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True)
    assert (np.load(tmp_path / "out.npy") == renderer.draw(identities, aus, shots)).all()


@pytest.mark.parametrize("au", AUS)
def test_an_action_unit_changes_its_region_most(renderer, au):
    people = np.arange(6)
    neutral = renderer.draw(people, np.zeros((6, len(AUS)))).astype(float)
    moved = renderer.draw(people, np.tile(one(au), (6, 1))).astype(float)
    change = np.abs(moved - neutral).mean((0, 3))
    top, bottom, left, right = (round(share * SIZE) for share in REGION[au])
    inside = np.zeros((SIZE, SIZE), bool)
    inside[top:bottom, left:right] = True
    assert change[inside].mean() > 3 * change[~inside].mean()
    assert change[inside].max() > 8  # of 255: a person sees it


def test_half_an_action_lies_between_none_and_all(renderer):
    people = np.arange(6)
    none, half, full = (renderer.draw(people, np.tile(one("AU26", s), (6, 1))).astype(float) for s in (0, 0.5, 1))
    assert np.abs(half - none).mean() < np.abs(full - none).mean()
    assert np.abs(full - half).mean() < np.abs(full - none).mean()


def test_identities_differ_and_seeds_are_other_people(renderer):
    neutral = renderer.draw(np.arange(8), np.zeros((8, len(AUS)))).astype(float)
    apart = [np.abs(neutral[i] - neutral[j]).mean() for i in range(8) for j in range(i)]
    assert min(apart) > 10
    assert np.abs(Renderer(SIZE, 4).draw([0], np.zeros((1, len(AUS)))) - neutral[:1]).mean() > 10


def test_shots_of_a_person_differ(renderer):
    faces = renderer.draw([2, 2], np.zeros((2, len(AUS))), [0, 1]).astype(float)
    assert np.abs(faces[0] - faces[1]).mean() > 3


def test_neutral_points_lie_on_the_template(renderer):
    points = renderer.points(np.arange(40), np.arange(40) % 5)
    distance = np.linalg.norm(points - template_points(SIZE), axis=2)
    assert distance.mean() < 1.0
    assert distance.max() < 4.0


def test_an_edit_never_moves_the_frame(renderer):
    """What no expression moves, the background's corners among it, stays where it was."""
    people = np.arange(6)
    neutral = renderer.draw(people, np.zeros((6, len(AUS)))).astype(int)
    smile = renderer.draw(people, np.tile(one("AU12"), (6, 1))).astype(int)
    assert (neutral[:, :8] == smile[:, :8]).all()


def test_closed_eyes_hide_the_eyeball(renderer):
    """With AU43 at 1 the lids meet, also when AU05 would open them: white and catch light are gone."""
    aus = one("AU43")
    open_eyes = renderer.draw(np.arange(8), np.zeros((8, len(AUS)))).astype(float)
    shut = renderer.draw(np.arange(8), np.tile(aus, (8, 1))).astype(float)
    wide = renderer.draw(np.arange(8), np.tile(np.maximum(aus, one("AU05")), (8, 1))).astype(float)
    rows, columns = slice(21, 26), slice(17, 28)  # the eye on the viewer's left
    contrast = [faces[:, rows, columns].std((1, 2)).mean() for faces in (open_eyes, shut, wide)]
    assert contrast[1] < 0.8 * contrast[0]
    assert contrast[2] < 0.8 * contrast[0]


@pytest.mark.parametrize(
    ("identities", "aus", "told"),
    [
        ([0], np.full((1, 20), 1.5), "between 0 and 1"),
        ([0], np.full((1, 20), np.nan), "between 0 and 1"),
        ([0, 1], np.zeros((1, 20)), "shape"),
        ([-1], np.zeros((1, 20)), "from 0 up"),
    ],
)
def test_wrong_requests_get_a_sentence(renderer, identities, aus, told):
    with pytest.raises(UserError, match=told):
        renderer.draw(identities, aus)


def test_sizes_out_of_range_get_a_sentence():
    with pytest.raises(UserError, match="pixels wide"):
        Renderer(8, 0)


def test_sampled_aus_cover_their_range():
    names = ["AU01", "AU12", "AU43"]
    aus = sample_aus(np.random.default_rng(0), 4000, names)
    named = np.isin(AUS, names)
    assert aus.shape == (4000, 20)
    assert (aus[:, ~named] == 0).all()
    for column in aus[:, named].T:
        counts, _ = np.histogram(column, bins=5, range=(0, 1))
        assert counts.min() > 60
    with pytest.raises(UserError, match="AU99"):
        sample_aus(np.random.default_rng(0), 1, ["AU99"])


def test_the_command_writes_pictures_table_and_truth(tmp_path):
    config = {
        "data": {"size": 32, "seed": 0, "aus": ["AU12", "AU26"]},
        "rendered": {"identities": 3, "faces_per_identity": 2, "judge_identities": 2, "judge_faces_per_identity": 1},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    path = os.pathsep.join(os.path.abspath(p) for p in sys.path if p)
    for flags, people in (((), ["0000000", "0000001", "0000002"]), (("--judge",), ["1000000", "1000001"])):
        command = [sys.executable, "-m", "wemgan.render", "--config", "config.json", "--faces", "faces.npy"]
        command += ["--table", "faces.csv", "--truth", "truth.csv", *flags]
        subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, check=True, capture_output=True)
        faces, table, truth = (
            np.load(tmp_path / "faces.npy"),
            *(pd.read_csv(tmp_path / f"{n}.csv", dtype={"identity": str}) for n in ("faces", "truth")),
        )
        assert faces.shape == (len(table), 32, 32, 3)
        assert list(table.identity.unique()) == people
        assert list(truth.id) == list(table.id)
        drawn = Renderer(32, 0).draw(table.identity.astype(int), truth[list(AUS)].to_numpy(), table["shot"])
        assert np.abs(drawn.astype(int) - faces).max() <= 6  # the truth is written with four digits


def test_every_state_of_the_code_has_a_compiled_cache_of_its_own(tmp_path):
    copy = tmp_path / "wemgan"
    shutil.copytree(Path(wemgan.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    ask = [sys.executable, "-c", "import wemgan.render, numba; print(numba.config.CACHE_DIR)"]

    def folder():
        run = subprocess.run(ask, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
        return run.stdout.strip()

    before = folder()
    raster = copy / "render" / "raster.py"
    raster.write_text(raster.read_text() + "\n# changed\n")
    assert before.startswith(str(copy)) and folder() != before
