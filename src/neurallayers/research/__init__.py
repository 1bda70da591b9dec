"""Where data, training and zoo meet: recipes that can be repeated by anyone."""

from neurallayers.research.recipes import RECIPES, Recipe, Trained, prepare, train

__all__ = ["RECIPES", "Recipe", "Trained", "prepare", "train"]
