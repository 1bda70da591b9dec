"""Complexity: how much a sequence, a recording or the answer to a perturbation says."""

from neurallayers.measures.complexity.entropy import (
    entropy_bits,
    multiscale_entropy,
    permutation_entropy,
    sample_entropy,
    shannon_entropy,
    spectral_entropy,
)
from neurallayers.measures.complexity.lempel_ziv import (
    binarized_amplitudes,
    lempel_ziv_76,
    lempel_ziv_complexity,
    lempel_ziv_welch,
    lempel_ziv_words,
    schartner_complexity,
)
from neurallayers.measures.complexity.perturbational import (
    PerturbationalComplexity,
    matrix_words,
    perturbational_complexity,
    significant_activity,
)
from neurallayers.measures.complexity.state_transitions import (
    StateTransitionComplexity,
    state_transition_complexity,
)

__all__ = [
    "PerturbationalComplexity",
    "StateTransitionComplexity",
    "binarized_amplitudes",
    "entropy_bits",
    "lempel_ziv_76",
    "lempel_ziv_complexity",
    "lempel_ziv_welch",
    "lempel_ziv_words",
    "matrix_words",
    "multiscale_entropy",
    "permutation_entropy",
    "perturbational_complexity",
    "sample_entropy",
    "schartner_complexity",
    "shannon_entropy",
    "significant_activity",
    "spectral_entropy",
    "state_transition_complexity",
]
