"""Lessons of the plastic read-out against what its equations promise."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from neurallayers.dynamics.neurons import LeakyIntegrator
from neurallayers.dynamics.readout import PlasticReadout, PlasticReadoutState
from neurallayers.errors import InvalidInput, ShapeMismatch

LAW = settings(max_examples=20, deadline=None, derandomize=True, database=None)
N_IN, CLASSES, SLOTS = 8, 3, 5


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)).double()


def cell_of(**options: Any) -> PlasticReadout:
    return PlasticReadout(N_IN, CLASSES, slots=SLOTS, **options).double()


def calibrated(seed: int = 0, **options: Any) -> PlasticReadout:
    """A read-out whose training set varied along three directions only."""
    cell = cell_of(**options)
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(3, N_IN, generator=generator).double()
    traces = torch.randn(300, 3, generator=generator).double() @ directions + 0.5
    targets = torch.arange(300) % CLASSES
    cell.calibrate(traces, targets)
    return cell


def state_of(cell: PlasticReadout, batch: int = 1, seed: int = 1) -> PlasticReadoutState:
    state = PlasticReadoutState(*(tensor.double() for tensor in cell.initial_state(batch)))
    return state._replace(trace=random(batch, N_IN, seed=seed))


def scores(cell: PlasticReadout, state: PlasticReadoutState) -> Tensor:
    return cell.scores(state.trace, state)


def test_scores_are_the_potentials_of_integrating_neurons() -> None:
    """Integration is linear: on the input side it gives what it gives behind the weights."""
    cell = cell_of(tau_ms=7.0)
    xs = random(20, 2, N_IN)
    potentials, _ = LeakyIntegrator(CLASSES, tau_ms=7.0).double().run(xs @ cell.weight.T)
    outputs, _ = cell.run(xs)
    assert torch.allclose(outputs[..., :CLASSES], potentials + cell.bias, atol=1e-7)
    assert not outputs[..., CLASSES:].any()


def test_the_classes_of_training_are_known_and_the_rest_is_room() -> None:
    state = cell_of().initial_state(2)
    assert state.known.tolist() == [[1, 1, 1, 0, 0]] * 2
    assert not state.lessons.any()


@given(
    target=st.integers(0, SLOTS - 1),
    seed=st.integers(0, 999),
    rivalry=st.floats(0, 2),
    margin=st.floats(0.1, 3),
    eagerness=st.floats(0, 3),
)
@LAW
def test_after_a_lesson_the_class_leads_by_the_margin(
    target: int, seed: int, rivalry: float, margin: float, eagerness: float
) -> None:
    """Its score stands a margin above the rival's, exactly, whatever the other options."""
    cell = calibrated(seed, rivalry=rivalry, margin=margin, eagerness=eagerness)
    state = state_of(cell, seed=seed)
    taught, lesson = cell.teach(state, torch.tensor([target]))
    before, after = scores(cell, state)[0], scores(cell, taught)[0]
    rivals = [slot for slot in range(CLASSES) if slot != target]
    rival = max(rivals, key=lambda slot: before[slot].item())
    lead = (after[target] - after[rival]).item()
    wanted = (margin + eagerness) * cell.gap.item()
    if lesson.coefficient.any():
        assert lead == pytest.approx(wanted, rel=1e-6, abs=1e-9)
    else:
        assert lead >= wanted - 1e-9


def test_what_is_known_well_enough_is_left_as_it_is() -> None:
    cell = calibrated()
    state = state_of(cell)
    target = torch.tensor([1])
    for _ in range(3):
        state, _ = cell.teach(state, target)
    again, lesson = cell.teach(state, target)
    assert not lesson.coefficient.any()
    assert torch.equal(again.fast_weight, state.fast_weight)
    assert again.lessons[0, 1] == state.lessons[0, 1] + 1


@given(target=st.integers(0, CLASSES - 1), seed=st.integers(0, 999))
@LAW
def test_a_lessons_share_in_any_later_score_is_known_exactly(target: int, seed: int) -> None:
    """What makes explanations true: coefficient * (key · trace + offset)."""
    cell = calibrated(seed)
    state = state_of(cell, 2, seed)
    taught, lesson = cell.teach(state, torch.tensor([target, (target + 1) % CLASSES]))
    later = random(2, N_IN, seed=seed + 1)
    share = lesson.coefficient * ((lesson.key * later).sum(-1) + lesson.offset)[:, None]
    change = cell.scores(later, taught) - cell.scores(later, state)
    assert torch.allclose(change, share, atol=1e-9)


