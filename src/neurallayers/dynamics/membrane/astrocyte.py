r"""An astrocyte at a synapse: calcium from its stores, driven by glutamate, and gliotransmission.

The G-ChI model, with calcium :math:`C`, the gate :math:`h` of the IP3 receptor (Li & Rinzel 1994)
and IP3 :math:`I` [uM, s]:

.. math::
    \dot C &= (r_C m_\infty^3 n_\infty^3 h^3 + r_L)(C_0 - (1 + c_1) C)
        - v_{ER} \frac{C^2}{C^2 + K_{ER}^2} \\
    \dot h &= a_2 (Q_2 (1 - h) - C h), \qquad Q_2 = d_2 \frac{I + d_1}{I + d_3}, \quad
        m_\infty = \frac{I}{I + d_1}, \quad n_\infty = \frac{C}{C + d_5} \\
    \dot I &= v_\beta \frac{\gamma^{0.7}}{\gamma^{0.7}
        + \left(K_R + K_p \frac{C}{C + K_\pi}\right)^{0.7}}
        + \frac{v_\delta}{1 + I / k_\delta} \frac{C^2}{C^2 + K_{PLC}^2}
        - v_{3K} \frac{C^4}{C^4 + K_D^4} \frac{I}{I + K_3} - r_{5P} I

:math:`\gamma` is the glutamate outside [uM]. When calcium rises through a threshold, the share
:math:`U_A` of the vesicles :math:`x_A` is released; the transmitter :math:`G` [uM] is cleared and
binds to presynaptic receptors :math:`\Gamma`, which scale the release there:

.. math::
    \dot x_A &= \Omega_A (1 - x_A), \quad \dot G = -\Omega_e G, \quad
        \dot\Gamma = O_G G (1 - \Gamma) - \Omega_G \Gamma \\
    x_A &\leftarrow x_A - U_A x_A, \quad G \leftarrow G + G_{T} U_A x_A
        \quad\text{at a crossing}, \qquad m = 1 + (\alpha - 1) \Gamma

(:math:`\alpha` is counted here in units of the release without gliotransmitter.)

Sources: Li & Rinzel (1994), J. Theor. Biol. 166:461; G-ChI with the parameters of De
Pitta, Goldberg, Volman, Berry & Ben-Jacob (2009), J. Biol. Phys. 35:383, table 1 (amplitude-
modulated, and frequency-modulated as the preset :data:`FREQUENCY_MODULATED`); gliotransmission, De
Pitta, Volman, Berry & Ben-Jacob (2011), PLoS Comput. Biol. 7:e1002293, with the constants of
Stimberg, Goodman, Brette & De Pitta (2019), in Computational Glioscience, ch. 18.

**Integration.** Exponential midpoint for C, h and I (each is production less a rate times itself,
so that none can turn negative; second order); exact solutions between releases for the others.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.arithmetic import equation, exp, linoid, log, where
from neurallayers.dynamics.cell import CELLS, Cell, positive
from neurallayers.dynamics.membrane.calcium import relaxed, require_positive
from neurallayers.dynamics.membrane.parameters import Constants
from neurallayers.dynamics.neurons import neuron_shape
from neurallayers.dynamics.surrogate import Surrogate, surrogate_by_name


def rose_through(threshold: Any, before: Any, after: Any, surrogate: Any) -> Any:
    """1 where a quantity rose through a threshold in a step, else 0.

    On tensors its gradient is that of the surrogate; compiled code has none.
    """
    below = (before < threshold).to(after.dtype)
    return below * surrogate(after - threshold)


def _risen(threshold: Any, before: Any, after: Any, surrogate: Any) -> Any:
    return where(before < threshold and after >= threshold, 1.0, 0.0)


equation(rose_through, compiled=_risen)


class AstrocyteConstants(NamedTuple):
    """Constants of an astrocyte; times in seconds, as in the papers."""

    calcium_total_um: Any = 2.0  # C_0 [uM]
    store_ratio: Any = 0.185  # c_1, volume of the store / cytosol
    channel_per_s: Any = 6.0  # r_C [1/s]
    leak_per_s: Any = 0.11  # r_L [1/s]
    uptake_um_per_s: Any = 0.9  # v_ER [uM/s]
    uptake_half_um: Any = 0.1  # K_ER [uM]
    ip3_binding_um: Any = 0.13  # d_1 [uM]
    inactivation_um: Any = 1.049  # d_2 [uM]
    ip3_inactivation_um: Any = 0.9434  # d_3 [uM]
    activation_um: Any = 0.08234  # d_5 [uM]
    inactivation_per_um_s: Any = 0.2  # a_2 [1/(uM s)]
    agonist_um_per_s: Any = 0.2  # v_beta [uM/s]
    agonist_half_um: Any = 1.3  # K_R [uM]
    agonist_inhibition_um: Any = 10.0  # K_p [uM]
    agonist_inhibition_half_um: Any = 0.6  # K_pi [uM]
    endogenous_um_per_s: Any = 0.02  # v_delta [uM/s]
    endogenous_inhibition_um: Any = 1.5  # k_delta [uM]
    endogenous_half_um: Any = 0.1  # K_PLCdelta [uM]
    kinase_um_per_s: Any = 2.0  # v_3K [uM/s]
    kinase_calcium_um: Any = 0.7  # K_D [uM]
    kinase_ip3_um: Any = 1.0  # K_3 [uM]
    phosphatase_per_s: Any = 0.04  # r_5P [1/s]
    release_threshold_um: Any = 0.5  # calcium at which vesicles are released [uM]
    release_share: Any = 0.6  # U_A
    recovery_per_s: Any = 0.6  # Omega_A [1/s]
    released_um: Any = 130.0  # G_T: all vesicles at once, diluted outside [uM]
    clearance_per_s: Any = 60.0  # Omega_e [1/s]
    receptor_per_um_s: Any = 1.5  # O_G [1/(uM s)]
    receptor_per_s: Any = 0.5 / 60.0  # Omega_G [1/s]
    modulation: Any = 0.1  # alpha, presynaptic release with all receptors bound; above 1: more


FREQUENCY_MODULATED = AstrocyteConstants(
    uptake_half_um=0.051, agonist_um_per_s=0.5, endogenous_um_per_s=0.05, phosphatase_per_s=0.05
)


class AstrocyteState(NamedTuple):
    """State of :class:`Astrocyte`."""

    calcium: Tensor  # [batch, n], C [uM]
    gate: Tensor  # [batch, n], h, share of receptors that are not inactivated
    ip3: Tensor  # [batch, n], I [uM]
    resources: Tensor  # [batch, n], x_A, share of vesicles that are full
    gliotransmitter: Tensor  # [batch, n], G [uM]
    receptors: Tensor  # [batch, n], Gamma, share of presynaptic receptors bound


@equation
def power_seven_tenths(x: Any) -> Any:
    """x^0.7, with slope zero at zero, where its slope would be infinite."""
    safe = where(x > 1e-9, x, 1.0 + 0.0 * x)
    return where(x > 1e-9, exp(0.7 * log(safe)), 0.0 * x)


@equation
def store_conductance(calcium: Any, gate: Any, ip3: Any, p: Any) -> Any:
    """Rate at which the store empties, r_C m^3 n^3 h^3 + r_L [1/s]."""
    channel = ip3 / (ip3 + p.ip3_binding_um) * gate * calcium / (calcium + p.activation_um)
    return p.channel_per_s * channel * channel * channel + p.leak_per_s


@equation
def inactivation(ip3: Any, p: Any) -> Any:
    """Q_2 [uM], calcium at which half of the receptors are inactivated."""
    return p.inactivation_um * (ip3 + p.ip3_binding_um) / (ip3 + p.ip3_inactivation_um)


@equation
def ip3_production(calcium: Any, ip3: Any, glutamate_um: Any, p: Any) -> Any:
    """IP3 made on the call of glutamate and of calcium [uM/s]."""
    inhibition = calcium / (calcium + p.agonist_inhibition_half_um)
    half = power_seven_tenths(p.agonist_half_um + p.agonist_inhibition_um * inhibition)
    bound = power_seven_tenths(glutamate_um)
    square = calcium * calcium
    endogenous = square / (square + p.endogenous_half_um * p.endogenous_half_um)
    slowed = p.endogenous_um_per_s / (1.0 + ip3 / p.endogenous_inhibition_um)
    return p.agonist_um_per_s * bound / (bound + half) + slowed * endogenous


@equation
def ip3_degradation(calcium: Any, ip3: Any, p: Any) -> Any:
    """Rate at which IP3 is degraded [1/s]."""
    square = calcium * calcium
    half = p.kinase_calcium_um * p.kinase_calcium_um
    kinase = p.kinase_um_per_s * square * square / (square * square + half * half)
    return kinase / (ip3 + p.kinase_ip3_um) + p.phosphatase_per_s


@equation
def store_step(
    calcium: Any, gate: Any, ip3: Any, at_calcium: Any, at_gate: Any, at_ip3: Any,
    glutamate_um: Any, p: Any, dt_s: Any,
) -> Any:  # fmt: skip
    """C, h and I after a time, with all rates those of the point ``at_*``."""
    emptying = store_conductance(at_calcium, at_gate, at_ip3, p)
    square = at_calcium * at_calcium + p.uptake_half_um * p.uptake_half_um
    uptake = p.uptake_um_per_s * at_calcium / square
    calcium_rate = emptying * (1.0 + p.store_ratio) + uptake
    half_inactive = inactivation(at_ip3, p)
    gate_rate = p.inactivation_per_um_s * (half_inactive + at_calcium)
    made = ip3_production(at_calcium, at_ip3, glutamate_um, p)
    return (
        relaxed(calcium, emptying * p.calcium_total_um, calcium_rate, dt_s),
        relaxed(gate, p.inactivation_per_um_s * half_inactive, gate_rate, dt_s),
        relaxed(ip3, made, ip3_degradation(at_calcium, at_ip3, p), dt_s),
    )


@equation
def stores_after(calcium: Any, gate: Any, ip3: Any, glutamate_um: Any, p: Any, dt_ms: Any) -> Any:
    """C, h and I after a step with so much glutamate outside."""
    dt_s = 1e-3 * dt_ms
    c, h, i = store_step(calcium, gate, ip3, calcium, gate, ip3, glutamate_um, p, 0.5 * dt_s)
    return store_step(calcium, gate, ip3, c, h, i, glutamate_um, p, dt_s)


@equation
def gliotransmission(
    resources: Any, gliotransmitter: Any, receptors: Any, crossed: Any, p: Any, dt_ms: Any
) -> Any:
    """Vesicles, gliotransmitter and receptors after a step, with a release if ``crossed`` is 1."""
    dt_s = 1e-3 * dt_ms
    released = crossed * p.release_share * resources
    resources = relaxed(resources - released, p.recovery_per_s, p.recovery_per_s, dt_s)
    outside = gliotransmitter + p.released_um * released
    decay = p.clearance_per_s * dt_s
    binding = p.receptor_per_um_s * outside / linoid(decay)  # mean over the step
    receptors = relaxed(receptors, binding, binding + p.receptor_per_s, dt_s)
    return resources, outside * exp(-decay), receptors


@equation
def modulation_of_release(receptors: Any, p: Any) -> Any:
    """Factor on the presynaptic release with so many receptors bound."""
    return 1.0 + (p.modulation - 1.0) * receptors


def resting_stores(
    constants: AstrocyteConstants, glutamate_um: Any = 0.0
) -> tuple[Tensor, Tensor, Tensor]:
    """C, h and I where an astrocyte ends that is left alone with so much glutamate.

    It is found by living for 1,000 s: where the rest is not stable, it is a point of the
    oscillation.
    """
    values = (*constants, glutamate_um)
    if all(not isinstance(value, Tensor) for value in values):
        stores = _settled(constants, float(glutamate_um))
    else:
        doubles = [torch.as_tensor(value, dtype=torch.float64) for value in values]
        stores = _settled.__wrapped__(AstrocyteConstants(*doubles[:-1]), doubles[-1])
    calcium, gate, ip3 = (torch.as_tensor(store, dtype=torch.float64) for store in stores)
    return calcium, gate, ip3


@functools.lru_cache(maxsize=64)
def _settled(p: AstrocyteConstants, glutamate_um: Any) -> tuple[Any, Any, Any]:
    """Numbers stay numbers here, which is a hundred times as fast as tensors."""
    zero = 0.0 * sum(p)
    calcium, gate, ip3 = 0.1 + zero, 0.8 + zero, 0.1 + zero
    for _ in range(200):  # a rest does not depend on the step
        calcium, gate, ip3 = stores_after(calcium, gate, ip3, glutamate_um, p, 5000.0)
    return calcium, gate, ip3


@CELLS.register("Astrocyte")
class Astrocyte(Cell[AstrocyteState]):
    """Astrocytes that hear glutamate and answer; see the module for the equations.

    The input is the glutamate outside [uM], the output the gliotransmitter outside [uM].

    Args:
        n: Number of astrocytes, or their shape.
        dt_ms: Length of a step [ms].
        constants: In the units that their names say.
        surrogate: Surrogate gradient of the release at the threshold.
        slope: Its steepness [1/uM]; left out, its usual one.
        learn: Names of constants that training may change.

    Raises:
        InvalidInput: If a constant is not positive.
        UnknownName: If there is no such surrogate or constant.

    >>> cell = Astrocyte(1, dt_ms=10.0)
    >>> _, state = cell.run(torch.full((1, 1, 1), 2.0), steps=1000)
    >>> bool(state.ip3 > cell.initial_state().ip3)
    True
    """

    def __init__(
        self,
        n: int | tuple[int, ...],
        *,
        dt_ms: float = 1.0,
        constants: AstrocyteConstants | None = None,
        surrogate: str | Surrogate = "fast_sigmoid",
        slope: float | None = None,
        learn: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.in_shape = self.out_shape = neuron_shape(n)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 1 to 10")
        constants = constants or AstrocyteConstants()
        require_positive(constants)
        self.surrogate = surrogate_by_name(surrogate, slope)
        self.constants = Constants(constants, self.in_shape, learn)
        self.resting = resting_stores(constants)

    def initial_state(self, batch: int = 1) -> AstrocyteState:
        """At rest without glutamate, all vesicles full."""
        one = torch.ones(batch, *self.in_shape)
        calcium, gate, ip3 = ((one * part).to(one) for part in self.resting)
        zero = torch.zeros_like(one)
        return AstrocyteState(calcium, gate, ip3, one, zero, zero.clone())

    def forward(self, x: Tensor, state: AstrocyteState) -> tuple[Tensor, AstrocyteState]:
        """One step; the input is glutamate [uM]."""
        p = self.constants()
        stores = stores_after(state.calcium, state.gate, state.ip3, x, p, self.dt_ms)
        threshold = p.release_threshold_um
        crossed = rose_through(threshold, state.calcium, stores[0], self.surrogate)
        rest = gliotransmission(
            state.resources, state.gliotransmitter, state.receptors, crossed, p, self.dt_ms
        )
        after = AstrocyteState(*stores, *rest)
        return after.gliotransmitter.to(x.dtype), after
