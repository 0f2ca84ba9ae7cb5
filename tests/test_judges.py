"""Judges: interchangeable, each of the right file, and missed with a sentence."""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from wemgan import cards, download, hog, judge, judges, lpips, outside
from wemgan.checkpoint import save_weights
from wemgan.errors import UserError
from wemgan.judges import Judges

SHARED = Path(__file__).parents[2] / "shared" / "weights"
CPU = torch.device("cpu")
NAMES = ["AU12", "AU26"]


def config(**asked) -> dict:
    wanted = {"aus": [], "identity": [], "features": [], "detector": ""} | asked
    wanted |= {"onnx_mean": [0.5] * 3, "onnx_deviation": [0.5] * 3}
    return {"data": {"aus": NAMES}, "judge": wanted, "weights": {"directory": "none", "download": False}}


@pytest.fixture
def faces():
    return np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3)).astype(np.uint8)


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Puts a state dict where a published network's file belongs, under that file's name."""
    monkeypatch.chdir(tmp_path)

    def publish(name: str, weights: dict):
        (tmp_path / "none").mkdir(exist_ok=True)
        torch.save(weights, tmp_path / "none" / name)
        monkeypatch.setitem(download.FILES, name, download.Pinned("", "", "a network", "none"))

    return publish


def test_the_judges_of_rendered_faces_measure_side_by_side(tmp_path, labelled):
    images, table = np.load(labelled / "faces.npy"), pd.read_csv(labelled / "aus.csv")
    people = np.repeat(np.arange(24), 3)
    ridge = hog.fit(hog.describe(images), table[NAMES].to_numpy(np.float32), people, NAMES)
    hog.save(tmp_path / "hog.npz", ridge)
    assert hog.load(tmp_path / "hog.npz")(images) == pytest.approx(ridge(images))
    assert np.corrcoef(ridge(images)[:, 0], table["AU12"])[0, 1] > 0.9
    save_weights(
        tmp_path / "judge.pt", judge.Judge(8, 2, 3).state_dict(), {"width": 8, "aus": NAMES, "people": 3, "config": {}}
    )
    asked = config(aus=["judge", "hog"], identity=["judge"], features=["judge"], detector="mtcnn")
    both = Judges(asked, CPU, str(tmp_path / "judge.pt"), str(tmp_path / "hog.npz"))
    said = both.measure(images)
    assert set(said) == {("aus", "judge"), ("aus", "hog"), ("identity", "judge"), ("features", "judge")}
    assert said["aus", "hog"].shape == (72, 2) and said["features", "judge"].shape == (72, 32)
    assert np.linalg.norm(said["identity", "judge"], axis=1) == pytest.approx(np.ones(72), abs=1e-5)
    assert set(both.about) == {"judge", "hog", "mtcnn"}
    assert not both.measure(images[:4], ("found",))["found", "mtcnn"].any()  # blobs are no faces


def test_a_detector_that_is_not_installed_is_left_out_with_a_sentence(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "facenet_pytorch", None)
    assert Judges(config(detector="mtcnn"), CPU).detector == ""
    assert "no measures by mtcnn: facenet-pytorch" in capsys.readouterr().out


def test_a_face_is_found_in_a_render():
    from wemgan.render import AUS, Renderer

    faces = Renderer(64, 0).draw(np.arange(2), np.zeros((2, len(AUS)), np.float32), np.zeros(2, int))
    assert outside.Mtcnn()(faces).all()


def test_a_judge_of_other_aus_or_without_a_file_is_refused(tmp_path, labelled):
    hog.save(tmp_path / "hog.npz", hog.Ridge(np.zeros((9, 1)), np.zeros(9), np.zeros(1), ["AU01"]))
    with pytest.raises(UserError, match="trained for AU01, and AU12, AU26 are asked for"):
        Judges(config(aus=["hog"]), CPU, gradients=str(tmp_path / "hog.npz"))
    with pytest.raises(UserError, match="run the step wemgan.judge first"):
        Judges(config(aus=["judge"]), CPU)
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04nothing")
    with pytest.raises(UserError, match="cannot be read"):
        hog.load(tmp_path / "broken.npz")


def test_a_judge_of_identity_that_cannot_be_had_is_left_out_with_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    left = Judges(config(identity=["vggface2"], features=["inception", "vggface2"]), CPU)
    assert left.identity == [] and left.features == []
    assert "no measures by vggface2: 20180402-114759-vggface2.pt" in capsys.readouterr().out
    with pytest.raises(UserError, match="face_landmarker.task"):
        Judges(config(aus=["mediapipe"]), CPU)


def test_facenet_by_its_own_file(published, faces):
    from facenet_pytorch import InceptionResnetV1

    torch.manual_seed(0)
    network = InceptionResnetV1(pretrained=None, classify=True, num_classes=7)  # the published file has logits too
    published(judges.VGGFACE2, network.state_dict())
    said = Judges(config(identity=["vggface2"], features=["vggface2"]), CPU).measure(faces)
    assert said["identity", "vggface2"].shape == (3, 512)
    assert np.linalg.norm(said["identity", "vggface2"], axis=1) == pytest.approx(np.ones(3), abs=1e-4)
    assert Path("none", f"{judges.VGGFACE2}.sha256").exists()  # no checksum is published: the first one is kept
    with open(Path("none", judges.VGGFACE2), "ab") as file:
        file.write(b"x")
    with pytest.raises(UserError, match="is not the file that the project is pinned to"):
        Judges(config(identity=["vggface2"]), CPU)


def test_facenets_crop_shows_the_middle_of_the_face(faces):
    """A mark at the nose's place comes out in the middle of the crop, whatever the size."""
    for size in (64, 512):
        image = np.zeros((1, size, size, 3), np.uint8)
        y, x = round(outside.FACENET_CENTRE[1] * size), round(outside.FACENET_CENTRE[0] * size)
        image[0, y - size // 32 : y + size // 32, x - size // 32 : x + size // 32] = 255
        judge_of = object.__new__(outside.VGGFace2)
        judge_of.device, judge_of.network = CPU, torch.nn.Flatten()
        mass = torch.from_numpy(judge_of(image)).reshape(3, 160, 160)[0] * 128 + 127.5
        grid = torch.arange(160.0) + 0.5
        assert float((mass.sum(0) * grid).sum() / mass.sum()) == pytest.approx(80, abs=2)
        assert float((mass.sum(1) * grid).sum() / mass.sum()) == pytest.approx(80, abs=2)


def test_py_feat_by_its_own_file(published, faces):
    """Its real code, with a network of the published shape and random weights."""
    from feat.multitask.model_v2 import MEGraphAUv2, ModelV2Config
    from safetensors.torch import save_file

    torch.manual_seed(0)
    made = ModelV2Config(pretrained=False, n_au=20, n_emotion=7, n_blendshape=52, use_head_v3=True, drop_mefl=True)
    published(judges.PYFEAT, {})
    about = {"config": json.dumps(dataclasses.asdict(made))}
    save_file(MEGraphAUv2(made).state_dict(), Path("none", judges.PYFEAT), metadata=about)
    said = Judges(config(aus=["pyfeat"]), CPU).measure(faces, ("aus",))["aus", "pyfeat"]
    assert said.shape == (3, 2) and ((said >= 0) & (said <= 1)).all()
    asked = config(aus=["pyfeat"]) | {"data": {"aus": ["AU12", "AU99"]}}
    with pytest.raises(UserError, match="py-feat does not measure AU99"):
        Judges(asked, CPU)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_inception_gives_fid_its_features(published, faces):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Made(FeatureExtractorInceptionV3):
        def load_state_dict(self, state_dict, *_, **__):
            pass

    torch.save({}, "nothing.pth")
    torch.manual_seed(0)
    published(judges.INCEPTION, Made("made", ["2048"], feature_extractor_weights_path="nothing.pth").state_dict())
    said = Judges(config(features=["inception"]), CPU).measure(faces, ("features",))
    assert said["features", "inception"].shape == (3, 2048)


def test_lpips_by_alexnets_file(published, faces):
    from torchvision.models import alexnet

    torch.manual_seed(0)
    published(lpips.MODEL, alexnet(weights=None).state_dict())
    hub = torch.hub.get_dir()
    distance = lpips.Lpips(download.find(lpips.MODEL, {"directory": "none", "download": False}), CPU)
    assert torch.hub.get_dir() == hub
    noisy = (faces // 2 + 60).astype(np.uint8)
    assert distance(faces, faces) == pytest.approx(np.zeros(3)) and (distance(noisy, faces) > 0).all()


def test_a_file_that_is_no_network_is_told(published):
    published(judges.VGGFACE2, {"a": torch.zeros(1)})
    with pytest.raises(UserError, match="does not hold the weights of facenet-pytorch"):
        Judges(config(identity=["vggface2"]), CPU)
    Path("none", judges.VGGFACE2).write_text("nothing")
    Path("none", f"{judges.VGGFACE2}.sha256").unlink(missing_ok=True)
    with pytest.raises(UserError, match="holds no network's weights"):
        Judges(config(identity=["vggface2"]), CPU)


@pytest.mark.skipif(not (SHARED / "mobilefacenet.onnx").is_file(), reason="needs ../shared/weights/mobilefacenet.onnx")
def test_any_recognition_network_in_an_onnx_file(faces):
    asked = config(identity=["onnx", "mobilefacenet"])
    asked["judge"] |= {
        "onnx_file": str(SHARED / "mobilefacenet.onnx"), "onnx_mean": [0.485, 0.456, 0.406],
        "onnx_deviation": [0.229, 0.224, 0.225],
    }  # fmt: skip
    asked["weights"] = {"directory": str(SHARED), "download": False}
    said = Judges(asked, CPU).measure(faces, ("identity",))
    assert said["identity", "onnx"] == pytest.approx(said["identity", "mobilefacenet"])
    asked["judge"]["onnx_file"] = "nowhere.onnx"
    with pytest.raises(UserError, match="judge.onnx_file names 'nowhere.onnx', which is no file"):
        Judges(asked, CPU)


def test_a_report_card_says_what_is_known(tmp_path):
    truth = np.random.default_rng(0).random((20, 2))
    measured = truth + 0.1
    measured[3] = np.nan
    rows = {row["measure"]: row for row in cards.au_rows(measured, truth, NAMES, "somebody")}
    assert rows["AU12"]["mae"] == pytest.approx(0.1) and rows["AU12"]["icc"] == pytest.approx(1)
    assert rows["mean of AUs"]["n"] == 19 and rows["mean of AUs"]["found"] == pytest.approx(0.95)
    assert cards.features_row(np.zeros((4, 8)), np.arange(4), "somebody") is None
    assert json.dumps(cards.identity_row(np.eye(4), np.array([0, 0, 1, 1]), "somebody", "faces"))
