"""Trained networks by name: loading them, saving them, and the cards that describe them."""

from neurallayers.brain import load_pretrained, pretrained_names, save_pretrained
from neurallayers.zoo.card import Card

__all__ = ["Card", "load_pretrained", "pretrained_names", "save_pretrained"]
