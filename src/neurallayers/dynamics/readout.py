r"""A read-out that learns new classes from a few examples without forgetting the old ones.

Its neurons integrate the spikes of the regions before them; the score of a class is its membrane
potential at the end of a thought. As the integration is linear, it can be done on the input side,
where the filtered spikes are at the same time the *eligibility trace* of the learning rule:

.. math::
    e &\leftarrow \alpha e + (1 - \alpha) s \\
    y &= W e + b + F e + f

:math:`W, b` are slow (training), :math:`F, f` fast (state). A lesson moves :math:`F` by an
error-driven local rule along the *novel* part of the trace:

.. math::
    q &= e - m, \qquad k = q - U^T \, \mathrm{diag}(g) \, U q \\
    \tau &= \frac{\max(0, \; \mu G + y_r - y_c)}{(1 + \rho)(q \cdot k + \kappa)} \\
    \Delta F_c &= \tau k, \qquad \Delta F_r = -\rho \, \tau k

with the class taught :math:`c`, its strongest rival :math:`r`, the usual distance :math:`G` between
the winner's and the other scores in training, and the margin :math:`\mu`, which is larger in the
first lessons of a class. :math:`m, U, g` are the mean and principal directions of the traces seen
in training, with :math:`g = \lambda / (\lambda + \epsilon)` for variance :math:`\lambda`: what
familiar stimuli have in common is filtered out, so that a lesson hardly moves the scores of what
was known before.

Sources: delta rule: Widrow & Hoff (1960); with a margin (passive-aggressive): Crammer et al.
(2006), JMLR 7:551, section 8; novelty filter: Kohonen & Oja (1976), Biol. Cybern. 21:85; its
use against forgetting: Zeng, Chen, Cui & Yu (2019), Nat. Mach. Intell. 1:364, eq. 1 and 2. Reward:
Williams (1992), Mach. Learn. 8:229, eq. 4.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurallayers.dynamics.cell import (
    CELLS,
    Cell,
    check_frames,
    initial_state_like,
    positive,
)
from neurallayers.dynamics.neurons import LeakyIntegrator, LeakyIntegratorState
from neurallayers.dynamics.synapses import on_cache_lines, product, random_weights
from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.state import batch_size


class PlasticReadoutState(NamedTuple):
    """State of :class:`PlasticReadout`."""

    trace: Tensor  # [batch, in], low-passed spikes: eligibility, gone at rest
    fast_weight: Tensor  # [batch, slots, in], what this individual learned
    fast_bias: Tensor  # [batch, slots]
    known: Tensor  # [batch, slots], 1 where a slot stands for a class, else 0
    lessons: Tensor  # [batch, slots], lessons each class has had in this life
    expected_reward: Tensor  # [batch], running mean of the rewards received


class LessonTrace(NamedTuple):
    """What one lesson wrote.

    That is ``coefficient ⊗ key`` on the weights and ``coefficient * offset`` on the biases, so that
    its later share in a score is ``coefficient * (key · trace + offset)``, exactly.
    """

    key: Tensor  # [batch, in]
    coefficient: Tensor  # [batch, slots]
    offset: Tensor  # [batch]


@CELLS.register("PlasticReadout")
class PlasticReadout(Cell[PlasticReadoutState]):
    """Leaky integrating read-out neurons with slow and fast weights; see the module.

    Args:
        n_in: Number of senders.
        n_out: Number of classes that training knows.
        slots: Classes that a new-born individual has room for; at least ``n_out``.
        dt_ms: Length of a step [ms].
        tau_ms: Time constant of integration and eligibility [ms].
        margin: Distance to the strongest rival after a lesson, in usual distances (mu above).
        eagerness: How much larger the margin is in the first lesson; it falls as 1 / lessons.
        rivalry: Share of a lesson that weakens the rival (rho above).
        reward_rate: Step of the running mean of rewards.
        rank: Directions that the novelty filter keeps at most.
        shrinkage: Variance under which a direction counts as novel, relative to the mean variance.
        gain: Standard deviation of the slow weights times sqrt(n_in).
        seed: Seed of the slow weights.

    Raises:
        InvalidInput: If an option is out of range.
    """

    mean: Tensor
    basis: Tensor
    familiarity: Tensor
    gap: Tensor
    floor: Tensor
    bias_energy: Tensor

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        slots: int | None = None,
        dt_ms: float = 1.0,
        tau_ms: float = 20.0,
        margin: float = 1.0,
        eagerness: float = 2.5,
        rivalry: float = 0.3,
        reward_rate: float = 0.1,
        rank: int = 128,
        shrinkage: float = 0.3,
        gain: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        slots = n_out if slots is None else slots
        if min(n_in, n_out) < 1 or slots < n_out:
            raise InvalidInput(
                f"PlasticReadout({n_in}, {n_out}, slots={slots}).",
                "Sizes must be at least 1, and there must be a slot for each trained class.",
            )
        if min(eagerness, rivalry) < 0 or not 0 < reward_rate <= 1 or rank < 1:
            raise InvalidInput(
                f"eagerness={eagerness}, rivalry={rivalry}, reward_rate={reward_rate}, "
                f"rank={rank}.",
                "The first two are not negative, reward_rate is in (0, 1], rank at least 1.",
            )
        self.n_out, self.slots = n_out, slots
        self.in_shape, self.out_shape = (n_in,), (slots,)
        self.integrator = LeakyIntegrator(n_in, dt_ms=dt_ms, tau_ms=tau_ms)
        self.dt_ms = self.integrator.dt_ms
        self.margin = positive("margin", margin, "usually 1")
        self.eagerness, self.rivalry, self.reward_rate = eagerness, rivalry, reward_rate
        self.shrinkage = positive("shrinkage", shrinkage, "usually 0.1 to 1")
        self.weight = random_weights((n_out, n_in), n_in, gain, seed)
        self.bias = nn.Parameter(torch.zeros(n_out))
        rank = min(rank, n_in)
        self.register_buffer("mean", torch.zeros(n_in))
        self.register_buffer("basis", torch.zeros(rank, n_in))
        self.register_buffer("familiarity", torch.zeros(rank))
        self.register_buffer("gap", torch.ones(()))
        self.register_buffer("floor", torch.zeros(()))
        self.register_buffer("bias_energy", torch.full((), 0.03))

    def initial_state(self, batch: int = 1) -> PlasticReadoutState:
        """The classes of training are known, none has been taught."""
        n_in = self.in_shape[0]
        known = torch.zeros(batch, self.slots)
        known[:, : self.n_out] = 1
        return PlasticReadoutState(
            trace=torch.zeros(batch, n_in),
            fast_weight=torch.zeros(batch, self.slots, n_in),
            fast_bias=torch.zeros(batch, self.slots),
            known=known,
            lessons=torch.zeros(batch, self.slots),
            expected_reward=torch.zeros(batch),
        )

    def rest(self, state: PlasticReadoutState) -> PlasticReadoutState:
        """The trace is gone; all that was learned stays."""
        return state._replace(trace=torch.zeros_like(state.trace))

    def forward(self, x: Tensor, state: PlasticReadoutState) -> tuple[Tensor, PlasticReadoutState]:
        """One step: integrate the spikes, then score."""
        trace, _ = self.integrator(x, LeakyIntegratorState(state.trace))
        return self.scores(trace, state), state._replace(trace=trace)

    def run(
        self, xs: Tensor, state: PlasticReadoutState | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, PlasticReadoutState]:
        """Many steps: one fused integration, then one matrix product over all steps."""
        check_frames(self, xs, steps)
        entering = None if state is None else LeakyIntegratorState(state.trace)
        traces, after = self.integrator.run(xs, entering, steps=steps)
        # Not traces[-1], a view that would keep all steps alive as long as the state.
        trace = after.membrane_potential
        if state is None:
            # Nothing was learned yet: the fast weights are zero and need no product.
            slow = product(traces, self.weight, self.bias)
            newborn = initial_state_like(self, xs)
            return self._pad(slow, self.slots), newborn._replace(trace=trace)
        return self.scores(traces, state), state._replace(trace=trace)

    def scores(self, trace: Tensor, state: PlasticReadoutState) -> Tensor:
        """Scores of all slots for a trace ``[batch, in]`` or traces ``[time, batch, in]``."""
        slow = self._pad(product(trace, self.weight, self.bias), state.known.shape[-1])
        if trace.ndim == 3:
            fast = torch.bmm(
                on_cache_lines(trace).transpose(0, 1),
                on_cache_lines(state.fast_weight).transpose(1, 2),
            )
            return slow + fast.transpose(0, 1) + state.fast_bias
        fast = (state.fast_weight @ trace.unsqueeze(-1)).squeeze(-1)
        return slow + fast + state.fast_bias

    def _pad(self, slow: Tensor, slots: int) -> Tensor:
        return functional.pad(slow, (0, slots - self.n_out)) if slots > self.n_out else slow

    def key(self, trace: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The novel part of a trace.

        Args:
            trace: ``[batch, in]``.

        Returns:
            Key ``[batch, in]``, its energy ``q · k + kappa`` ``[batch]``, and the offset that makes
            ``key · trace + offset`` equal the energy.
        """
        centred = trace - self.mean
        known = product(centred, self.basis) * self.familiarity
        key = centred - product(known, self.basis.T)
        energy = (centred * key).sum(-1) + self.bias_energy
        return key, energy, self.bias_energy - (key * self.mean).sum(-1)

    def teach(
        self, state: PlasticReadoutState, target: Tensor
    ) -> tuple[PlasticReadoutState, LessonTrace]:
        """Learn that the trace in the state belongs to ``target``.

        Args:
            state: State at the end of a thought about the stimulus.
            target: int64 ``[batch]``, the slot of the class that was shown; it becomes known.

        Returns:
            The state with the lesson in its fast weights, and what was written.

        Raises:
            ShapeMismatch: If there is not one target a row.
            InvalidInput: If a target is not a slot.
        """
        self._check_slots(state, target)
        chosen = functional.one_hot(target, state.known.shape[-1]).to(state.trace.dtype)
        fresh = chosen * (1 - state.known)
        state = state._replace(
            known=torch.maximum(state.known, chosen),
            # A class that is new starts where the losers usually stand.
            fast_bias=state.fast_bias + fresh * (self.floor - state.fast_bias),
            lessons=state.lessons + chosen,
        )
        scores = self.scores(state.trace, state)
        others = scores.masked_fill((state.known * (1 - chosen)) == 0, -torch.inf)
        rival_score, rival = others.max(-1)
        weakening = self.rivalry * rival_score.isfinite().to(scores.dtype)
        rival_hot = functional.one_hot(rival, chosen.shape[-1]) * weakening[:, None]
        count = (state.lessons * chosen).sum(-1)
        margin = (self.margin + self.eagerness / count) * self.gap
        own = (scores * chosen).sum(-1)
        # A first and only class has no rival; it then competes with the floor.
        rival_score = torch.where(rival_score.isfinite(), rival_score, self.floor)
        error = (margin + rival_score - own).clamp(min=0)
        key, energy, offset = self.key(state.trace)
        step = error / ((1 + weakening) * energy)
        coefficient = step[:, None] * (chosen - rival_hot)
        return self.write(state, LessonTrace(key, coefficient, offset))

    def reinforce(
        self, state: PlasticReadoutState, reward: Tensor
    ) -> tuple[PlasticReadoutState, LessonTrace]:
        """Learn from a reward for the answer that the state holds (its highest score).

        The change is the reward that was not expected times the characteristic eligibility of a
        soft-max choice, along the novel part of the trace.

        Args:
            state: State at the end of the thought that gave the answer.
            reward: ``[batch]``, usually between -1 and 1.

        Raises:
            ShapeMismatch: If there is not one reward a row.
            InvalidInput: If a row knows no class.
        """
        if tuple(reward.shape) != (batch_size(state),):
            raise ShapeMismatch(
                f"reward has shape {tuple(reward.shape)}.", f"Give {batch_size(state)} rewards."
            )
        if bool((state.known.sum(-1) == 0).any()):
            raise InvalidInput(
                "An individual that knows no class has given no answer.", "Teach it a class first."
            )
        scores = self.scores(state.trace, state).masked_fill(state.known == 0, -torch.inf)
        answer = functional.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores.dtype)
        surprise = reward - state.expected_reward
        key, energy, offset = self.key(state.trace)
        characteristic = answer - torch.softmax(scores, dim=-1)
        coefficient = (surprise * self.gap / energy)[:, None] * characteristic
        state = state._replace(expected_reward=state.expected_reward + self.reward_rate * surprise)
        return self.write(state, LessonTrace(key, coefficient, offset))

    def write(
        self, state: PlasticReadoutState, lesson: LessonTrace
    ) -> tuple[PlasticReadoutState, LessonTrace]:
        """Add what a lesson wrote to the fast weights."""
        return state._replace(
            fast_weight=state.fast_weight
            + lesson.coefficient.unsqueeze(-1) * lesson.key.unsqueeze(-2),
            fast_bias=state.fast_bias + lesson.coefficient * lesson.offset[:, None],
        ), lesson

    def forget(self, state: PlasticReadoutState, slot: int) -> PlasticReadoutState:
        """Free a slot: its class is no longer known and nothing that it learned remains in it."""
        kept = torch.ones_like(state.known[0])
        kept[slot] = 0
        return state._replace(
            fast_weight=state.fast_weight * kept[:, None],
            fast_bias=state.fast_bias * kept,
            known=state.known * kept,
            lessons=state.lessons * kept,
        )

    def grow(self, state: PlasticReadoutState, slots: int) -> PlasticReadoutState:
        """The same individual with room for more classes."""
        extra = slots - state.known.shape[-1]
        if extra < 0:
            raise InvalidInput(f"slots is {slots}.", f"It has {state.known.shape[-1]} already.")
        return state._replace(
            fast_weight=functional.pad(state.fast_weight, (0, 0, 0, extra)),
            fast_bias=functional.pad(state.fast_bias, (0, extra)),
            known=functional.pad(state.known, (0, extra)),
            lessons=functional.pad(state.lessons, (0, extra)),
        )

    @torch.no_grad()
    def calibrate(self, traces: Tensor, targets: Tensor) -> None:
        """Take from the training set what on-line learning needs: the novelty filter and the gap.

        Args:
            traces: ``[samples, in]``, the final trace of each training stimulus.
            targets: int64 ``[samples]``, the trained class of each.

        Raises:
            ShapeMismatch: If the two do not fit.
            InvalidInput: If there are fewer than two samples.
        """
        if traces.ndim != 2 or traces.shape[1:] != self.in_shape or len(traces) != len(targets):
            raise ShapeMismatch(
                f"traces {tuple(traces.shape)} and targets {tuple(targets.shape)}.",
                f"Give [samples, {self.in_shape[0]}] and [samples].",
            )
        if len(traces) < 2:
            raise InvalidInput(f"{len(traces)} samples.", "Calibrate on the whole training set.")
        exact = traces.double()
        mean = exact.mean(0)
        covariance = (exact - mean).T @ (exact - mean) / len(exact)
        variance, directions = torch.linalg.eigh(covariance)
        rank = self.basis.shape[0]
        variance, directions = variance[-rank:].clamp(min=0), directions[:, -rank:]
        noise = self.shrinkage * covariance.diagonal().mean().clamp(min=1e-12)
        self.mean.copy_(mean)
        self.basis.copy_(directions.T)
        self.familiarity.copy_(variance / (variance + noise))
        self.bias_energy.zero_()
        _, energy, _ = self.key(traces)
        # The bias takes a small fixed share of a lesson; a large one would raise a new class
        # for every stimulus alike.
        self.bias_energy.copy_(0.01 * energy.mean().clamp(min=1e-6))
        scores = product(traces, self.weight, self.bias)
        own = scores.gather(1, targets[:, None])[:, 0]
        others = (scores.sum(1) - own) / max(1, self.n_out - 1)
        self.floor.copy_(others.mean())
        self.gap.copy_((own.mean() - others.mean()).clamp(min=1e-3))

    def _check_slots(self, state: PlasticReadoutState, target: Tensor) -> None:
        slots = state.known.shape[-1]
        if tuple(target.shape) != (batch_size(state),):
            raise ShapeMismatch(
                f"target has shape {tuple(target.shape)}.", f"Give {batch_size(state)} slots."
            )
        if bool(((target < 0) | (target >= slots)).any()):
            raise InvalidInput(f"target is {target.tolist()}.", f"Slots go from 0 to {slots - 1}.")
