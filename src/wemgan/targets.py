"""Which AUs the generator is asked for while it trains."""

import torch
from torch import Tensor

from wemgan.draws import Draws


def draw_targets(source: Tensor, pool: Tensor, share_single: float, draws: Draws) -> Tensor:
    """Target AUs (N, K) in [0, 1] for faces with AUs `source` (N, K).

    A share of them changes one to three AUs to a strength drawn evenly from [0, 1], so that rare AUs are learnt;
    the rest take the AUs of another face, a row of `pool` (M, K).
    """
    n, k = source.shape
    others = pool[draws.integers(0, len(pool), n).to(pool.device)].to(source.device)
    order = draws.uniform(n, k).argsort(1)
    chosen = (order < draws.integers(1, 4, n, 1)).to(source.device)
    strengths = draws.uniform(n, k).to(source.device)
    single = (draws.uniform(n, 1) < share_single).to(source.device)
    return torch.where(single, torch.where(chosen, strengths, source), others)
