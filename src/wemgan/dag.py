"""Draw the workflow as diagrams that Markdown shows: the rules of rendered faces and of photos, and DVC's stages.

python -m wemgan.dag --out docs/dag.md
"""

import argparse
import re
import subprocess
import sys

from networkx import DiGraph, transitive_reduction

from wemgan.errors import UserError, run_cli
from wemgan.files import write_bytes

HEAD = """# The workflow, drawn

Written by `snakemake dag` from the rules themselves. An arrow leads from what is made to what is made of it; arrows
that others imply are left out. How to use it: [workflow.md](workflow.md).
"""
# Title: an experiment of that kind.
RULES = {"Rules for rendered faces": "demo", "Rules for photos": "folder", "Rules for a data set": "celeba"}


def diagram(mermaid: str) -> str:
    """A diagram in Mermaid as Snakemake and DVC write it, with names for numbers, and without what others imply."""
    names = dict(re.findall(r'^\s*(\w+)\["?(.+?)"?\]$', mermaid, re.M))
    arrows = re.findall(r"^\s*(\w+)\s*-->\s*(\w+)$", mermaid, re.M)
    needed = transitive_reduction(DiGraph([(names[a], names[b]) for a, b in arrows]))
    lines = sorted(f"    {a} --> {b}" for a, b in needed.edges)
    return "\n".join(["```mermaid", "flowchart TB", *lines, "```"])


def say(*words: str) -> str:
    """What a command of this environment prints."""
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"{' '.join(words)} failed: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def draw() -> str:
    """The whole document."""
    parts = [HEAD]
    for title, experiment in RULES.items():
        words = ("--rulegraph", "mermaid-js", "--config", f"experiment={experiment}")
        parts.append(f"## {title}\n\n{diagram(say('snakemake', *words))}\n")
    stages = diagram(say("dvc", "dag", "--mermaid"))
    parts.append(f"## Stages of DVC\n\nEach asks Snakemake for its part.\n\n{stages}\n")
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="a Markdown file")
    args = parser.parse_args()
    write_bytes(args.out, draw().encode())


if __name__ == "__main__":
    run_cli(main)
