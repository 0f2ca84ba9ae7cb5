"""Rendered people: a mesh driven by action units, so that the true result of every edit exists."""

from pathlib import Path

import numba

from wemgan.files import digest

# Numba's cache of compiled code looks at a function's own file, not at what the function calls: a change in one of
# these files would leave callers in the others as they were. So every state of them has a cache of its own.
_FOLDER = Path(__file__).parent
_CACHE = Path(numba.config.CACHE_DIR or _FOLDER / "__pycache__")
numba.config.CACHE_DIR = str(_CACHE / f"numba-{digest(*sorted(_FOLDER.glob('*.py')))}")

from wemgan.render.actions import AUS  # noqa: E402
from wemgan.render.renderer import Renderer  # noqa: E402
from wemgan.render.sampling import sample_aus  # noqa: E402

__all__ = ["AUS", "Renderer", "sample_aus"]
