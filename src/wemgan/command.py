"""The `snakemake` of this environment: Snakemake's own, with `--cores` alone for all cores.

Snakemake's help says that the number may be left out, but its parser since version 8 asks for one.
"""

import re
import sys


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
    from snakemake.cli import main as snakemake

    snakemake()
