r"""Short-term plasticity: depression and facilitation of release, after Tsodyks and Markram.

A synapse has resources, of which the part :math:`x` is ready, and uses the part :math:`u` of these
at a spike. Between spikes, and at one,

.. math::
    \dot x &= (1 - x)/\tau_{rec}, \qquad \dot u = (u_0 - u)/\tau_{facil} \\
    u^+ &= u^- + U (1 - u^-) \qquad\text{first,} \\
    A &= u^+ x^-, \qquad x^+ = x^- - A \qquad\text{then.}

:math:`A` scales the weight of the synapse. **Conventions** differ in the order of the two updates
and in where :math:`u` rests, and agree more than it seems:

* ``"tsodyks_markram"`` (the default): :math:`u_0 = 0` and :math:`u` is raised before the release,
  so that the first spike of a rested synapse releases :math:`U`. NEST's ``tsodyks2_synapse`` gives
  the same numbers (its ``u`` is :math:`u^+`), its ``tsodyks_synapse`` for a vanishing ``tau_psc``,
  and so does the code usual with Brian2 (``u_S += U_0*(1-u_S); r_S = u_S*x_S; x_S -= r_S``). So
  does the older order, release with :math:`u^-` and then raise, where :math:`u` rests at *U*
  (``du/dt = (U-u)/tau_f``): that :math:`u^-` obeys the recursion of our :math:`u^+`.
* ``"mongillo"``: :math:`u_0 = U` and :math:`u` is raised before the release; the first spike
  releases :math:`U + U(1-U)`. So the equations of Mongillo, Barak & Tsodyks (2008) are read in
  ``tsodyks3_synapse`` of Tiddia et al. (2022); Brian 1 read them in the older order.

Source: Tsodyks, Pawelzik & Markram (1998), Neural networks with dynamic synapses, Neural Comput.
10:821, section 2; Markram, Wang & Tsodyks (1998), Differential signaling via the same axon, PNAS
95:5323; Morrison, Diesmann & Gerstner (2008), Biol. Cybern. 98:459, section 3; Maass & Markram
(2002), Neural Netw. 15:155, eq. 4 and 5; Mongillo, Barak & Tsodyks (2008), Science 319:1543;
Tiddia, Golosio, Fanti & Paolucci (2022), Front. Integr. Neurosci. 16:972055.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from neurallayers.dynamics.arithmetic import equation, exp
from neurallayers.dynamics.cell import CELLS, Cell, positive
from neurallayers.errors import InvalidInput
from neurallayers.registry import Registry, nearest_name

LEARNABLE = ("utilization", "tau_recovery_ms", "tau_facilitation_ms")
CONVENTIONS = ("tsodyks_markram", "mongillo")
AT_ONCE_PER_MS = 1e9  # rate of a facilitation that is gone before the next step


@equation
def recovered(
    u: Any, x: Any, elapsed_ms: Any, recovery_per_ms: Any, relaxation_per_ms: Any, resting_u: Any
) -> Any:
    """Use and resources after a time without spikes; exact for any time."""
    rested_x = 1.0 - (1.0 - x) * exp(-elapsed_ms * recovery_per_ms)
    rested_u = resting_u + (u - resting_u) * exp(-elapsed_ms * relaxation_per_ms)
    return rested_u, rested_x


@equation
def released(
    u: Any,
    x: Any,
    elapsed_ms: Any,
    utilization: Any,
    recovery_per_ms: Any,
    relaxation_per_ms: Any,
    resting_u: Any,
) -> Any:
    """What happens at a spike: recovery since the last one, raise of u, release from x.

    Args:
        u: Use just after the last spike (``resting_u`` before the first).
        x: Resources just after the last spike (1 before the first).
        elapsed_ms: Time since the last spike [ms]; any where there was none.
        utilization: U.
        recovery_per_ms: 1 / tau_rec.
        relaxation_per_ms: 1 / tau_facil.
        resting_u: Where u rests, 0 or U by convention.

    Returns:
        u and x just after this spike, and the efficacy u x with which it acts.
    """
    rested_u, rested_x = recovered(u, x, elapsed_ms, recovery_per_ms, relaxation_per_ms, resting_u)
    raised = rested_u + utilization * (1.0 - rested_u)
    efficacy = raised * rested_x
    return raised, rested_x - efficacy, efficacy


@dataclass(frozen=True, kw_only=True)
class TsodyksMarkram:
    """Parameters of short-term plasticity; a value that can be written as JSON.

    The two time constants are given by name only, as papers list them in either order.

    Args:
        utilization: U, the part of the resources that the first spike releases, 0 to 1.
        tau_recovery_ms: Time in which resources recover [ms] (tau_rec, D).
        tau_facilitation_ms: Time in which use falls back [ms] (tau_facil, F); 0 for none.
        convention: ``"tsodyks_markram"`` or ``"mongillo"``; see the module.

    Raises:
        InvalidInput: If a number is out of range or the convention unknown.

    >>> depressing = TsodyksMarkram(utilization=0.5, tau_recovery_ms=800.0)
    >>> [round(a, 4) for a in depressing.efficacies([0.0, 50.0, 100.0])]
    [0.5, 0.2651, 0.1548]
    """

    utilization: float
    tau_recovery_ms: float
    tau_facilitation_ms: float = 0.0
    convention: str = "tsodyks_markram"

    def __post_init__(self) -> None:
        if not 0.0 < self.utilization <= 1.0:
            raise InvalidInput(
                f"utilization is {self.utilization}.", "It is the part used at a spike: 0 to 1."
            )
        positive("tau_recovery_ms", self.tau_recovery_ms, "20 to 1000 ms")
        if not 0.0 <= self.tau_facilitation_ms < math.inf:
            raise InvalidInput(
                f"tau_facilitation_ms is {self.tau_facilitation_ms}.",
                "It must be zero (none) or more (facilitating synapses: 500 to 2000 ms).",
            )
        if self.convention not in CONVENTIONS:
            raise InvalidInput(
                f"convention is {self.convention!r}.",
                nearest_name(str(self.convention), list(CONVENTIONS)),
            )

    @property
    def resting_u(self) -> float:
        """Use of a synapse that has not fired for long."""
        return self.utilization if self.convention == "mongillo" else 0.0

    def parameters(self) -> tuple[float, float, float, float]:
        """The last four arguments of :func:`released`, in their order."""
        relaxation = 1.0 / self.tau_facilitation_ms if self.tau_facilitation_ms else AT_ONCE_PER_MS
        return self.utilization, 1.0 / self.tau_recovery_ms, relaxation, self.resting_u

    def efficacies(self, times_ms: Sequence[float]) -> list[float]:
        """Efficacy u x of each spike of a train that meets a rested synapse.

        Raises:
            InvalidInput: If the times do not ascend.
        """
        u, x, found = self.resting_u, 1.0, []
        for index, time in enumerate(times_ms):
            elapsed = time - times_ms[index - 1] if index else 0.0
            if elapsed < 0.0:
                raise InvalidInput(f"Time {time} follows a later one.", "Sort the times.")
            u, x, efficacy = released(u, x, elapsed, *self.parameters())
            found.append(efficacy)
        return found

    def to_dict(self) -> dict[str, Any]:
        """As the class takes it."""
        return asdict(self)


SHORT_TERM: Registry[TsodyksMarkram] = Registry("short-term plasticity")


@SHORT_TERM.register("depressing")
def depressing() -> TsodyksMarkram:
    """Between pyramidal cells of layer 5: Tsodyks & Markram (1997), PNAS 94:719."""
    return TsodyksMarkram(utilization=0.5, tau_recovery_ms=800.0)


@SHORT_TERM.register("facilitating")
def facilitating() -> TsodyksMarkram:
    """From pyramidal cells to interneurons.

    U 0.05, D 0.125 s (recovery), F 1.2 s (facilitation): Maass, Natschlaeger & Markram (2002),
    Neural Comput. 14:2531, appendix, after Gupta, Wang & Markram (2000), Science 287:273.
    """
    return TsodyksMarkram(utilization=0.05, tau_recovery_ms=125.0, tau_facilitation_ms=1200.0)


def short_term_from(description: TsodyksMarkram | Mapping[str, Any] | str) -> TsodyksMarkram:
    """Short-term plasticity from its JSON or the name of a preset.

    Raises:
        UnknownName: If there is no preset of that name.
        InvalidInput: If a field is missing, unknown or out of range.
    """
    if isinstance(description, TsodyksMarkram):
        return description
    if isinstance(description, str):
        return SHORT_TERM.make(description)
    try:
        return TsodyksMarkram(**description)
    except TypeError as error:
        raise InvalidInput(
            f"{dict(description)}: {error}.",
            "It takes utilization, tau_recovery_ms, tau_facilitation_ms and convention.",
        ) from None


class ShortTermState(NamedTuple):
    """State of :class:`ShortTermPlasticity`, just after the last step's spikes."""

    facilitation: Tensor  # [batch, n], how far the use u is above its rest u_0
    resources: Tensor  # [batch, n], x, between 0 and 1


