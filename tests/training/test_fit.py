from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from neurallayers.errors import InvalidInput, TrainingError
from neurallayers.training import FitConfig, evaluate
from neurallayers.training.augmentation import Augmentation
from neurallayers.training.fit import fit
from neurallayers.training.objective import Classification

QUICK = FitConfig(epochs=4, batch_size=16, learning_rate=0.02)


class Killed(Exception):
    """Stands for whatever ended a process."""


def weights_of(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(first, second):
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


def test_it_learns_and_generalises(network, data, unseen):
    before = evaluate(network, unseen).accuracy
    result = fit(network, data, QUICK.changed(epochs=8))
    assert evaluate(network, unseen).accuracy > max(0.95, before)
    assert result.history[-1].loss < result.history[0].loss
    assert [record.epoch for record in result.history] == list(range(1, 9))
    assert result.stopped == "epochs"
    assert result.best is None
    assert result.samples_per_second > 0
    assert result.seconds == pytest.approx(sum(record.seconds for record in result.history))


def test_the_same_seed_gives_the_same_bits_and_the_global_generator_is_not_touched(
    make_network, data
):
    config = QUICK.changed(augment=Augmentation(shift_pixels=1, rotation_degrees=5))
    trained, states = [], []
    for noise in (0, 1):
        torch.rand(noise + 1)
        before = torch.get_rng_state()
        network = make_network()
        fit(network, data, config)
        states.append(torch.equal(torch.get_rng_state(), before))
        trained.append(weights_of(network))
    assert same(*trained)
    assert states == [True, True]
    other = make_network()
    fit(other, data, config.changed(seed=1))
    assert not same(trained[0], weights_of(other))


EVERYTHING = {
    "augment": Augmentation(shift_pixels=1),
    "average_weights": 0.9,
    "patience": 3,
    "validation_fraction": 0.3,
    "rate_penalty": 1.0,
}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"optimizer": "sgd", "schedule": "cosine"},
        {"orientation_weight": 0, "reconstruction_weight": 0, "schedule": "step"},
        {"average_weights": 0.9, "precision": "bfloat16"},
        EVERYTHING,
    ],
)
def test_a_run_killed_after_every_epoch_ends_with_the_same_bits(
    make_network, data, tmp_path, fields
):
    config = QUICK.changed(**fields)
    uninterrupted = make_network()
    expected = fit(uninterrupted, data, config)
    config = config.changed(checkpoint_folder=tmp_path, resume=True)

    def die(record):
        raise Killed

    for life in range(len(expected.history)):
        # After the first life the weights come from the checkpoint, whatever they were made from.
        with pytest.raises(Killed):
            fit(make_network(seed=0 if life == 0 else 7), data, config, on_epoch=die)
    resumed = make_network(seed=8)
    result = fit(resumed, data, config)
    assert same(weights_of(resumed), weights_of(uninterrupted))
    assert [figures(record) for record in result.history] == [
        figures(record) for record in expected.history
    ]
    assert result.stopped == expected.stopped
    assert (result.best and figures(result.best)) == (expected.best and figures(expected.best))


def figures(record):
    """All of a record that is not measured by the clock."""
    return record.model_dump(exclude={"seconds", "samples_per_second"})


TRAINER = """
import os, signal, sys
import torch
sys.path[:0] = sys.argv[1:3]
from conftest import SmallNetwork, noisy_patterns
from neurallayers.training import FitConfig, fit

torch.set_num_threads(1)

def die(record):
    if record.epoch == 2:
        os.kill(os.getpid(), signal.SIGKILL)

config = FitConfig.model_validate_json(sys.argv[3])
fit(SmallNetwork(), noisy_patterns(90, seed=0), config, on_epoch=die)
"""


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")
def test_a_killed_process_loses_nothing_but_its_epoch(make_network, data, tmp_path):
    config = QUICK.changed(checkpoint_folder=tmp_path, resume=True, threads=1)
    uninterrupted, resumed = make_network(), make_network(seed=7)
    fit(uninterrupted, data, config.changed(checkpoint_folder=None, resume=False))
    here = Path(__file__).resolve()
    places = [str(here.parents[2] / "src"), str(here.parent), config.model_dump_json()]
    process = subprocess.run([sys.executable, "-c", TRAINER, *places], check=False, timeout=240)
    assert process.returncode == -signal.SIGKILL
    fit(resumed, data, config)
    assert same(weights_of(resumed), weights_of(uninterrupted))


def test_the_parameters_of_an_objective_are_resumed_too(make_network, data, tmp_path):
    def objective():
        return Classification(3, 16, (4, 4, 1), QUICK)

    config = QUICK.changed(checkpoint_folder=tmp_path, resume=True)
    first, second = objective(), objective()
    fit(make_network(), data, QUICK, objective=first)
    with pytest.raises(Killed):
        fit(make_network(), data, config, objective=objective(), on_epoch=lambda _: die_now())
    fit(make_network(seed=3), data, config, objective=second)
    assert same(weights_of(first), weights_of(second))


