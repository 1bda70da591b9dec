"""A brain's vital signs: usual ones are quiet, unusual ones rise and fall with hysteresis."""

from __future__ import annotations

import torch
from tests.brain.happenings import IMAGES, NETWORK
from tests.brain.individuals import bits

from neurallayers.brain import Brain, think
from neurallayers.brain.alerts import Alert, vital_signs, vitals_of, watch, watcher


def lived(brain: Brain, images: torch.Tensor, count: int) -> list[tuple[Alert, ...]]:
    return [brain.process(images[i % len(images)], stateful=True).alerts for i in range(count)]


def test_the_vital_signs_are_the_rates_and_the_confidence() -> None:
    assert vitals_of(["sensory"]) == ("sensory.rate_hz", "confidence")
    assert NETWORK.faculties.vitals == ("sensory.rate_hz", "cerebrum.rate_hz", "confidence")


def test_a_usual_life_is_quiet_and_a_sudden_dark_is_not() -> None:
    brain = Brain(NETWORK)
    usual = lived(brain, IMAGES, 60)
    assert not any(alert.level == "critical" for alerts in usual for alert in alerts)
    dark = lived(brain, torch.zeros(1, 4, 4, 1), 6)
    risen = [alert for alerts in dark for alert in alerts if alert.risen]
    assert "sensory.rate_hz" in {alert.vital for alert in risen}
    assert all(alert.level in ("notice", "warning", "critical") for alert in risen)
    assert "is unusual" in str(risen[0])
    assert risen[0].to_dict()["vital"] == risen[0].vital


def test_thoughts_from_rest_leave_no_trace() -> None:
    brain = Brain(NETWORK)
    lived(brain, IMAGES, 3)
    before = bits(brain.life)
    for image in IMAGES:
        assert brain.process(image).alerts == ()
    assert bits(brain.life) == before


def test_a_brain_without_classes_has_no_confidence_to_watch() -> None:
    index, names = watcher(["sensory", "cerebrum"]), NETWORK.faculties.vitals
    thinking = think(NETWORK, NETWORK.initial_state(1), IMAGES[:1])
    unknown = torch.full_like(thinking.scores, -torch.inf)
    signs = vital_signs(thinking.spikes, unknown, 1.0)
    state, alerts = watch(index, names, index.initial_state(), signs)
    assert alerts == [()]
    counts = state.statistics[0, :, 0].tolist()
    assert counts[2] == 0.0
    assert counts[0] == 1.0


def test_each_row_is_watched_by_itself() -> None:
    index, names = watcher(["sensory", "cerebrum"]), NETWORK.faculties.vitals
    thinking = think(NETWORK, NETWORK.initial_state(1), IMAGES[:3])
    signs = vital_signs(thinking.spikes, thinking.scores, 1.0)
    together, _ = watch(index, names, index.initial_state(3), signs)
    for row in range(3):
        one = thinking.row(row)
        mine = vital_signs(one.spikes, one.scores, 1.0)
        alone, _ = watch(index, names, index.initial_state(1), mine)
        assert torch.equal(alone.statistics[0], together.statistics[row])
        assert torch.equal(alone.memory[0], together.memory[row])
