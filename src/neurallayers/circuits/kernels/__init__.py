"""Compiled loops of circuits: steps, receptors, delivery, noise, plasticity, threads."""