def test_a_new_class_is_known_from_its_first_lesson() -> None:
    cell = calibrated()
    state, _ = cell.teach(state_of(cell), torch.tensor([4]))
    assert state.known.tolist() == [[1, 1, 1, 0, 1]]
    assert state.lessons.tolist() == [[0, 0, 0, 0, 1]]
    assert scores(cell, state).argmax().item() == 4


def test_the_key_is_what_the_filter_lets_through() -> None:
    """k = q - U^T diag(g) U q; its energy is q · k + kappa, with the offset from any trace."""
    cell = calibrated()
    trace = random(4, N_IN)
    key, energy, offset = cell.key(trace)
    q = trace - cell.mean
    pass_through = torch.eye(N_IN) - cell.basis.T @ torch.diag(cell.familiarity) @ cell.basis
    assert torch.allclose(key, q @ pass_through.double())
    assert torch.allclose(energy, (q * key).sum(-1) + cell.bias_energy)
    assert torch.allclose((key * trace).sum(-1) + offset, energy)
    assert (energy > 0).all()


def test_calibration_finds_the_directions_of_training() -> None:
    """Three directions were familiar, all others are new."""
    familiarity = calibrated().familiarity.sort(descending=True).values
    assert (familiarity[:3] > 0.5).all()
    assert (familiarity[3:] < 1e-6).all()


def test_a_lesson_hardly_moves_the_scores_of_what_was_familiar() -> None:
    cell, unfiltered = calibrated(), calibrated()
    with torch.no_grad():
        unfiltered.familiarity.zero_()
    generator = torch.Generator().manual_seed(0)
    familiar = torch.randn(3, N_IN, generator=generator).double()  # as calibrated() draws them
    stimuli = torch.randn(50, 3, generator=generator).double() @ familiar + 0.5

    def moved(readout: PlasticReadout) -> float:
        state = state_of(readout)
        taught, _ = readout.teach(state, torch.tensor([3]))
        # The starting bias of a new class is not the lesson.
        lesson = (taught.fast_weight @ (stimuli - readout.mean).T)[0, 3]
        return lesson.abs().mean().item()

    assert moved(cell) < 0.5 * moved(unfiltered)


def test_a_reward_that_was_not_expected_strengthens_the_answer() -> None:
    cell = calibrated()
    state = state_of(cell, 3)
    answer = scores(cell, state)[:, :CLASSES].argmax(-1)
    rewarded, _ = cell.reinforce(state, torch.tensor([1.0, -1.0, 0.0]).double())
    chance = [
        torch.softmax(scores(cell, each)[:, :CLASSES], -1)[torch.arange(3), answer]
        for each in (state, rewarded)
    ]
    change = chance[1] - chance[0]
    assert change[0] > 0 > change[1]
    assert change[2] == 0
    assert torch.allclose(rewarded.expected_reward, torch.tensor([0.1, -0.1, 0.0]).double())


def test_a_reward_as_expected_teaches_nothing() -> None:
    cell = calibrated()
    state = state_of(cell)._replace(expected_reward=torch.tensor([0.5]).double())
    same, _ = cell.reinforce(state, torch.tensor([0.5]).double())
    assert torch.equal(same.fast_weight, state.fast_weight)


def test_reward_alone_finds_the_right_answer() -> None:
    """A bandit: of two stimuli each has a right answer that nobody names."""
    cell = calibrated()
    with torch.no_grad():
        cell.gap.fill_(1.0)
    stimuli, right = random(2, N_IN, seed=5), [2, 0]
    state = state_of(cell)
    for trial in range(60):
        state = state._replace(trace=stimuli[trial % 2 : trial % 2 + 1])
        answer = scores(cell, state)[0, :CLASSES].argmax().item()
        reward = 1.0 if answer == right[trial % 2] else -1.0
        state, _ = cell.reinforce(state, torch.tensor([reward]).double())
    for stimulus, expected in zip(stimuli, right, strict=True):
        found = cell.scores(stimulus[None], state)[0, :CLASSES].argmax().item()
        assert found == expected


def test_forgetting_a_class_frees_its_slot() -> None:
    cell = calibrated()
    state, _ = cell.teach(state_of(cell), torch.tensor([3]))
    forgotten = cell.forget(state, 3)
    assert forgotten.known.tolist() == [[1, 1, 1, 0, 0]]
    for part in (forgotten.fast_weight, forgotten.fast_bias, forgotten.lessons):
        assert not part[0, 3].any()
    assert torch.equal(forgotten.fast_weight[0, :3], state.fast_weight[0, :3])
    assert torch.equal(forgotten.trace, state.trace)


