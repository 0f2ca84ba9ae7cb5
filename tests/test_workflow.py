"""The workflow with steps that only pretend: what a change makes stale, how it fails, how it resumes, what DVC covers.

The rules, Snakemake and the configuration are the real ones; every `python -m wemgan.<step>` is replaced by a script
that writes, into each output, a digest of all inputs.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from wemgan.command import with_cores
from wemgan.recovery import mistakes
from wemgan.sources import sources

ROOT = Path(__file__).parents[1]
COPIED = ("Snakefile", "workflow", "profiles", "environment.yml", "params.yaml", "experiments", "dvc.yaml", "src")

FAKE = """
import hashlib, os, pathlib, sys
OUTPUTS = {
    "render": "faces table truth", "folder": "photos set-aside", "align": "faces table set-aside",
    "faces": "out-faces out-table out-set-aside", "label": "aus unlabelled", "split": "split",
    "pairs": "pairs truth wrong",
    "judge": "model", "au_network": "model", "train": "model history samples state speed",
    "evaluate": "metrics measures edits", "summarize": "summary expressions markdown", "figures": "out",
    "track": "tracked", "sweeps": "expressions single",
    "partners": "partners pixels", "hog": "model", "reference": "out about", "cards": "cards", "charts": "out",
    "compare": "intervals differences",
}
step, words = sys.argv[1], sys.argv[2:]
if os.environ.get("FAIL") and os.environ["FAIL"] in " ".join(words):
    sys.exit("error: this run was told to fail")
if os.environ.get("HOLD") and step == "train":
    open(os.environ["HOLD"], "w").close()  # waits until the test reads from the pipe
    open(os.environ["HOLD"]).read()
    open(os.environ["HOLD"] + ".reached", "w").close()
inputs, outputs, flag = [], [], None
for word in words:
    if word.startswith("--"):
        flag = word[2:]
    elif flag in OUTPUTS[step].split():
        outputs.append(word)
    elif os.path.exists(word):
        inputs.append(word)
total = hashlib.sha256(b"".join(pathlib.Path(path).read_bytes() for path in inputs)).hexdigest()
for path in outputs:
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text(total + path)
"""

TOLD = ", told: {loss.paired: 1}"  # for rendered faces alone
TRIAL = f"runs: {{full: {{}}, plain: {{model.dit: false}}{TOLD}}}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project whose steps pretend, after a first run of the experiment `trial`."""
    folder = tmp_path_factory.mktemp("project")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(ROOT / name, folder / name)
    for rules in (folder / "workflow" / "rules").glob("*.smk"):
        rules.write_text(rules.read_text().replace("python -m wemgan.", "python fake.py "))
    (folder / "fake.py").write_text(FAKE)
    (folder / "experiments" / "trial.yaml").write_text(TRIAL)
    done = snakemake(folder, "trial")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def photos(made):
    """The same project after the data of the experiment `mine`, of photos, were made."""
    folder = (made / "experiments" / "folder.yaml").read_text()
    (made / "experiments" / "mine.yaml").write_text(f"{folder}\nalign: {{shards: 1}}\n{TRIAL.replace(TOLD, '')}")
    done = snakemake(made, "mine", "data")
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def files(made, photos):
    """By experiment, every output that the workflow has made with its inputs."""
    return {experiment: files_by_rule(made, experiment) for experiment in ("trial", "mine")}


def command(experiment: str, *words: str) -> list[str]:
    return [sys.executable, "-m", "snakemake", "--cores", "2", *words, "--config", f"experiment={experiment}"]


def environment(folder: Path, **more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(folder / "src")} | more


def snakemake(folder: Path, experiment: str, *words: str, **more: str) -> subprocess.CompletedProcess:
    """Run Snakemake in a folder, with that folder's package."""
    return subprocess.run(
        command(experiment, *words), cwd=folder, env=environment(folder, **more), capture_output=True, text=True
    )


