"""Time things side by side in one process, and keep what came out with the hardware that it ran on."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from wemgan.files import write_json
from wemgan.origin import machine

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
FOLDER = Path(__file__).parents[1] / "results" / "benchmarks"


def seconds(candidates: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each call, taken in turns so that a busy moment hits all alike; one round is not counted."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for round_ in range(rounds + 1):
        for name, call in candidates.items():
            _wait()
            start = time.perf_counter()
            call()
            _wait()
            if round_:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(of) for name, of in times.items()}


def keep(name: str, rows: list[dict]) -> None:
    """Print `rows` and write them to results/benchmarks/<name>_<cpu or cuda>.json, with hardware and code."""
    for row in rows:
        print(
            ", ".join(
                f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()
            )
        )
    write_json(FOLDER / f"{name}_{DEVICE.type}.json", {"machine": machine(), "rows": rows})


def _wait() -> None:
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
