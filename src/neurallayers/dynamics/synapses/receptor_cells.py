"""Receptors of a layer of neurons as a cell: weighted spikes in, current or conductance out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from neurallayers.dynamics.cell import CELLS, Cell, check_frames, initial_state_like, positive
from neurallayers.dynamics.synapses.kinetics import Coefficients, LinearKinetics, exact_step
from neurallayers.dynamics.synapses.receptors import Receptor, receptor_from
from neurallayers.errors import InvalidInput

CHUNK = 64  # steps that a run takes at once; longer ones cost more products than they save calls

Description = Receptor | Mapping[str, Any] | str


class ReceptorsState(NamedTuple):
    """State of :class:`Receptors`."""

    rising: Tensor  # [batch, receptor, n], the variable x of the kinetics
    acting: Tensor  # [batch, receptor, n], the variable y


@CELLS.register("Receptors")
class Receptors(Cell[ReceptorsState]):
    r"""One or several kinds of receptors on each of ``n`` neurons.

    The input of a step are the weights that arrive at its beginning, summed over synapses (a
    :class:`Linear`, say): ``[batch, n]`` for one receptor, ``[batch, receptor, n]`` for several, in
    their order. Where a receptor is blocked by magnesium, a last row is the neurons' membrane
    potential [mV]: ``[batch, receptor + 1, n]``.

    The output is what acts during the step (its mean, exact for steps of any length): a current
    ``[batch, n]`` [pA] if no receptor has a reversal potential, else ``[batch, 2, n]``: drive [pA]
    and conductance [nS], as neurons with ``synaptic_input="conductance"`` take it; currents are
    part of the drive.

    ``run`` takes 64 steps at once by their impulse response; gradients pass through it.

    Args:
        n: Number of neurons.
        receptors: Name of a preset, a receptor, its JSON, a list of such or a dict of them by name.
        dt_ms: Length of a step [ms].
        tau_membrane_ms: Time constant of leaky integrate-and-fire neurons that take the output of
            receptors without reversal potential; with it their potential is exact (see
            :meth:`Kinetics.coefficients`).
        learn: Which numbers are trained, by the name of the field: ``"tau_ms"``, ``"tau_rise_ms"``,
            ``"tau_decay_ms"`` (as logarithms, which keeps them positive), ``"reversal_mv"``; each
            for all receptors that have it.

    Raises:
        InvalidInput: If an option is out of range or no receptor has a field to learn.
        UnknownName: If there is no such preset.

    >>> cell = Receptors(3, ["AMPA", "GABA_A"], dt_ms=0.1)
    >>> pair, state = cell(torch.ones(1, 2, 3), cell.initial_state(1))
    >>> pair.shape
    torch.Size([1, 2, 3])
    """

    def __init__(
        self,
        n: int,
        receptors: Description | Sequence[Description] | Mapping[str, Description] = "AMPA",
        *,
        dt_ms: float = 1.0,
        tau_membrane_ms: float | None = None,
        learn: Sequence[str] = (),
    ) -> None:
        super().__init__()
        if n < 1:
            raise InvalidInput(f"Receptors({n}).", "There must be at least one neuron.")
        self.receptors = receptors_by_name(receptors)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.1 to 1")
        if tau_membrane_ms is not None:
            positive("tau_membrane_ms", tau_membrane_ms, "usually 10 to 30 ms")
        self.tau_membrane_ms = tau_membrane_ms
        kinds = list(self.receptors.values())
        self.blocked = any(kind.block is not None for kind in kinds)
        self.conducting = any(kind.reversal_mv is not None for kind in kinds)
        rows = len(kinds) + self.blocked
        self.in_shape = (n,) if rows == 1 else (rows, n)
        self.out_shape = (2, n) if self.conducting else (n,)
        self.numbers = [
            kind.kinetics.coefficients(self.dt_ms, self._membrane_ms(kind)) for kind in kinds
        ]
        self.learned = nn.ParameterDict()
        for name in learn:
            self._learn(name)

    def _learn(self, field: str) -> None:
        found = False
        for name, kind in self.receptors.items():
            if field == "reversal_mv" and kind.reversal_mv is not None:
                found, start = True, kind.reversal_mv
            elif field.startswith("tau_") and hasattr(kind.kinetics, field):
                found, start = True, math.log(getattr(kind.kinetics, field))
            else:
                continue
            self.learned[parameter_name(name, field)] = nn.Parameter(torch.tensor(start))
        if not found:
            raise InvalidInput(
                f"No receptor of {list(self.receptors)} has a {field!r} to learn.",
                "Learn tau_ms, tau_rise_ms, tau_decay_ms or reversal_mv of a receptor with one.",
            )

    def _learned(self, name: str, field: str) -> Tensor | None:
        learned: Tensor | None = self.learned.get(parameter_name(name, field))
        return learned

    def _coefficients(self, index: int, name: str) -> LinearKinetics | Coefficients:
        """The numbers of a step; computed anew only where time constants learn."""
        kinetics = self.receptors[name].kinetics
        logarithms = {f.name: self._learned(name, f.name) for f in fields(kinetics)}
        learned = {field: log.exp() for field, log in logarithms.items() if log is not None}
        if not learned:
            return self.numbers[index]
        membrane_ms = self._membrane_ms(self.receptors[name])
        return exact_step(kinetics.pair(**learned), self.dt_ms, membrane_ms)

    def _membrane_ms(self, kind: Receptor) -> float | None:
        """A conductance changes the time constant of the membrane: of it the mean counts."""
        return self.tau_membrane_ms if kind.reversal_mv is None else None

    def initial_state(self, batch: int = 1) -> ReceptorsState:
        """No transmitter anywhere."""
        shape = (batch, len(self.receptors), self.in_shape[-1])
        return ReceptorsState(torch.zeros(shape), torch.zeros(shape))

    def forward(self, x: Tensor, state: ReceptorsState) -> tuple[Tensor, ReceptorsState]:
        """One step; see the class."""
        weights, potential = self._rows(x)
        rising, acting, outputs = [], [], []
        for index, (name, kind) in enumerate(self.receptors.items()):
            numbers = self._coefficients(index, name)
            before, weight = state.rising[:, index], weights[index]
            if kind.saturates:
                bound = before + (1.0 - before) * (1.0 - (1.0 - numbers.jump_x) ** weight)
            else:
                bound = before + numbers.jump_x * weight
            active = state.acting[:, index] + numbers.jump_y * weight
            outputs.append(numbers.output_x * bound + numbers.output_y * active)
            rising.append(numbers.decay_x * bound)
            acting.append(numbers.decay_y * active + numbers.coupling * bound)
        after = ReceptorsState(torch.stack(rising, 1), torch.stack(acting, 1))
        return self._joined(outputs, potential), after

    def _rows(self, x: Tensor) -> tuple[list[Tensor], Tensor | None]:
        """The weights of each receptor and the potential."""
        if len(self.in_shape) == 1:
            return [x], None
        rows = list(x.unbind(-2))
        return (rows[:-1], rows[-1]) if self.blocked else (rows, None)

    def _joined(self, outputs: list[Tensor], potential: Tensor | None) -> Tensor:
        """What all receptors together do to the neurons."""
        drive = torch.zeros_like(outputs[0])
        conductance = torch.zeros_like(outputs[0])
        for (name, kind), output in zip(self.receptors.items(), outputs, strict=True):
            acting = kind.acting(output, potential)
            if kind.reversal_mv is None:
                drive = drive + acting
                continue
            learned = self._learned(name, "reversal_mv")
            drive = drive + acting * (kind.reversal_mv if learned is None else learned)
            conductance = conductance + acting
        return torch.stack([drive, conductance], -2) if self.conducting else drive

    def run(
        self, xs: Tensor, state: ReceptorsState | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, ReceptorsState]:
        """Many steps, in chunks by the impulse response."""
        check_frames(self, xs, steps)
        if any(kind.saturates for kind in self.receptors.values()):
            return self.run_reference(xs, state, steps=steps)
        if state is None:
            state = initial_state_like(self, xs)
        if steps is not None:
            xs = xs.expand(steps, *xs.shape[1:])
        weights, potential = self._rows(xs)
        rising, acting, outputs = [], [], []
        for index, name in enumerate(self.receptors):
            start = torch.stack([state.rising[:, index], state.acting[:, index]])
            answer = ImpulseResponse(self._coefficients(index, name), min(len(xs), CHUNK), start)
            output, end = answer.run(weights[index], start)
            outputs.append(output)
            rising.append(end[0])
            acting.append(end[1])
        after = ReceptorsState(torch.stack(rising, 1), torch.stack(acting, 1))
        return self._joined(outputs, potential).to(xs.dtype), after


class ImpulseResponse:
    r"""Several steps of a linear pair at once.

    With :math:`z = (x, y)` before a step, :math:`w` its arrivals, :math:`J` the jumps, :math:`A`
    the decay and :math:`c` the output coefficients, step k of a chunk gives

    .. math:: s_k = \sum_{j \le k} c A^{k-j} J \, w_j + c A^k z_0

    Args:
        numbers: Those of a single step.
        length: Steps that are taken at once.
        like: A tensor of the state, for precision and device.
    """

    def __init__(self, numbers: LinearKinetics | Coefficients, length: int, like: Tensor) -> None:
        k = {
            name: torch.as_tensor(getattr(numbers, name), dtype=torch.float64, device=like.device)
            for name in Coefficients._fields
        }
        zero = torch.zeros_like(k["decay_x"])
        decay = torch.stack(
            [torch.stack([k["decay_x"], zero]), torch.stack([k["coupling"], k["decay_y"]])]
        )
        jumps, output = (
            torch.stack([k["jump_x"], k["jump_y"]]),
            torch.stack([k["output_x"], k["output_y"]]),
        )
        powers = [torch.eye(2, dtype=torch.float64, device=like.device)]
        for _ in range(length):
            powers.append(decay @ powers[-1])
        self.length = length
        self.powers = torch.stack(powers).to(like.dtype)  # [length + 1, 2, 2]
        moved = torch.stack(powers) @ jumps  # a unit arrival, so many steps later
        self.moved = moved.to(like.dtype)
        self.of_start = (output @ torch.stack(powers)).to(like.dtype)
        response = (moved @ output)[:length]
        steps = torch.arange(length, device=like.device)
        ago = steps[:, None] - steps
        of_arrivals = torch.where(ago >= 0, response[ago.clamp(min=0)], zero)
        self.of_arrivals = of_arrivals.to(like.dtype)  # [length, length], step by arrival

    def run(self, weights: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs ``[time, ...]`` and the pair after the last step, ``[2, ...]``."""
        outputs = []
        for chunk in weights.to(start.dtype).split(self.length):
            count, flat, pair = len(chunk), chunk.flatten(1), start.flatten(1)
            output = self.of_arrivals[:count, :count] @ flat + self.of_start[:count] @ pair
            outputs.append(output.view(chunk.shape))
            later = self.moved[1 : count + 1].flip(0).T
            start = (later @ flat + self.powers[count] @ pair).view(start.shape)
        return torch.cat(outputs), start


def parameter_name(receptor: str, field: str) -> str:
    """Where a learned field stands; parameters may not have dots in their names."""
    return f"{receptor}_{field}".replace(".", "_")


def receptors_by_name(
    receptors: Description | Sequence[Description] | Mapping[str, Any],
) -> dict[str, Receptor]:
    """The receptors with names; those without one get the name of their preset or a number."""
    if isinstance(receptors, Mapping) and "kinetics" not in receptors:
        named = {str(name): receptor_from(kind) for name, kind in receptors.items()}
    else:
        several = isinstance(receptors, Sequence) and not isinstance(receptors, str)
        kinds: list[Any] = list(receptors) if several else [receptors]  # type: ignore[arg-type]
        names = [kind if isinstance(kind, str) else f"receptor{i}" for i, kind in enumerate(kinds)]
        if len(set(names)) < len(names):
            raise InvalidInput(f"{names}: a name stands twice.", "Name them in a dict.")
        named = {name: receptor_from(kind) for name, kind in zip(names, kinds, strict=True)}
    if not named:
        raise InvalidInput("There is no receptor.", "Name at least one, such as 'AMPA'.")
    return named