@CELLS.register("ShortTermPlasticity")
class ShortTermPlasticity(Cell[ShortTermState]):
    """Tsodyks-Markram synapses on ``n`` lines: spikes in, efficacies of their release out.

    A spike (1) gives u x in the same step, silence (0) gives 0; what lies between counts in
    proportion, which is what carries gradients. Spikes are on the grid; between them the step is
    exact, whatever its length.

    Args:
        n: Number of presynaptic lines.
        parameters: A preset's name, :class:`TsodyksMarkram` or its JSON.
        dt_ms: Length of a step [ms].
        learn: Which are trained: ``"utilization"`` (as its logit), ``"tau_recovery_ms"``,
            ``"tau_facilitation_ms"`` (as logarithms).

    Raises:
        InvalidInput: If an option is out of range or there is no such parameter to learn.
        UnknownName: If there is no such preset.

    >>> cell = ShortTermPlasticity(1, "depressing", dt_ms=50.0)
    >>> [round(a, 4) for a in cell.run(torch.ones(3, 1, 1))[0].flatten().tolist()]
    [0.5, 0.2651, 0.1548]
    """

    def __init__(
        self,
        n: int,
        parameters: TsodyksMarkram | Mapping[str, Any] | str = "depressing",
        *,
        dt_ms: float = 1.0,
        learn: Sequence[str] = (),
    ) -> None:
        super().__init__()
        if n < 1:
            raise InvalidInput(f"ShortTermPlasticity({n}).", "There must be at least one line.")
        self.in_shape = self.out_shape = (n,)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.1 to 1")
        self.release = short_term_from(parameters)
        self.learned = nn.ParameterDict()
        for name in learn:
            value = getattr(self.release, name) if name in LEARNABLE else 0.0
            if not value or (name == "utilization" and value == 1.0):
                raise InvalidInput(
                    f"{name!r} cannot be learned here.",
                    f"Choose from {', '.join(LEARNABLE)}, with a value above zero (and U below 1).",
                )
            start = math.log(value / (1.0 - value)) if name == "utilization" else math.log(value)
            self.learned[name] = nn.Parameter(torch.full((n,), start))

    def _numbers(self) -> tuple[Any, Any, Any, Any]:
        """The last four arguments of :func:`released`."""
        utilization, recovery, relaxation, resting = self.release.parameters()
        numbers: dict[str, Any] = {"utilization": utilization, "resting": resting}
        if "utilization" in self.learned:
            numbers["utilization"] = torch.sigmoid(self.learned["utilization"])
            if self.release.convention == "mongillo":
                numbers["resting"] = numbers["utilization"]
        rates: dict[str, Any] = {
            "tau_recovery_ms": recovery,
            "tau_facilitation_ms": relaxation,
        }
        for name in rates:
            if name in self.learned:
                rates[name] = torch.exp(-self.learned[name])
        return numbers["utilization"], *rates.values(), numbers["resting"]

    def initial_state(self, batch: int = 1) -> ShortTermState:
        """Rested: all resources ready."""
        shape = (batch, *self.in_shape)
        return ShortTermState(torch.zeros(shape), torch.ones(shape))

    def forward(self, x: Tensor, state: ShortTermState) -> tuple[Tensor, ShortTermState]:
        """One step: recovery, then release by the lines that spike."""
        utilization, recovery, relaxation, resting = self._numbers()
        use, resources = recovered(
            resting + state.facilitation,
            state.resources,
            torch.full_like(state.resources, self.dt_ms),
            recovery,
            relaxation,
            resting,
        )
        use = use + x * utilization * (1.0 - use)
        efficacy = x * use * resources
        return efficacy, ShortTermState(use - resting, resources - efficacy)
