from __future__ import annotations

import pytest
import torch

from neurallayers.errors import TrainingError
from neurallayers.training.config import FitConfig
from neurallayers.training.objective import classification_for
from neurallayers.training.run import TrainingRun
from neurallayers.training.samples import Samples


@pytest.fixture
def make_run(network, data, unseen):
    def make(objective=None, held_out=True, **fields):
        config = FitConfig(**{"epochs": 3, "batch_size": 16, **fields})
        train = Samples.of(data)
        chosen = objective or classification_for(network, train.images[:1], config)
        validation = Samples.of(unseen) if held_out else None
        return TrainingRun(network, network, chosen, train, validation, config)

    return make


def test_an_epoch_is_recorded(make_run):
    run = make_run()
    record = run.epoch([])
    assert run.history == [record]
    assert run.best is record
    assert record.epoch == 1
    assert 0 <= record.accuracy <= 1
    assert 0 <= record.validation_accuracy <= 1
    assert record.validation_loss > 0
    assert record.gradient_norm > 0
    assert set(record.rates) == {"cortex"}
    assert 0 < record.learning_rate <= run.config.learning_rate


def test_without_validation_there_is_no_best(make_run):
    run = make_run(held_out=False)
    assert run.epoch([]).validation_accuracy is None
    assert run.best is None


def test_it_is_finished_after_its_epochs(make_run):
    run = make_run(epochs=2)
    seen = []
    while run.finished is None:
        run.epoch([])
        seen.append(run.finished)
    assert seen == [None, "epochs"]


def test_each_step_is_reported(make_run):
    class Ear:
        rows = 0

        def step(self, epoch, loss, rows):
            assert epoch == 1
            assert loss.isfinite()
            self.rows += rows

    ear = Ear()
    make_run().epoch([ear])
    assert ear.rows == 90


class Exploding(torch.nn.Module):
    """A good objective until a step, and then a loss or a gradient that is no number."""

    def __init__(self, inner, step, gradient_only=False):
        super().__init__()
        self.inner, self.left, self.gradient_only = inner, step, gradient_only

    def forward(self, *batch):
        judgement = self.inner(*batch)
        self.left -= 1
        if self.left > 0:
            return judgement
        if self.gradient_only:
            # The value of sqrt(0) is 0, its slope is not finite.
            features = judgement.activity.features
            return judgement._replace(loss=judgement.loss + (features.sum() * 0).sqrt())
        return judgement._replace(loss=judgement.loss * float("nan"))


@pytest.mark.parametrize(("gradient_only", "what"), [(False, "loss"), (True, "gradient")])
def test_a_run_that_diverges_says_where_and_keeps_the_last_whole_epoch(
    make_run, network, data, gradient_only, what
):
    config = FitConfig(epochs=3, batch_size=16)
    inner = classification_for(network, Samples.of(data).images[:1], config)
    run = make_run(Exploding(inner, step=6 + 4, gradient_only=gradient_only))
    run.epoch([])
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(TrainingError) as caught:
        run.epoch([])
    text = str(caught.value)
    assert f"The {what} became nan at step 4 of 6 of epoch 2 (step 10 of the run)" in text
    assert "Lower learning_rate (now 0.005)" in text
    assert all(torch.equal(network.state_dict()[name], before[name]) for name in before)


def test_clipping_bounds_the_update(make_run, network):
    before = network.readout.weight.detach().clone()
    options = {"optimizer": "sgd", "momentum": 0.0, "schedule": "constant", "weight_decay": 0.0}
    run = make_run(**options, warmup_fraction=0.0, learning_rate=1.0, clip_norm=1e-3, batch_size=90)
    run.epoch([])
    moved = sum(
        float((p.detach() - b).square().sum()) for p, b in [(network.readout.weight, before)]
    )
    assert 0 < moved**0.5 <= 1e-3 + 1e-6


def test_a_checkpoint_is_written_when_it_is_due(make_run, tmp_path):
    run = make_run(epochs=3, checkpoint_folder=tmp_path / "run", checkpoint_every_epochs=2)
    written = []
    for _ in range(3):
        run.epoch([])
        run.checkpoint()
        written.append(sorted((tmp_path / "run").glob("tensors-*")))
    assert not written[0]
    assert written[1]
    assert written[2] not in ([], written[1])  # the last epoch always


def test_a_checkpoint_can_be_made_due(make_run, tmp_path):
    run = make_run(checkpoint_folder=tmp_path, checkpoint_every_epochs=2)
    run.epoch([])
    run.checkpoint(must=True)
    assert list(tmp_path.glob("tensors-*"))