def stale(folder: Path, experiment: str = "trial") -> dict[str, int]:
    """How often each rule would run now."""
    done = snakemake(folder, experiment, "--dry-run")
    assert done.returncode == 0, done.stderr
    table = re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.M)
    return {rule: int(n) for rule, n in table if rule != "total"}


def test_a_second_run_has_nothing_to_do(made):
    assert stale(made) == {}
    assert (made / "results" / "trial" / "summary.csv").exists()


def test_the_report_has_every_figure_with_its_own_caption(made):
    done = snakemake(made, "trial", "--report", "report.html")
    assert done.returncode == 0, done.stderr
    html = (made / "report.html").read_text(encoding="utf-8")
    for words in ("and their edits to strong expressions", "The ten edits of each run", "Crosses are 95 % intervals"):
        assert words in html


def test_photos_are_aligned_in_shards_that_do_not_stay(photos):
    data = photos / "results" / "mine" / "data"
    assert {"faces.npy", "faces.csv", "set_aside.csv", "aus.csv", "pairs.csv"} <= {path.name for path in data.iterdir()}
    assert not (data / "truth.csv").exists()
    assert not list((data / "shards").glob("*"))


def test_a_changed_parameter_redoes_what_it_touches(made):
    (made / "experiments" / "trial.yaml").write_text(TRIAL.replace("false", "true") + "judge: {lr: 0.1}")
    found = stale(made)
    (made / "experiments" / "trial.yaml").write_text(TRIAL)
    tables = {"all", "compare", "summary", "compared", "charts", "sweeps", "curves_figure", "track"}
    assert {rule: n for rule, n in found.items() if rule not in tables} == {
        "train": 1, "judge": 1, "cards": 1, "reference": 1, "control": 6, "evaluate": 3,
    }  # fmt: skip


def test_a_changed_module_redoes_the_steps_that_use_it(made):
    path = made / "src" / "wemgan" / "judge.py"
    content = path.read_text()
    path.write_text(content + "\n# changed\n")
    found = stale(made)
    path.write_text(content)
    assert "judge" in found and "evaluate" in found
    assert not {"render", "label", "train", "au_network"} & set(found)


def test_one_failed_training_leaves_the_other(made):
    (made / "experiments" / "trial.yaml").write_text(TRIAL + "loss: {cycle: 1}")
    done = snakemake(made, "trial", "runs", FAIL="runs/plain/seed0/config.json")
    runs = made / "results" / "trial" / "runs"
    assert done.returncode != 0
    assert "What went wrong:\n  error: this run was told to fail" in done.stderr
    assert (runs / "full" / "seed0" / "metrics.json").exists()
    assert (runs / "plain" / "seed0" / "state.pt").exists()  # what a training resumes from
    assert not (runs / "plain" / "seed0" / "model.pt").exists()


def test_a_killed_run_carries_on(made):
    (made / "experiments" / "trial.yaml").write_text(TRIAL + "loss: {cycle: 2}")
    pipe = made / "hold"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        command("trial", "runs"), cwd=made, env=environment(made, HOLD=str(pipe)),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with open(pipe) as reached:  # opens when a training has begun
        reached.read()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list((made / ".snakemake" / "locks").iterdir())
    done = snakemake(made, "trial", "runs")
    assert done.returncode == 0, done.stderr
    assert "an earlier run was interrupted; carrying on" in done.stderr
    assert "ending step" in done.stderr  # a training that lived on
    assert all(
        (made / "results" / "trial" / "runs" / run / "seed0" / "metrics.json").exists() for run in ("full", "plain")
    )


def test_a_mistake_in_the_configuration_stops_it_before_anything_runs(made):
    (made / "experiments" / "wrong.yaml").write_text("runs: {a: {}, a: {}}")
    done = snakemake(made, "wrong")
    assert done.returncode != 0
    assert "a stands twice" in done.stderr and "Traceback" not in done.stderr
    assert not (made / "results" / "wrong").exists()


