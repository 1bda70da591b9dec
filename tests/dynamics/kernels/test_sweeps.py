from __future__ import annotations

import torch

from neurallayers.dynamics.kernels.sweeps import Drive


def test_one_frame_stands_for_all_steps() -> None:
    rest, decay = torch.zeros(2, 3), torch.ones(3)
    held = Drive(torch.zeros(1, 2, 3), 5, decay, rest)
    shown = Drive(torch.zeros(5, 2, 3), 5, decay, rest)
    assert held.held
    assert not shown.held
    assert held.output_shape == shown.output_shape == (5, 2, 3)
