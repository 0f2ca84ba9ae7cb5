"""The configuration: what is read, what is refused and in which words, and what a change of it touches."""

import json
import re
from pathlib import Path

import pytest
import yaml

from wemgan import config
from wemgan.errors import UserError
from wemgan.schema import describe, read_schema

ROOT = Path(__file__).parents[1]


@pytest.fixture
def project(tmp_path):
    """A folder with the project's own params.yaml, and a function that writes an overlay `trial` and loads it."""
    (tmp_path / "experiments").mkdir()
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())

    def load(overlay: str = "", experiment: str = "trial") -> dict:
        (tmp_path / "experiments" / "trial.yaml").write_text(overlay)
        return config.load(tmp_path / "params.yaml", experiment)

    return load


@pytest.mark.parametrize("overlay", sorted(path.stem for path in (ROOT / "experiments").glob("*.yaml")))
def test_every_experiment_is_valid(overlay):
    params = config.load(ROOT / "params.yaml", overlay)
    assert params["experiment"] == overlay
    for run in params["runs"]:
        assert config.resolve(params, run, 3)["seed"] == 3


def test_an_overlay_goes_over_the_defaults_key_by_key(project):
    params = project("train: {batch: 5}")
    assert params["train"]["batch"] == 5
    assert params["train"]["images"] == yaml.safe_load((ROOT / "params.yaml").read_text())["train"]["images"]


def test_runs_of_an_overlay_replace_the_default_runs(project):
    assert list(project("runs: {only: {}}")["runs"]) == ["only"]


def test_a_run_differs_by_its_override_alone(project):
    params = project("runs: {full: {}, other: {model.dit: false, train.lr: 1e-4}}")
    full, other = (config.resolve(params, run, 0) for run in ("full", "other"))
    assert other["model"].pop("dit") is False and full["model"].pop("dit") is True
    assert other["train"].pop("lr") == 1e-4
    full["train"].pop("lr")
    assert (full.pop("run"), other.pop("run")) == ("full", "other")
    assert full == other


@pytest.mark.parametrize(
    ("overlay", "words"),
    [
        ("train: {bach: 4}", ["trial.yaml", "train.bach", "did you mean train.batch"]),
        ("trian: {batch: 4}", ["trial.yaml", "trian", "did you mean train"]),
        ("train: {dit: true}", ["train.dit", "did you mean model.dit"]),
        ("train: 4", ["train should be a section"]),
        ("train: {batch: 0}", ["trial.yaml", "train.batch is 0", "at least 1"]),
        ("train: {batch: many}", ["train.batch is 'many'", "a whole number"]),
        ("train: {lr: -1}", ["train.lr is -1", "more than 0"]),
        ("model: {wavelet: har}", ["model.wavelet is 'har'", "haar"]),
        ("data: {aus: [AU01, AU01]}", ["data.aus", "same entry twice"]),
        ("data: {aus: [AU99]}", ["AU99"]),
        ("data: {source: folder}", ["label.tool is truth", "mediapipe"]),
        (
            "data: {source: folder, aus: [AU06, AU12]}\nlabel: {tool: mediapipe}",
            ["trial.yaml: MediaPipe cannot label AU06; take these out of data.aus"],
        ),
        (
            "data: {source: folder, aus: [AU12, AU24]}\nlabel: {tool: mediapipe, compare_with: [openface]}",
            ["OpenFace cannot label AU24"],
        ),
        ("data: {source: folder}\nlabel: {tool: mediapipe, compare_with: [mediapipe]}", ["name other tools there"]),
        ("data: {source: celeba}\nlabel: {tool: truth}", ["label.tool is truth, but photos have none"]),
        (
            "data: {source: celeba}\nlabel: {tool: mediapipe}\ndataset: {release: thumbnails}",
            ["dataset.release is thumbnails, but CelebA has aligned, in_the_wild"],
        ),
        ("dataset: {mirror: /mnt/sets}", ["dataset.mirror is /mnt/sets", "http:// or https://"]),
        ("split: {by: official}", ["split.by is official, but rendered data have no official split"]),
        ("data: {source: folder}\nlabel: {tool: mediapipe}", ["judge.aus has judge", "experiments/folder.yaml"]),
        (
            "data: {source: folder}\nlabel: {tool: mediapipe}\njudge: {aus: [mediapipe], identity: [], features: []}\n"
            "runs: {a: {loss.paired: 1}}",
            ["run a", "loss.paired wants the true edits"],
        ),
        ("split: {validation: 0.5, test: 0.5}", ["split.validation", "training"]),
        ("runs: {a: {}, b: {}, a: {}}", ["trial.yaml", "a stands twice", "join or rename"]),
        ("runs: {a b: {}}", ["letters, digits, _ and -"]),
        ("runs: {}", ["runs", "at least 1"]),
        ("runs: {a: {model.dti: false}}", ["run a", "model.dti", "did you mean model.dit"]),
        ("runs: {a: {data.size: 128}}", ["run a", "data.size", "may change only model, critic, loss, train"]),
        ("runs: {a: {train.batch: 0}}", ["run a", "train.batch is 0", "at least 1"]),
        ("runs: {a: {model: {dit: false}}}", ["run a", "model"]),
        ("seeds: [0, 0]", ["seeds", "twice"]),
        ("experiment: other", ["may not set experiment"]),
        ("train: {batch: [", ["trial.yaml", "not valid YAML"]),
    ],
)
def test_a_mistake_is_told_in_a_sentence(project, overlay, words):
    with pytest.raises(UserError) as mistake:
        project(overlay)
    for word in words:
        assert word in str(mistake.value)
    assert "\n" not in str(mistake.value)