def files_by_rule(folder: Path, experiment: str) -> list[tuple[str, list[str]]]:
    """Every output that was made, with its inputs."""
    targets = ["data"] if experiment == "mine" else []
    done = snakemake(folder, experiment, "--detailed-summary", *targets)
    rows = [line.split("\t") for line in done.stdout.splitlines() if line.startswith("results/")]
    made = [(row[0], row[4].split(",")) for row in rows if row[4] != "-"]
    assert made, done.stderr
    return made


def dvc_stages(experiment: str) -> dict:
    return yaml.safe_load((ROOT / "dvc.yaml").read_text().replace("${experiment}", experiment))["stages"]


def covers(entry: str, path: str) -> bool:
    return path == entry or path.startswith(f"{entry}/")


@pytest.mark.parametrize("experiment", ["trial", "mine"])
def test_every_file_of_the_workflow_is_in_one_stage_of_dvc(files, experiment):
    stages = dvc_stages(experiment)
    outs = {out: name for name, stage in stages.items() for entry in stage["outs"] for out in entry}
    owner = {}
    for path, _ in files[experiment]:
        owners = [name for out, name in outs.items() if covers(out, path)]
        assert len(owners) == 1, f"{path} is in the outs of {owners}, and should be in those of one stage of dvc.yaml"
        owner[path] = owners[0]
    for path, inputs in files[experiment]:
        stage = owner[path]
        for file in inputs:
            inside = owner.get(file) == stage or re.search(r"/runs/.*/config\.json$", file)
            known = inside or any(covers(dep, file) for dep in stages[stage]["deps"])
            assert known, f"stage {stage} of dvc.yaml lacks the dep {file}"


def test_dvc_has_nothing_that_the_workflow_does_not_know(files):
    needed: dict[str, set[str]] = {}
    for experiment, made in files.items():
        stages = dvc_stages(experiment)
        outs = {out: name for name, stage in stages.items() for entry in stage["outs"] for out in entry}
        for path, inputs in made:
            stage = next(name for out, name in outs.items() if covers(out, path))
            needed.setdefault(stage, set()).update(file.replace(f"/{experiment}/", "/trial/") for file in inputs)
    stages = dvc_stages("trial")
    for name, inputs in needed.items():
        for dep in stages[name]["deps"]:
            of_runs = dep.endswith("config/runs.json")  # all the runs' config.json in one
            assert of_runs or any(covers(dep, file) for file in inputs), f"stage {name} has the needless dep {dep}"
    for out in (out for stage in list(stages.values())[1:] for entry in stage["outs"] for out in entry):
        assert any(covers(out, path) for path, _ in files["trial"]), f"no rule makes the out {out} of dvc.yaml"


def test_sources_follow_imports():
    assert "src/wemgan/wavelet.py" in sources("train")
    assert "src/wemgan/render/__main__.py" in sources("render")
    assert "src/wemgan/judge.py" not in sources("train")
    assert all((ROOT / path).exists() for path in sources("evaluate"))


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["--cores"], ["--cores", "all"]),
        (["--cores", "2", "x"], ["--cores", "2", "x"]),
        (["-c", "-n"], ["-c", "all", "-n"]),
        (["x", "--cores", "results/demo/summary.csv"], ["x", "--cores", "all", "results/demo/summary.csv"]),
    ],
)
def test_cores_alone_means_all(words, meant):
    assert with_cores(words) == meant


def test_mistakes_are_found_in_the_newest_logs(tmp_path):
    (tmp_path / "old.log").write_text("error: long ago\n")
    os.utime(tmp_path / "old.log", (1000, 1000))
    (tmp_path / "fine.log").write_text("error: 0.1\ndone\n")
    (tmp_path / "new.log").write_text("50%\rerror: no face\n".replace("\r", "\n"))
    assert mistakes(tmp_path, 2000) == f"What went wrong:\n  error: no face\n    (in {tmp_path / 'new.log'})"
