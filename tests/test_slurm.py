"""The profile for Slurm, on a real Slurm of one node: every step is a job that asks for what the profile says."""

import os
import re
import sys
from pathlib import Path

import pytest
import yaml
from project import ROOT, make_project, run, stale
from slurm_node import REASON, node

PROFILE = ROOT / "profiles" / "slurm" / "config.yaml"


def test_the_profile_names_rules_that_there_are():
    rules = "\n".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    profile = yaml.safe_load(PROFILE.read_text())
    named = {*profile["set-resources"], *profile["set-threads"]}
    assert named and all(re.search(rf"^ *rule {name}:$", rules, re.M) for name in named)
    on_gpu = {name for name, wanted in profile["set-resources"].items() if wanted.get("gpu")}
    assert on_gpu == set(re.findall(r"^ *rule (\w+):\n(?:(?!^ *rule ).*\n)*?.*gpu=GPU,$", rules, re.M))


@pytest.mark.skipif(bool(REASON), reason=REASON)
def test_steps_run_as_jobs_with_what_they_ask_for(tmp_path):
    tmp_path.chmod(0o755)
    folder = make_project(tmp_path / "project")
    model = "results/trial/runs/full/seed0/model.pt"
    words = ["--workflow-profile", "profiles/slurm", model, "--slurm-status-command", "squeue"]
    words += ["--slurm-init-seconds-before-status-checks", "1", "--config", "experiment=trial"]
    with node(tmp_path / "slurm") as cluster:
        path = os.pathsep.join([str(Path(sys.executable).parent), cluster["PATH"]])
        done = run(folder, sys.executable, "-m", "snakemake", *words, PATH=path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (folder / model).exists()
    jobs = [dict(re.findall(r"(\w+)=(\S+)", line)) for line in (tmp_path / "slurm" / "jobs.txt").open()]
    jobs = [job for job in jobs if job["Name"] != "hostname"]  # the one that waited for the node
    assert len(jobs) == 5 and all(job["JobState"] == "COMPLETED" for job in jobs)
    training = next(job for job in jobs if job["TimeLimit"] == "1440")
    assert "cpu=4,mem=32000M" in training["Tres"]
    labelling = next(job for job in jobs if "mem=8000M" in job["Tres"])
    assert labelling["TimeLimit"] == "240"
    gpus = dict(line.split() for line in (folder / "on_slurm.txt").open())
    assert gpus == {"render": "0", "label": "0", "split": "0", "au_network": "1", "train": "1"}
    assert "train" in stale(folder) and stale(folder)["train"] == 2  # the others; here it is known what the jobs made
