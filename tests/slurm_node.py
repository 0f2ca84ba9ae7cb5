"""A real Slurm of one node on loopback, from Debian's slurm-wlm and munge, in a folder of its own; for tests.

The node claims eight cores, 64 GB and a GPU, whatever the machine has.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from project import free_ports

PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "sacct")
TOOLS = ("slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo", "sacct", "sacctmgr")
LACKS = [name for name in NEEDED if shutil.which(name, path=PATH) is None]
# Why no node can be started here; empty if one can.
REASON = ""
if LACKS:
    REASON = f"no {', '.join(LACKS)} here (Debian: apt-get install slurm-wlm munge)"
elif os.geteuid() != 0:
    REASON = "slurmd starts jobs of other users, so the test's own node wants root"

CONFIG = """
ClusterName=trial
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
MailProg=/bin/true
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/jobs.txt
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=64000 Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def node(folder: Path) -> Iterator[dict[str, str]]:
    """Start the node; gives the environment in which `sbatch` and the others find it."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    host = socket.gethostname().split(".")[0]
    text = CONFIG.format(host=host, ports=free_ports(2), folder=folder)
    (folder / "slurm.conf").write_text(text)
    # A GPU that is none: a file that stands for its device.
    (folder / "gres.conf").write_text(f"NodeName={host} Name=gpu File=/dev/null\n")
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    (folder / "bin").mkdir()
    for tool in TOOLS:  # Snakemake takes SLURM_CONF away, which would otherwise say where the configuration is
        script = folder / "bin" / tool
        script.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which(tool, path=PATH)} "$@"\n')
        script.chmod(0o755)
    environment = {"PATH": os.pathsep.join([str(folder / "bin"), PATH])}
    places = [f"--{name}={folder}/munge.{end}" for name, end in (
        ("key-file", "key"), ("socket", "socket"), ("pid-file", "pid"), ("log-file", "log"), ("seed-file", "seed"),
    )]  # fmt: skip
    daemons = [[str(folder / "bin" / name), "-D"] for name in ("slurmctld", "slurmd")]
    commands = ([shutil.which("munged", path=PATH), "--foreground", "--force", *places], *daemons)
    started = []
    try:
        for command in commands:
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            started.append(subprocess.Popen(command, env=os.environ | environment, **quiet))
        words = [folder / "bin" / "srun", "--time=1", "--mem=1", "hostname"]  # waits until the node answers
        subprocess.run(words, env=os.environ | environment, check=True, timeout=120, capture_output=True)
        yield environment
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()
