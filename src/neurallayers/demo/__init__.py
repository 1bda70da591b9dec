"""A brain alive, for people to watch: in the terminal and as a picture that moves."""

from neurallayers.demo.lessons import Novelty, Progress, teach_novelties
from neurallayers.demo.scene import watch
from neurallayers.demo.unfolding import Unfolding, unfold

__all__ = ["Novelty", "Progress", "Unfolding", "teach_novelties", "unfold", "watch"]
