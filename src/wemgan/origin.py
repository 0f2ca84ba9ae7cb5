"""Where results come from: the code's commit, and the machine."""

import os
import platform
import subprocess
from pathlib import Path


def code_commit() -> str:
    """The commit of the code, `+` after it if files of git's were changed since; `unknown` without git.

    The environment variable WEMGAN_COMMIT says it where git cannot.
    """
    if told := os.environ.get("WEMGAN_COMMIT"):
        return told
    try:
        words = ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def processor() -> str:
    """The processor's name, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> dict:
    """Processor, cores, threads, GPU and versions, for beside a result."""
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    hardware = {"processor": processor(), "cores": cores(), "threads": torch.get_num_threads(), "gpu": gpu}
    return hardware | {"python": platform.python_version(), "torch": torch.__version__, "commit": code_commit()}
