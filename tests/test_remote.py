"""DVC remotes as docs/workflow.md sets them up: results go to an S3 server and come back into a clone."""

import boto3
from moto.server import ThreadedMotoServer
from project import commit, dvc, git, is_idle, make_project, snakemake

KEYS = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


def test_results_are_shared_by_an_s3_server(tmp_path, monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        boto3.client("s3", endpoint_url=address).create_bucket(Bucket="faces")
        folder = make_project(tmp_path / "project")
        assert snakemake(folder, "trial").returncode == 0
        dvc(folder, "remote", "add", "--default", "shared", "s3://faces/wemgan")
        dvc(folder, "remote", "modify", "--local", "shared", "endpointurl", address)
        commit(folder, "results")
        dvc(folder, "push")
        clone = tmp_path / "clone"
        git(tmp_path, "clone", "--quiet", str(folder), str(clone))
        dvc(clone, "remote", "modify", "--local", "shared", "endpointurl", address)
        dvc(clone, "pull")
        assert is_idle(clone)
    finally:
        server.stop()
