"""Tracts: bundles of axons between regions, with a delay of at least one step.

The spikes that are under way are part of the state: a buffer ``[batch, delay, *source]``, oldest
first.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurallayers.dynamics.convolution import Convolution2d, Flatten, MaxPool2d
from neurallayers.dynamics.synapses import Linear
from neurallayers.errors import ShapeMismatch


class Tract(nn.Module):
    """What one region sends to another.

    Args:
        source_shape: Shape of the region (or drive) that sends.
        target_shape: Shape of the region that receives.
        delay_steps: Steps that a spike travels; 0 only from a sense.
        pattern: ``"dense"`` or ``"convolution"``.
        kernel: Side of the field [pixels] (convolution).
        padding: Zeros around the image [pixels] (convolution).
        pool: Side of the squares of which only the strongest neuron is read [pixels].
        gain: Standard deviation of the weights times sqrt(fan in).
        seed: Seed of the weights.

    Raises:
        ShapeMismatch: If the pattern does not lead to the target's shape.
    """

    def __init__(
        self,
        source_shape: tuple[int, ...],
        target_shape: tuple[int, ...],
        *,
        delay_steps: int,
        pattern: str = "dense",
        kernel: int = 3,
        padding: int = 0,
        pool: int = 1,
        gain: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.source_shape, self.target_shape = tuple(source_shape), tuple(target_shape)
        self.delay_steps = delay_steps
        self.pool = MaxPool2d(source_shape, kernel=pool) if pool > 1 else None
        shape = self.source_shape if self.pool is None else self.pool.out_shape
        self.synapses: Convolution2d | Linear
        self.flatten: Flatten | None = None
        if pattern == "convolution":
            channels = target_shape[-1]
            self.synapses = Convolution2d(
                shape, channels, kernel=kernel, padding=padding, gain=gain, seed=seed
            )
            if self.synapses.out_shape != self.target_shape:
                raise ShapeMismatch(
                    f"a convolution of {shape} gives {self.synapses.out_shape}, "
                    f"the target has {self.target_shape}.",
                    "Change kernel, padding or pool, or the shape of the target.",
                )
        else:
            self.flatten = Flatten(shape)
            n_out = torch.Size(self.target_shape).numel()
            self.synapses = Linear(self.flatten.out_shape[0], n_out, gain=gain, seed=seed)

    def initial_buffer(self, batch: int = 1) -> Tensor:
        """No spike is under way: zeros ``[batch, delay, *source]``."""
        return torch.zeros(batch, self.delay_steps, *self.source_shape)

    def project(self, frames: Tensor) -> Tensor:
        """Currents at the target for spikes at the source.

        Args:
            frames: ``[time, batch, *source]``.

        Returns:
            ``[time, batch, *target]``.
        """
        rows = frames.flatten(0, 1)
        if self.pool is not None:
            rows = self.pool.map_frames(rows)
        if self.flatten is not None:
            rows = self.flatten.map_frames(rows)
        return self.synapses.map_frames(rows).view(*frames.shape[:2], *self.target_shape)

    def arriving(self, spikes: Tensor, buffer: Tensor | None) -> tuple[Tensor, Tensor]:
        """What arrives at the target while the source fires ``spikes``, and what stays under way.

        Args:
            spikes: ``[time, batch, *source]``.
            buffer: ``[batch, delay, *source]``; none is under way when left out.

        Returns:
            Arriving spikes ``[time, batch, *source]`` and the buffer after the last step.
        """
        if self.delay_steps == 0:
            empty = spikes.new_zeros(spikes.shape[1], 0, *self.source_shape)
            return spikes, empty
        if buffer is None:
            waiting = spikes.new_zeros(self.delay_steps, *spikes.shape[1:])
        else:
            waiting = buffer.transpose(0, 1).to(spikes.dtype)
        line = torch.cat([waiting, spikes])
        time = spikes.shape[0]
        # A copy, so that the state does not keep the whole line of spikes alive.
        return line[:time], line[time:].transpose(0, 1).clone()

    def currents(self, spikes: Tensor, buffer: Tensor | None) -> tuple[Tensor, Tensor]:
        """Currents at the target while the source fires ``spikes``.

        They are the :meth:`project` of what :meth:`arriving` gives. When nothing is under way, the
        first frames carry the bias alone and are not computed one by one.

        Args:
            spikes: ``[time, batch, *source]``.
            buffer: ``[batch, delay, *source]``; none is under way when left out.

        Returns:
            Currents ``[time, batch, *target]`` and the buffer after the last step.
        """
        delay, (time, batch) = self.delay_steps, spikes.shape[:2]
        if buffer is not None or not 0 < delay < time:
            arriving, waiting = self.arriving(spikes, buffer)
            return self.project(arriving), waiting
        silent = self.project(spikes.new_zeros(1, 1, *self.source_shape))
        first = silent.expand(delay, batch, *self.target_shape)
        currents = torch.cat([first, self.project(spikes[: time - delay])])
        return currents, spikes[time - delay :].transpose(0, 1).clone()
