"""A circuit of leaky integrate-and-fire cells, spelled out cell by cell in plain Python.

Written from the equations alone, for tests to hold the engine against: closed forms of a step
instead of the engine's coefficients, a list of synapses instead of rows, no blocks and no ring.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class PlainCircuit:
    """Cells with exponential synapses, and the synapses ``(sender, receiver, receptor, weight,
    delay_steps)``.

    Attributes:
        currents_pa: Injected, one for each cell.
        potentials_mv: At the beginning.
        synapses: See above.
        tau_ms: Of each receptor.
        reversal_mv: Of each receptor; None for all: receptors are currents.
    """

    currents_pa: list[float]
    potentials_mv: list[float]
    synapses: list[tuple[int, int, int, float, int]]
    tau_ms: tuple[float, float]
    reversal_mv: tuple[float, float] | None
    dt_ms: float = 0.1
    capacitance_pf: float = 200.0
    leak_ns: float = 10.0
    resting_mv: float = -60.0
    threshold_mv: float = -50.0
    reset_mv: float = -60.0
    refractory_steps: int = 20
    spikes: list[tuple[int, int]] = field(default_factory=list)

    def run(self, steps: int) -> None:
        """Live; spikes are ``(step at whose end it was fired, cell)``."""
        many = len(self.currents_pa)
        v = list(self.potentials_mv)
        g = [[0.0, 0.0] for _ in range(many)]
        held = [0] * many
        arriving: dict[int, list[tuple[int, int, float]]] = {}
        for step in range(steps):
            for cell, receptor, weight in arriving.pop(step, []):
                g[cell][receptor] += weight
            for i in range(many):
                if held[i]:
                    held[i] -= 1
                else:
                    v[i] = self._after(v[i], g[i], self.currents_pa[i])
                if v[i] >= self.threshold_mv:
                    v[i], held[i] = self.reset_mv, self.refractory_steps
                    self.spikes.append((step, i))
                g[i] = [
                    a * math.exp(-self.dt_ms / t) for a, t in zip(g[i], self.tau_ms, strict=True)
                ]
            fired = {i for when, i in self.spikes if when == step}
            for sender, receiver, receptor, weight, delay in self.synapses:
                if sender in fired:
                    # Fired at the end of this step; it acts from a delay later on.
                    due = arriving.setdefault(step + 1 + delay, [])
                    due.append((receiver, receptor, weight))

    def _after(self, v: float, g: list[float], current_pa: float) -> float:
        """The potential a step later."""
        dt, tau_m = self.dt_ms, self.capacitance_pf / self.leak_ns
        decay = math.exp(-dt / tau_m)
        if self.reversal_mv is None:
            v = self.resting_mv + (v - self.resting_mv) * decay
            v += current_pa / self.leak_ns * (1.0 - decay)
            for a, tau in zip(g, self.tau_ms, strict=True):
                # Rotter & Diesmann (1999), section 3.1.1: the membrane's answer to exp(-t/tau).
                rate = 1.0 / tau_m - 1.0 / tau
                v += a / self.capacitance_pf * (math.exp(-dt / tau) - decay) / rate
            return v
        total, driven = self.leak_ns, self.leak_ns * self.resting_mv + current_pa
        for a, tau, reversal in zip(g, self.tau_ms, self.reversal_mv, strict=True):
            mean = a * tau * (1.0 - math.exp(-dt / tau)) / dt
            total += mean
            driven += mean * reversal
        return driven / total + (v - driven / total) * math.exp(-dt * total / self.capacitance_pf)
