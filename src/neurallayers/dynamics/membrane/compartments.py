"""Neurons with several compartments, joined by axial resistance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from neurallayers.dynamics.cell import CELLS, Cell, positive
from neurallayers.dynamics.membrane.hodgkin_huxley import OUTPUTS, chosen
from neurallayers.dynamics.membrane.morphology import Morphology
from neurallayers.dynamics.membrane.parameters import Constants
from neurallayers.dynamics.membrane.patch import (
    CalciumShell,
    ChannelConstants,
    Channels,
    Patch,
    named_channels,
)
from neurallayers.dynamics.membrane.solvers import Values
from neurallayers.dynamics.membrane.trees import solve_on_tree
from neurallayers.dynamics.surrogate import Surrogate, surrogate_by_name
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.registry import nearest_name

SCHEMES = ("crank_nicolson", "backward_euler")
STANDARD_SHELL = CalciumShell()


class CableConstants(NamedTuple):
    """What belongs to the membrane and the inside of each compartment."""

    capacitance_uf_cm2: Any
    axial_resistivity_ohm_cm: Any


class CompartmentState(NamedTuple):
    """State of :class:`CompartmentalNeuron`."""

    membrane_potential: Tensor  # [batch, n, compartments], [mV]
    gates: dict[str, Tensor]  # "channel.gate" -> [batch, n, compartments]
    concentrations: dict[str, Tensor]  # "calcium" -> [batch, n, compartments], [uM]; may be empty


@CELLS.register("CompartmentalNeuron")
class CompartmentalNeuron(Cell[CompartmentState]):
    r"""Neurons of one shape, with any ion channels in their compartments.

    .. math::
        a_i C_i \dot v_i = a_i \Big(I_i - \sum_k \bar g_k o_k (v_i - E_k)\Big)
        + \sum_j \frac{v_j - v_i}{R_{ij}}

    with the area :math:`a` of a compartment and the resistance :math:`R` between the middles of
    neighbours (:mod:`neurallayers.dynamics.membrane.morphology`). Gates live at half steps;
    potentials are solved implicitly, all compartments of a neuron at once and in linear time, so
    that a step is stable however fine the compartments are.

    Schemes: ``"crank_nicolson"``, second order (a backward step of dt/2 and its mirror image, as
    Hines 1984 does it), or ``"backward_euler"``, first order, which damps what is faster than a
    step.

    Input: current density in every compartment [uA/cm2], ``[batch, n, compartments]``;
    :meth:`density_ua_cm2` makes it from the current of an electrode. Output: spikes of the
    compartment ``site``, ``[batch, n]``, or all potentials [mV], ``[batch, n, compartments]``.

    Source: Hines (1984), Int. J. Biomed. Comput. 15:69, eq. 1 to 9; Rall (1977).

    Args:
        n: Number of neurons.
        morphology: Their shape.
        channels: As for :class:`ConductanceCell
            <neurallayers.dynamics.membrane.conductance.ConductanceCell>`; conductances and reversal
            potentials may be tensors with one number for each compartment.
        dt_ms: Length of a step [ms].
        scheme: ``"crank_nicolson"`` or ``"backward_euler"``.
        capacitance_uf_cm2: Of the membrane.
        axial_resistivity_ohm_cm: Of the inside.
        temperature_celsius: Of the cell; left out, every channel has the rates of its source.
        calcium: Calcium under the membrane, where channels have to do with it.
        initial_potential_mv: Potential of newborn cells, whose gates are at their steady state.
        output: ``"spikes"`` or ``"membrane_potential"``.
        site: The compartment whose spikes are sent.
        threshold_mv: What an action potential crosses upwards [mV].
        surrogate: Name of the surrogate gradient of spikes, or one made by hand.
        slope: Its steepness [1/mV].
        learn: What training may change: ``"capacitance_uf_cm2"``, ``"axial_resistivity_ohm_cm"``,
            or a constant of a channel, such as ``"Leak.conductance_ms_cm2"``; one for each
            compartment.

    Raises:
        InvalidInput: If an option is out of range.
        UnknownName: If a name is not known.

    >>> cable = Morphology.cable(4, length_um=400.0, diameter_um=2.0)
    >>> cell = CompartmentalNeuron(1, cable, ["Leak"], output="membrane_potential")
    >>> cell.run(torch.zeros(10, 1, 1, 4))[0].shape
    torch.Size([10, 1, 1, 4])
    """

    precision: Tensor

    def __init__(
        self,
        n: int,
        morphology: Morphology,
        channels: Channels = ("SquidSodium", "SquidPotassium", "Leak"),
        *,
        dt_ms: float = 0.025,
        scheme: str = "crank_nicolson",
        capacitance_uf_cm2: float | Tensor = 1.0,
        axial_resistivity_ohm_cm: float | Tensor = 100.0,
        temperature_celsius: float | None = None,
        calcium: CalciumShell = STANDARD_SHELL,
        initial_potential_mv: float = -65.0,
        output: str = "spikes",
        site: int = 0,
        threshold_mv: float = 0.0,
        surrogate: str | Surrogate = "fast_sigmoid",
        slope: float | None = 0.1,
        learn: Sequence[str] = (),
    ) -> None:
        super().__init__()
        size = len(morphology)
        if n < 1:
            raise InvalidInput(f"n is {n}.", "There must be at least one neuron.")
        if not 0 <= site < size:
            raise InvalidInput(f"site is {site}.", f"Choose a compartment, 0 to {size - 1}.")
        self.n, self.morphology, self.site = n, morphology, site
        self.output = chosen("output", output, OUTPUTS)
        self.scheme = chosen("scheme", scheme, SCHEMES)
        self.in_shape = (n, size)
        self.out_shape = (n,) if output == "spikes" else (n, size)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.01 to 0.1")
        self.threshold_mv = float(threshold_mv)
        self.initial_potential_mv = float(initial_potential_mv)
        # Newborn states have the dtype and device of the module, which plain constants have not.
        self.register_buffer("precision", torch.zeros(()), persistent=False)
        self.surrogate = surrogate_by_name(surrogate, slope)
        for name, value in (
            ("capacitance_uf_cm2", capacitance_uf_cm2),
            ("axial_resistivity_ohm_cm", axial_resistivity_ohm_cm),
        ):
            positive(name, torch.as_tensor(value).min().item(), "about 1 uF/cm2 and 100 ohm cm")
        self.channels = named_channels(channels)
        self.temperature_celsius = temperature_celsius
        concerned = any(c.carries_calcium or c.needs_calcium for c in self.channels.values())
        self.shell = calcium if concerned else None
        self._check(learn)
        self.membrane = Constants(
            CableConstants(capacitance_uf_cm2, axial_resistivity_ohm_cm),
            (size,),
            [word for word in learn if "." not in word],
        )
        self.constants = nn.ModuleDict()
        for name, channel in self.channels.items():
            values = ChannelConstants(channel.conductance_ms_cm2, channel.reversal_mv)
            own = [word.partition(".")[2] for word in learn if word.startswith(f"{name}.")]
            self.constants[name] = Constants(values, (size,), own)

    def _check(self, learn: Sequence[str]) -> None:
        known = [f"{name}.{field}" for name in self.channels for field in ChannelConstants._fields]
        known += CableConstants._fields
        for name in learn:
            if name not in known:
                raise UnknownName(f"There is no constant {name!r}.", nearest_name(name, known))

    def density_ua_cm2(self, current_pa: Tensor | float, site: int = 0) -> Tensor:
        """The current of an electrode [pA] as density in its compartment, zero in all others.

        Args:
            current_pa: Any shape.
            site: The compartment.

        Returns:
            That shape with the axis of compartments behind it [uA/cm2].
        """
        current = torch.as_tensor(current_pa)
        place = torch.zeros(len(self.morphology), dtype=torch.float64)
        place[site] = 1e-6 / self.morphology.area_cm2[site]
        return current[..., None] * place.to(current.dtype)

    # ---------------------------------------------------------------------------------- states

    def patch(self) -> Patch:
        """The membrane of all compartments with its constants as they are now."""
        return Patch(
            self.channels,
            tuple(cast(ChannelConstants, constants()) for constants in self.constants.values()),
            self.membrane().capacitance_uf_cm2,
            self.shell,
            self.temperature_celsius,
        )

    def initial_state(
        self,
        batch: int = 1,
        dtype: torch.dtype | None = None,
        *,
        membrane_potential_mv: float | Tensor | None = None,
    ) -> CompartmentState:
        """Cells held at a potential for long."""
        start = membrane_potential_mv
        start = self.initial_potential_mv if start is None else start
        dtype = self.precision.dtype if dtype is None else dtype
        v = torch.as_tensor(start, dtype=dtype, device=self.precision.device)
        v = v.broadcast_to(batch, *self.in_shape).clone()
        with torch.no_grad():
            return self._state(self.patch().steady(v))

    def _state(self, values: Values) -> CompartmentState:
        gates = dict(zip(self.patch().gate_names(), values.gates, strict=True))
        concentrations = dict(zip(("calcium",), values.concentrations, strict=False))
        return CompartmentState(values.potential, gates, concentrations)

    def _values(self, state: CompartmentState) -> Values:
        gates = tuple(state.gates[name] for name in self.patch().gate_names())
        return Values(state.membrane_potential, gates, tuple(state.concentrations.values()))

    # ----------------------------------------------------------------------------------- steps

    def forward(self, x: Tensor, state: CompartmentState) -> tuple[Tensor, CompartmentState]:
        """One step; see the class for the equation.

        Raises:
            ShapeMismatch: If ``x`` does not have a current for every compartment.
        """
        before = state.membrane_potential
        if x.shape[-2:] != self.in_shape:
            raise ShapeMismatch(
                f"The input has shape {tuple(x.shape)}, expected [batch, {self.n}, "
                f"{len(self.morphology)}].",
                "Give a current for every compartment; density_ua_cm2 makes one.",
            )
        current = x.to(torch.promote_types(x.dtype, before.dtype))
        patch, values = self.patch(), self._values(state)
        # Concentrations follow the mean of old and new gates: they keep the second order.
        moved = patch.moved(values, self.dt_ms)
        middle = tuple(0.5 * (a + b) for a, b in zip(values.gates, moved.gates, strict=True))
        values = patch.moved(values._replace(gates=middle), self.dt_ms)._replace(gates=moved.gates)
        after = self._solved(patch, values, current)
        return self._emitted(before, after).to(x.dtype), self._state(
            values._replace(potential=after)
        )

    def _solved(self, patch: Patch, values: Values, current: Tensor) -> Tensor:
        """The potentials after a step, with the conductances in its middle."""
        v = values.potential
        drive, conductance = patch.balance(values)
        area = self.morphology.area_cm2.to(v)
        resistivity = self.membrane().axial_resistivity_ohm_cm
        resistivity = resistivity if isinstance(resistivity, float) else resistivity.double()
        axial = self.morphology.axial_ms(resistivity).to(v)
        parents = self.morphology.parents
        leaving = axial + _onto_parents(axial, parents)
        mirrored = self.scheme == "crank_nicolson"
        charge = area * patch.capacitance_uf_cm2 / (0.5 * self.dt_ms if mirrored else self.dt_ms)
        solution = solve_on_tree(
            charge + area * conductance + leaving,
            axial,
            parents,
            charge * v + area * (drive + current),
        )
        return 2.0 * solution - v if mirrored else solution

    def _emitted(self, before: Tensor, after: Tensor) -> Tensor:
        if self.output == "membrane_potential":
            return after
        below = (before[..., self.site] < self.threshold_mv).to(after.dtype)
        return self.surrogate(after[..., self.site] - self.threshold_mv) * below

    def extra_repr(self) -> str:
        """Shapes, channels and scheme, as ``print`` shows them."""
        names = ", ".join(self.channels)
        return f"{super().extra_repr()}, channels=[{names}], scheme={self.scheme!r}"


def _onto_parents(axial: Tensor, parents: tuple[int, ...]) -> Tensor:
    """For every compartment, the sum of the couplings of its children."""
    index = torch.tensor([0, *parents[1:]], device=axial.device)
    return torch.zeros_like(axial).index_add(0, index, axial)
