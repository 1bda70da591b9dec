"""The handwritten digits that come with scikit-learn: real, small, there without a download."""

from __future__ import annotations

import torch

from neurallayers.data.dataset import DATASETS, Dataset, Split

_HELD_OUT = 0.2
_LEVELS = 16.0
_NAMES = tuple(str(digit) for digit in range(10))


@DATASETS.register("digits")
def load_digits() -> Dataset:
    """1,797 digits of 8 x 8 pixels by 43 people; a fixed fifth of each class is held out.

    The pixels have 17 grey levels, 0 to 16. They become float32 level / 16, which is exact (255 is
    no multiple of 16, so that uint8 would round them).

    Source: E. Alpaydin & C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository, doi:10.24432/C50P49 (the test part, as scikit-learn ships it).

    Returns:
        1,437 images to train on and 360 to test on, float32 ``[n, 8, 8]`` from 0 to 1.
    """
    # Imported here, as it costs a second and few need it.
    from sklearn.datasets import load_digits as load
    from sklearn.model_selection import train_test_split as split

    source = load()
    places = range(len(source.target))
    train, test = split(places, test_size=_HELD_OUT, random_state=0, stratify=source.target)
    images = torch.from_numpy(source.images / _LEVELS).to(torch.float32)
    labels = torch.from_numpy(source.target).to(torch.int64)
    return Dataset(
        name="digits",
        train=Split("train", images[train], labels[train], _NAMES),
        test=Split("test", images[test], labels[test], _NAMES),
        source=(
            "E. Alpaydin & C. Kaynak (1998), Optical Recognition of Handwritten Digits, "
            "https://doi.org/10.24432/C50P49, as shipped with scikit-learn"
        ),
        licence="CC BY 4.0",
    )