def test_who_knows_nothing_can_be_taught_and_cannot_be_rewarded() -> None:
    cell = calibrated()
    state = state_of(cell)
    for slot in range(CLASSES):
        state = cell.forget(state, slot)
    with pytest.raises(InvalidInput, match="knows no class"):
        cell.reinforce(state, torch.tensor([1.0]).double())
    taught, _ = cell.teach(state, torch.tensor([1]))
    assert all(part.isfinite().all() for part in taught)
    assert taught.known.tolist() == [[0, 1, 0, 0, 0]]


def test_growing_changes_no_score() -> None:
    cell = calibrated()
    state, _ = cell.teach(state_of(cell), torch.tensor([4]))
    grown = cell.grow(state, 9)
    assert grown.known.shape == (1, 9)
    assert torch.equal(scores(cell, grown)[:, :SLOTS], scores(cell, state))
    assert not scores(cell, grown)[:, SLOTS:].any()
    taught, _ = cell.teach(grown, torch.tensor([8]))
    assert scores(cell, taught).argmax().item() == 8
    with pytest.raises(InvalidInput, match="It has 9 already"):
        cell.grow(grown, 8)


def test_individuals_learn_apart() -> None:
    """Rows that are taught at once learn what each would alone."""
    cell = calibrated()
    state = state_of(cell, 3)
    together, _ = cell.teach(state, torch.tensor([4, 0, 3]))
    for row, target in enumerate([4, 0, 3]):
        part = PlasticReadoutState(*(tensor[row : row + 1] for tensor in state))
        alone, _ = cell.teach(part, torch.tensor([target]))
        for found, expected in zip(alone, together, strict=True):
            assert torch.allclose(found[0], expected[row])


def test_lessons_do_not_touch_the_parameters_or_the_state_they_start_from() -> None:
    cell = calibrated()
    state = state_of(cell)
    kept = [tensor.clone() for tensor in state]
    weights = {name: tensor.clone() for name, tensor in cell.state_dict().items()}
    cell.teach(state, torch.tensor([4]))
    cell.reinforce(state, torch.tensor([1.0]).double())
    cell.forget(state, 0)
    cell.grow(state, 9)
    assert all(map(torch.equal, state, kept))
    assert all(torch.equal(tensor, weights[name]) for name, tensor in cell.state_dict().items())


def test_calibration_measures_the_usual_distance() -> None:
    cell = cell_of()
    traces, targets = random(60, N_IN), torch.arange(60) % CLASSES
    cell.calibrate(traces, targets)
    all_scores = functional.linear(traces, cell.weight, cell.bias).detach()
    own = all_scores[torch.arange(60), targets].mean()
    others = (all_scores.sum() - own * 60) / (60 * (CLASSES - 1))
    assert cell.floor.item() == pytest.approx(others.item())
    assert cell.gap.item() == pytest.approx(max((own - others).item(), 1e-3))


@pytest.mark.parametrize("target", [[-1], [SLOTS]])
def test_a_target_that_is_no_slot_is_refused(target: list[int]) -> None:
    cell = cell_of()
    with pytest.raises(InvalidInput, match=f"Slots go from 0 to {SLOTS - 1}"):
        cell.teach(state_of(cell), torch.tensor(target))


def test_there_is_one_target_or_reward_a_row() -> None:
    cell = cell_of()
    with pytest.raises(ShapeMismatch, match="Give 2 slots"):
        cell.teach(state_of(cell, 2), torch.tensor([1]))
    with pytest.raises(ShapeMismatch, match="Give 2 rewards"):
        cell.reinforce(state_of(cell, 2), torch.ones(3))


@pytest.mark.parametrize(
    ("traces", "targets", "kind"),
    [
        ((5, N_IN + 1), 5, ShapeMismatch),
        ((5, N_IN), 4, ShapeMismatch),
        ((N_IN,), 8, ShapeMismatch),
        ((1, N_IN), 1, InvalidInput),
    ],
)
def test_calibration_refuses_what_does_not_fit(
    traces: tuple[int, ...], targets: int, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        cell_of().calibrate(torch.rand(traces), torch.zeros(targets, dtype=torch.int64))


@pytest.mark.parametrize(
    "options",
    [
        {"slots": CLASSES - 1},
        {"margin": 0.0},
        {"eagerness": -0.1},
        {"rivalry": -0.1},
        {"reward_rate": 0.0},
        {"reward_rate": 1.1},
        {"rank": 0},
        {"shrinkage": 0.0},
        {"tau_ms": -5.0},
        {"dt_ms": 0.0},
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        PlasticReadout(N_IN, CLASSES, **options)  # type: ignore[arg-type]