def test_an_unknown_experiment_names_those_that_exist(project):
    with pytest.raises(UserError, match="no experiment tral; did you mean trial.*has trial"):
        project(experiment="tral")


def test_a_missing_key_is_named(project, tmp_path):
    params = yaml.safe_load((tmp_path / "params.yaml").read_text())
    del params["train"]["lr"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(UserError, match=r"params.yaml: the parameter train.lr is missing"):
        project()


def changed_files(before: dict, after: dict, folder: Path) -> set[str]:
    """The files under `folder` that writing the stages of `after` touches, where those of `before` stood."""
    config.write_stages(before, folder)
    stamps = {path: path.stat().st_mtime_ns for path in folder.rglob("*.json")}
    inodes = {path: path.stat().st_ino for path in stamps}
    config.write_stages(after, folder)
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.json")
        if path.stat().st_mtime_ns != stamps.get(path) or path.stat().st_ino != inodes[path]
    }


@pytest.mark.parametrize(
    ("overlay", "touched"),
    [
        ("", set()),
        ("split: {seed: 7}", {"config/split.json"}),
        ("rendered: {judge_identities: 50}", {"config/judge_faces.json"}),
        ("judge: {lr: 0.1}", {"config/judge.json", "config/evaluate.json"}),
        ("au_network: {lr: 0.1}", {"config/au_network.json"}),
        ("evaluate: {people: 2}", {"config/pairs.json"}),
        ("align: {min_interocular: 3}", {"config/align.json"}),
        ("runs: {a: {}, b: {model.dit: true}}", {"config/runs.json", "runs/b/seed0/config.json"}),
        ("loss: {cycle: 3}", {"config/runs.json", "runs/a/seed0/config.json", "runs/b/seed0/config.json"}),
    ],
)
def test_a_change_touches_the_files_of_the_stages_that_read_it(project, tmp_path, overlay, touched):
    runs = "runs: {a: {}, b: {model.dit: false}}\n"
    before, after = project(runs), project(overlay if "runs" in overlay else runs + overlay)
    assert changed_files(before, after, tmp_path / "results") == touched


def test_every_parameter_is_read_by_a_stage():
    """A key that no stage reads could be changed without any effect, and nobody would be told."""
    params = config.load(ROOT / "params.yaml", "demo")
    read = {key for reads in (*config.STAGES.values(), config.RUN_READS) for key in reads}
    shape = {"data.source"}  # decides which rules there are
    for section, content in params.items():
        if section not in ("experiment", "runs", "seeds"):
            unread = [name for name in content if not {section, f"{section}.{name}"} & (read | shape)]
            assert not unread, f"no stage reads {section}: {unread}"


