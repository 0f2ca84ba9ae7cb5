"""The processes that train one model together: those that torchrun started, or this one alone."""

import os
from collections.abc import Iterable
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from wemgan.errors import UserError


class Processes(NamedTuple):
    """Which of how many processes this is, and the device that it works on."""

    rank: int
    count: int
    device: torch.device

    def share(self, batch: int) -> int:
        """The rows of a batch that each process works on; UserError unless they can be shared evenly."""
        if batch % self.count:
            raise UserError(f"train.batch is {batch}, which {self.count} processes cannot share evenly")
        return batch // self.count

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors, the same on all processes in shape and order, by their means over the processes."""
        if self.count == 1:
            return
        tensors = list(tensors)
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        for tensor, mean in zip(tensors, flat.div_(self.count).split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(mean.view_as(tensor))


def join() -> Processes:
    """Meet the other processes of torchrun, each with a GPU of its own where there are GPUs; without it, be alone."""
    rank, count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if count > 1:
        dist.init_process_group("nccl" if cuda else "gloo")
    return Processes(rank, count, device)
