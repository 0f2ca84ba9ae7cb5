"""Rendered people: a mesh driven by action units, so that the true result of every edit exists."""

from wemgan.render.actions import AUS
from wemgan.render.renderer import Renderer
from wemgan.render.sampling import sample_aus

__all__ = ["AUS", "Renderer", "sample_aus"]
