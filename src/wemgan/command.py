"""The `snakemake` of this environment: Snakemake's own, with `--cores` alone for all cores.

Snakemake's help says that the number may be left out, but its parser since version 8 asks for one. And a checkout is
run by its own code, also where the environment is that of another one (`dvc exp run --temp` makes such a checkout).
"""

import os
import re
import sys
from pathlib import Path


def with_cores(words: list[str]) -> list[str]:
    """The words of a command line, `--cores` or `-c` without a number made `--cores all`."""
    out = []
    for word, following in zip(words, [*words[1:], ""], strict=True):
        out.append(word)
        if word in ("--cores", "-c") and not re.fullmatch(r"\d+|all", following):
            out.append("all")
    return out


def main() -> None:
    sys.argv[1:] = with_cores(sys.argv[1:])
    own = Path("src").resolve()
    if (own / "wemgan").is_dir() and own != Path(__file__).resolve().parents[1]:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(own), os.environ.get("PYTHONPATH")]))
        os.execv(sys.executable, [sys.executable, "-m", "snakemake", *sys.argv[1:]])
    from snakemake.cli import main as snakemake

    snakemake()