def die_now():
    raise Killed


def test_a_finished_run_is_not_run_again(make_network, data, tmp_path):
    config = QUICK.changed(checkpoint_folder=tmp_path, resume=True)
    first, second = make_network(), make_network(seed=7)
    fit(first, data, config)
    called = []
    fit(second, data, config, on_epoch=called.append)
    assert not called
    assert same(weights_of(first), weights_of(second))


def test_without_resume_training_starts_anew(make_network, data, tmp_path):
    config = QUICK.changed(checkpoint_folder=tmp_path)
    fit(make_network(), data, config)
    called = []
    fit(make_network(), data, config, on_epoch=called.append)
    assert len(called) == 4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"learning_rate": 0.01}, r"config\.learning_rate was 0\.02, is 0\.01"),
        ({"augment": {"shift_pixels": 1}}, r"config\.augment\.shift_pixels was 0, is 1"),
        ({"orientation_weight": 0.0}, r"objective\.orientation\.weight was .*, is None"),
    ],
)
def test_a_checkpoint_of_another_configuration_is_refused(
    make_network, data, tmp_path, change, says
):
    fit(make_network(), data, QUICK.changed(checkpoint_folder=tmp_path, epochs=1))
    with pytest.raises(TrainingError, match=says):
        fit(
            make_network(),
            data,
            QUICK.changed(checkpoint_folder=tmp_path, epochs=1, resume=True, **change),
        )


def test_a_checkpoint_of_other_data_or_another_network_is_refused(make_network, data, tmp_path):
    config = QUICK.changed(checkpoint_folder=tmp_path, resume=True)
    fit(make_network(), data, config)
    with pytest.raises(TrainingError, match="data was"):
        fit(make_network(), (data[0].flip(0), data[1]), config)
    other = make_network()
    other.register_buffer("more", torch.zeros(2))
    with pytest.raises(TrainingError, match=r"network\.more was None"):
        fit(other, data, config)
    described = make_network()
    described.spec = "another anatomy"
    with pytest.raises(TrainingError, match="spec was"):
        fit(described, data, config)


class Scripted(torch.nn.Module):
    """Validates as well as a script says, whatever it learns: 0 to 4 right of 4."""

    def __init__(self, script):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.script, self.epoch = script, 0

    def perceive(self, stimuli):
        right = torch.arange(len(stimuli)) < self.script[min(self.epoch, len(self.script) - 1)]
        chosen = torch.where(right, 0, 1)
        scores = torch.nn.functional.one_hot(chosen, 2) * 3.0 + self.weight * torch.tensor([1, -1])
        self.epoch += 0 if self.training else 1
        return Answer(scores, stimuli.flatten(1), {"cortex": torch.zeros(())})


class Answer:
    def __init__(self, scores, features, rates):
        self.scores, self.features, self.rates = scores, features, rates


def test_early_stopping_waits_as_long_as_it_was_told_and_goes_back_to_the_best():
    images, labels = torch.rand(4, 4, 4), torch.zeros(4, dtype=torch.int64)
    network = Scripted([1, 3, 2, 3, 2, 4])
    seen = []
    config = QUICK.changed(epochs=20, patience=3, orientation_weight=0, reconstruction_weight=0)
    result = fit(
        network,
        (images, labels),
        config,
        validation=(images, labels),
        on_epoch=lambda record: seen.append(float(network.weight.detach())),
    )
    accuracies = [record.validation_accuracy for record in result.history]
    assert accuracies == [0.25, 0.75, 0.5, 0.75, 0.5, 1.0] + [1.0] * (len(accuracies) - 6)
    assert result.best is not None
    assert float(network.weight.detach()) == seen[result.best.epoch - 1]


def test_early_stopping_ends_a_run_that_gets_no_better():
    images, labels = torch.rand(4, 4, 4), torch.zeros(4, dtype=torch.int64)
    network = Scripted([1, 3, 2, 2, 2, 4])
    seen = []
    config = QUICK.changed(epochs=20, patience=3, orientation_weight=0, reconstruction_weight=0)
    result = fit(
        network,
        (images, labels),
        config,
        validation=(images, labels),
        on_epoch=lambda record: seen.append(float(network.weight.detach())),
    )
    assert (result.stopped, result.best.epoch, len(result.history)) == ("patience", 2, 5)
    assert float(network.weight.detach()) == seen[1] != seen[-1]


def test_patience_without_validation_is_refused(network, data):
    with pytest.raises(InvalidInput, match="validation_fraction"):
        fit(network, data, QUICK.changed(patience=2))


def test_a_part_kept_aside_is_not_trained_on(network, data):
    seen = []

    class Watching(Classification):
        def forward(self, network, stimuli, targets, generator):
            seen.append(len(stimuli))
            return super().forward(network, stimuli, targets, generator)

    objective = Watching(3, 16, (4, 4, 1), QUICK)
    result = fit(
        network,
        data,
        QUICK.changed(epochs=1, validation_fraction=0.5),
        objective=objective,
    )
    assert 40 <= sum(seen) <= 50
    assert result.best is result.history[0]