def test_the_parameters_documentation_is_current():
    assert (ROOT / "docs" / "parameters.md").read_text() == describe(read_schema(config.SCHEMA)), "run `make docs`"


def test_the_written_configuration_is_what_was_resolved(project, tmp_path):
    params = project("seeds: [4]\nruns: {x: {critic.high_frequency: false}}")
    config.write_stages(params, tmp_path / "r")
    written = json.loads((tmp_path / "r" / "runs" / "x" / "seed4" / "config.json").read_text())
    assert written == config.resolve(params, "x", 4)
    assert json.loads((tmp_path / "r" / "config" / "runs.json").read_text()) == {"x/seed4": written}


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(data:.*?)```", (ROOT / "docs" / "data.md").read_text(), re.S))
def test_the_overlays_in_the_documentation_load(project, block):
    assert project(block)["data"]["source"] == "folder"


def test_a_photo_that_comes_or_goes_touches_the_list_of_photos(project, tmp_path):
    photos = tmp_path / "photos"
    (photos / "anna").mkdir(parents=True)
    (photos / "anna" / "1.jpg").write_bytes(b"1")
    params = project(
        f"data: {{source: folder}}\nfolder: {{path: {photos}}}\nlabel: {{tool: mediapipe}}\n"
        "judge: {aus: [mediapipe], identity: [], features: []}"
    )
    assert changed_files(params, params, tmp_path / "results") == set()
    written = tmp_path / "results" / "config" / "photos.json"
    for change in ((photos / "anna" / "2.jpg").touch, lambda: (photos / "anna" / "1.jpg").write_bytes(b"another")):
        before = written.read_bytes()
        change()
        config.write_stages(params, tmp_path / "results")
        assert written.read_bytes() != before


def test_a_missing_folder_of_photos_is_left_to_the_step_that_lists_it(project, tmp_path):
    params = project(
        "data: {source: folder}\nfolder: {path: nowhere}\nlabel: {tool: mediapipe}\n"
        "judge: {aus: [mediapipe], identity: [], features: []}"
    )
    config.write_stages(params, tmp_path / "results")
    assert json.loads((tmp_path / "results" / "config" / "photos.json").read_text())["inventory"] is None


def test_a_part_of_a_data_set_without_its_official_list_is_told_before_anything_runs(project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    overlay = (ROOT / "experiments" / "celeba.yaml").read_text() + "\ndataset: {accept: [celeba], fetch: false}\n"
    with pytest.raises(UserError, match="list_eval_partition.txt is not there, so that there is no official split"):
        project(overlay)
    (tmp_path / "datasets" / "celeba").mkdir(parents=True)
    (tmp_path / "datasets" / "celeba" / "list_eval_partition.txt").write_text("000001.jpg 0")
    assert project(overlay)["split"]["by"] == "official"
    (tmp_path / "datasets" / "celeba" / "list_eval_partition.txt").unlink()
    assert project(overlay.replace("fetch: false", "fetch: true"))["dataset"]["fetch"]  # it will be downloaded


def test_what_only_another_tool_reads_is_not_in_the_labels_configuration(project, tmp_path):
    photos = (ROOT / "experiments" / "folder.yaml").read_text()
    config.write_stages(project(photos), tmp_path / "a")
    compared = photos.replace("tool: mediapipe", "tool: mediapipe\n  compare_with: [openface]\n  openface_csv: csv")
    config.write_stages(project(compared), tmp_path / "b")
    one, other = ((tmp_path / name / "config" / "label.json").read_text() for name in "ab")
    assert one == other
    assert "openface_csv" in (tmp_path / "b" / "config" / "label_again.json").read_text()
    config.write_stages(project(photos.replace("tool: mediapipe", "tool: openface")), tmp_path / "c")
    assert "openface_csv" in (tmp_path / "c" / "config" / "label.json").read_text()
