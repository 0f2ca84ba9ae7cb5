"""A real browser on the pages of the project's tools; by itself, the screenshot of the comparison for the docs.

    python tests/browser.py --store sqlite:////.../mlflow.db --experiment demo --runs "full seed 0" "no_dit seed 0" \
        --out docs/mlflow.png
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from project import free_ports

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def browser_page() -> Iterator[Page]:
    """A page of a browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(60_000)
        yield page
        browser.close()


@contextmanager
def serving(words: list[str], folder: Path, ready: str = "Application startup complete", **more: str) -> Iterator[str]:
    """Run a server on a free port of loopback until the block ends; gives its address once it says `ready`."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "mlflow", *words, "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        command, cwd=folder, env=os.environ | more, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said = []
    try:
        for line in server.stdout:
            said.append(line)
            if ready in line:
                break
        else:
            raise RuntimeError(f"{' '.join(words)} ended:\n{''.join(said)}")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def compare_runs(page: Page, address: str, experiment: str, runs: list[str], metrics: list[str]) -> None:
    """In `mlflow ui`, go from the experiments to the comparison of these runs by these metrics."""
    page.goto(f"{address}/#/experiments", wait_until="load")
    page.get_by_text("Model training", exact=True).click()
    page.get_by_role("link", name=experiment, exact=True).first.click()
    for name in runs:
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))
        row.get_by_role("checkbox").first.click()
    page.get_by_role("button", name="Compare").or_(page.get_by_role("link", name="Compare")).first.click()
    page.get_by_text(f"Comparing {len(runs)} Runs from 1 Experiment").wait_for()
    if close := page.get_by_label("Close", exact=True).all():
        close[0].click()
    picker = page.get_by_role("combobox").nth(1)
    picker.press("Backspace")  # the metric that is chosen at first
    for metric in metrics:
        picker.press_sequentially(metric)
        picker.press("Enter")
    picker.press("Escape")
    for metric in metrics:
        page.locator(".parcoords .axis-title", has_text=metric).wait_for()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", required=True)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--runs", nargs="+", required=True)
    parser.add_argument("--metrics", nargs="+", default=["final/au_mae_judge", "final/au_mae_hog", "final/psnr"])
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    ui = ["ui", "--backend-store-uri", args.store, "--workers", "1"]
    with serving(ui, Path.cwd()) as address, browser_page() as page:
        compare_runs(page, address, args.experiment, args.runs, args.metrics)
        page.screenshot(path=args.out)


if __name__ == "__main__":
    main()