def test_validation_images_of_another_shape_are_refused(network, data):
    with pytest.raises(InvalidInput, match="one shape"):
        fit(network, data, QUICK, validation=(torch.rand(3, 5, 5), torch.arange(3)))


def test_labels_without_a_score_are_refused(network, data):
    with pytest.raises(InvalidInput, match="label 3"):
        fit(network, (data[0], data[1] + 1), QUICK)


def test_averaged_weights_are_what_is_validated_and_kept(make_network, data, unseen):
    plain, averaged = make_network(), make_network()
    fit(plain, data, QUICK)
    result = fit(averaged, data, QUICK.changed(average_weights=0.9), validation=unseen)
    assert not same(weights_of(plain), weights_of(averaged))
    found = evaluate(averaged, unseen)
    assert result.history[-1].validation_loss == found.loss
    assert result.history[-1].validation_accuracy == found.accuracy


def test_what_online_learning_needs_is_set_once_from_the_whole_training_set(network, data):
    fit(network, data, QUICK.changed(validation_fraction=0.5))
    assert network.calibrated_on == len(data[1])
    with torch.no_grad():
        activity = network.perceive(data[0].unsqueeze(-1))
    torch.testing.assert_close(network.mean, activity.features.mean(0))
    torch.testing.assert_close(network.set_point, activity.spikes["cortex"].mean((0, 1)))


def test_a_network_without_online_learning_is_left_alone():
    network = Scripted([4])
    config = QUICK.changed(epochs=1, orientation_weight=0, reconstruction_weight=0)
    fit(network, (torch.rand(4, 4, 4), torch.zeros(4, dtype=torch.int64)), config)
    assert network.epoch == 0  # it never perceived in evaluation mode


def test_a_time_limit_ends_a_run_that_can_be_resumed(make_network, data, tmp_path):
    config = QUICK.changed(checkpoint_folder=tmp_path, checkpoint_every_epochs=3, resume=True)
    network = make_network()
    result = fit(network, data, config.changed(time_limit_seconds=1e-6))
    assert result.stopped == "time_limit"
    assert len(result.history) == 1
    uninterrupted, resumed = make_network(), make_network(seed=7)
    fit(uninterrupted, data, QUICK)
    assert fit(resumed, data, config).stopped == "epochs"
    assert same(weights_of(resumed), weights_of(uninterrupted))


def test_threads_and_modes_are_as_before(network, data):
    before = torch.get_num_threads()
    network.eval()
    inside = []
    fit(
        network,
        data,
        QUICK.changed(epochs=1, threads=1),
        on_epoch=lambda _: inside.append((torch.get_num_threads(), network.training)),
    )
    assert inside[0][0] == 1
    assert torch.get_num_threads() == before
    assert not network.training


def test_bytes_and_floats_train_alike(make_network, data):
    images = (data[0] * 255).round()
    first, second = make_network(), make_network()
    fit(first, (images.to(torch.uint8), data[1]), QUICK)
    fit(second, (images / 255, data[1]), QUICK)
    assert same(weights_of(first), weights_of(second))


def test_a_hopeless_learning_rate_is_told(network, data):
    network.readout.weight.data.fill_(float("inf"))
    with pytest.raises(TrainingError, match="step 1 of 6 of epoch 1"):
        fit(network, data, QUICK)


def test_curves_are_asked_for_by_a_folder(network, data, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    fit(network, data, QUICK.changed(tensorboard_folder=tmp_path))
    assert list(tmp_path.iterdir())


def test_progress_is_shown_in_a_terminal(network, data, monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes the captured stream for a terminal
    monkeypatch.setenv("COLUMNS", "120")
    fit(network, data, QUICK.changed(progress=True))
    shown = capsys.readouterr().err
    assert "4/4" in shown
    assert "accuracy" in shown


def test_a_brain_is_trained_and_resumed_to_the_bit(tmp_path):
    from neurallayers.brain import BrainNetwork, preset
    from neurallayers.seeding import stream

    images = torch.rand(48, 8, 8, generator=stream(0, "images"))
    labels = torch.arange(48) % 10
    config = QUICK.changed(epochs=2, threads=1)
    uninterrupted = BrainNetwork(preset("hasn-nano"), seed=0)
    fit(uninterrupted, (images, labels), config)
    config = config.changed(checkpoint_folder=tmp_path, resume=True)
    with pytest.raises(Killed):
        fit(
            BrainNetwork(preset("hasn-nano"), seed=0),
            (images, labels),
            config,
            on_epoch=lambda _: die_now(),
        )
    resumed = BrainNetwork(preset("hasn-nano"), seed=5)
    fit(resumed, (images, labels), config)
    assert same(weights_of(resumed), weights_of(uninterrupted))
    assert float(resumed.readout.familiarity.sum()) > 0  # calibrated
    other = BrainNetwork(preset("hasn-nano", duration_ms=10.0), seed=0)
    with pytest.raises(TrainingError, match="spec was"):
        fit(other, (images, labels), config)
