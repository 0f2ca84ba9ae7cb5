"""Random numbers for batches: the same for a seed, however many processes share a batch."""

import torch
from torch import Tensor


class Draws:
    """Draws for batches whose rows are shared by processes: each draws for all rows and keeps its own.

    `n` is always the number of rows of this process. Numbers are drawn on `device`: those of a GPU differ from a CPU's.
    """

    def __init__(self, seed: int, device: torch.device | str = "cpu", rank: int = 0, processes: int = 1):
        self.device, self.rank, self.processes = torch.device(device), rank, processes
        self.generator = torch.Generator(self.device).manual_seed(seed)

    def uniform(self, n: int, *shape: int) -> Tensor:
        """Even in [0, 1), float32 (n, *shape)."""
        return self._own(n, torch.rand(n * self.processes, *shape, generator=self.generator, device=self.device))

    def normal(self, n: int, *shape: int) -> Tensor:
        """Mean 0 and variance 1, float32 (n, *shape)."""
        return self._own(n, torch.randn(n * self.processes, *shape, generator=self.generator, device=self.device))

    def integers(self, low: int, high: int, n: int, *shape: int) -> Tensor:
        """Whole numbers from `low` to `high` - 1, int64 (n, *shape)."""
        size = (n * self.processes, *shape)
        return self._own(n, torch.randint(low, high, size, generator=self.generator, device=self.device))

    def again(self) -> "Draws":
        """Draws that go on from here as these will: for the same numbers twice."""
        twin = Draws(0, self.device, self.rank, self.processes)
        twin.generator.set_state(self.generator.get_state())
        return twin

    def _own(self, n: int, drawn: Tensor) -> Tensor:
        return drawn[self.rank * n : (self.rank + 1) * n]
