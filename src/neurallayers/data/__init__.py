"""Real data sets with fixed splits, checked against published digests before they are used."""

from neurallayers.data.connectomes import load_celegans, load_macaque_cortex
from neurallayers.data.dataset import DATASETS, Dataset, Split
from neurallayers.data.digits import load_digits
from neurallayers.data.mnist import load_mnist
from neurallayers.data.patch_clamp import PatchClampRecording, load_patch_clamp

__all__ = [
    "DATASETS",
    "Dataset",
    "PatchClampRecording",
    "Split",
    "load_celegans",
    "load_digits",
    "load_macaque_cortex",
    "load_mnist",
    "load_patch_clamp",
]
