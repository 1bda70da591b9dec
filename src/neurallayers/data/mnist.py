"""MNIST: 28 x 28 handwritten digits, from disk or, when asked for, from the network.

Every file is checked against the official digests before it is used, in whatever form it comes: the
four official idx files (plain or gzip), or two npz files with the same arrays.

Source: LeCun, Bottou, Bengio & Haffner (1998), Gradient-based learning applied to document
recognition, Proc. IEEE 86:2278.
"""

from __future__ import annotations

import gzip
import hashlib
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neurallayers.data.dataset import DATASETS, Dataset, Split
from neurallayers.data.download import download_bar, fetch
from neurallayers.data.folders import candidate_folders
from neurallayers.errors import DataUnavailable

SOURCES = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
"""Where the official files are: two mirrors that answer, and the place they were published at."""

DOWNLOADS: Mapping[str, str] = {
    "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
"""SHA-256 of the official files as they are downloaded, with ``.gz`` after these names."""

CONTENTS: Mapping[str, str] = {
    "train-images": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels": "a25bea736e30d166cdddb491f175f624",
    "test-images": "2646ac647ad5339dbf082846283269ea",
    "test-labels": "27ae3e4e09519cfbb04c329615203637",
    "test_public-images": "2ce5e5390f1acaa70f353dfbe3bf5f9a",
    "test_public-labels": "dd14a6a9b9ecb5b098af33af4aa0d55f",
}
"""MD5 of each array written as an idx file; the first four are those of the official files.

They tell damage and mix-ups; against malice stand the SHA-256 digests of the downloads.
"""

_IDX_FILES = {"train": "train", "test": "t10k"}
_NPZ_FILES = {"train": "mnist_train.npz", "test_public": "mnist_test_public.npz"}
_IDX_TYPE_UINT8 = 0x08
_NAMES = tuple(str(digit) for digit in range(10))
# What a damaged or foreign file makes numpy, gzip and struct raise.
_UNREADABLE = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@DATASETS.register("mnist")
def load_mnist(
    folder: str | Path | None = None,
    *,
    download: bool = False,
    sources: Sequence[str] = SOURCES,
    downloads: Mapping[str, str] = DOWNLOADS,
    contents: Mapping[str, str] = CONTENTS,
) -> Dataset:
    """Load MNIST from the first place that has it.

    Looked for in ``folder`` when it is given, and otherwise in ``$NEURALLAYERS_DATA/mnist``, in
    ``../shared/data/mnist`` beside the current folder, and in the cache. A folder holds either the
    four official files (``train-images-idx3-ubyte`` and so on, with or without ``.gz``), or
    ``mnist_train.npz`` and ``mnist_test_public.npz`` with the arrays ``images`` and ``labels``.

    The npz test file is the public two thirds of the official test set (6,667 of 10,000 images,
    chosen by class); that split is then named ``"test_public"``, so that nobody takes a result on
    it for one on the official set.

    Args:
        folder: The one place to look in (and to download to).
        download: Fetch the official files if they are nowhere.
        sources: Addresses to fetch from, tried in order.
        downloads: SHA-256 of each official file.
        contents: MD5 of each array; see :data:`CONTENTS`.

    Returns:
        60,000 images to train on and 10,000 or 6,667 to test on, uint8 ``[n, 28, 28]``.

    Raises:
        DataUnavailable: If it is nowhere, cannot be fetched, or is damaged.
    """
    places = candidate_folders("mnist") if folder is None else [Path(folder)]
    for place in places:
        if form := _form_in(place):
            return _load(place, form, contents)
    if not download:
        looked = ", ".join(str(place) for place in places)
        raise DataUnavailable(
            f"MNIST is in none of these folders: {looked}.",
            "Call load_mnist(download=True), or set NEURALLAYERS_DATA to the folder that holds "
            "mnist/.",
        )
    target = places[-1]
    for name, sha256 in downloads.items():
        with download_bar(name) as advance:
            urls = [f"{source}{name}.gz" for source in sources]
            fetch(urls, target / f"{name}.gz", sha256=sha256, advance=advance)
    return _load(target, "idx", contents)


def _form_in(folder: Path) -> str:
    """Which complete form of the data set a folder holds; empty for none."""
    if all(_idx_file(folder, part, kind) for part in _IDX_FILES for kind in ("images", "labels")):
        return "idx"
    return "npz" if all((folder / name).is_file() for name in _NPZ_FILES.values()) else ""


def _idx_file(folder: Path, part: str, kind: str) -> Path | None:
    name = f"{_IDX_FILES[part]}-{kind}-idx{3 if kind == 'images' else 1}-ubyte"
    return next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)


def _load(folder: Path, form: str, contents: Mapping[str, str]) -> Dataset:
    test = "test" if form == "idx" else "test_public"
    train, test_split = (_split(folder, form, part, contents) for part in ("train", test))
    return Dataset(
        name="mnist",
        train=train,
        test=test_split,
        source=(
            "Y. LeCun, C. Cortes & C. J. C. Burges, The MNIST database of handwritten digits, "
            "http://yann.lecun.com/exdb/mnist/"
        ),
        licence="CC BY-SA 3.0",
    )


def _split(folder: Path, form: str, part: str, contents: Mapping[str, str]) -> Split:
    try:
        arrays = _read_idx(folder, part) if form == "idx" else _read_npz(folder / _NPZ_FILES[part])
    except _UNREADABLE as error:
        raise DataUnavailable(
            f"The {part} part of MNIST in {folder} cannot be read ({error}).",
            "Remove the damaged file and call load_mnist(download=True).",
        ) from error
    for kind, array in arrays.items():
        found, expected = idx_md5(array), contents[f"{part}-{kind}"]
        if found != expected:
            raise DataUnavailable(
                f"The {part} {kind} of MNIST in {folder} have MD5 {found}, expected {expected}.",
                "They are damaged or another data set: remove the file and call "
                "load_mnist(download=True).",
            )
    images, labels = torch.from_numpy(arrays["images"]), torch.from_numpy(arrays["labels"])
    return Split(part, images, labels.to(torch.int64), _NAMES)


def _read_npz(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    # Opened here, as numpy leaves a file open that it cannot read.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        read = {kind: np.ascontiguousarray(arrays[kind]) for kind in ("images", "labels")}
    for kind, array in read.items():
        if array.dtype != np.uint8:
            raise ValueError(f"{kind} are {array.dtype}, expected uint8")
    return read


def _read_idx(folder: Path, part: str) -> dict[str, np.ndarray[Any, Any]]:
    read = {}
    for kind in ("images", "labels"):
        path = _idx_file(folder, part, kind)
        if path is None:  # another process removed it since it was found
            raise FileNotFoundError(f"the {kind} are gone")
        content = path.read_bytes()
        read[kind] = parse_idx(gzip.decompress(content) if path.suffix == ".gz" else content)
    return read


def parse_idx(content: bytes) -> np.ndarray[Any, Any]:
    """The array in an idx file of bytes: two zero bytes, type, axes, their lengths, the numbers.

    Raises:
        ValueError: If it is no such file or its length is not what its head says.

    >>> parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9])).tolist()
    [7, 9]
    """
    zero, kind, axes = struct.unpack_from(">HBB", content)
    if zero != 0 or kind != _IDX_TYPE_UINT8:
        raise ValueError(f"the file starts with {content[:4]!r}, which is no idx file of bytes")
    shape = struct.unpack_from(f">{axes}I", content, 4)
    numbers = np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * axes)
    if numbers.size != int(np.prod(shape, dtype=np.int64)):
        raise ValueError(f"the head says {shape}, but {numbers.size} bytes follow")
    # A copy, as torch wants memory that may be written to.
    return numbers.reshape(shape).copy()


def idx_md5(array: np.ndarray[Any, Any]) -> str:
    """The MD5 that an array of bytes has when written as an idx file."""
    head = struct.pack(f">HBB{array.ndim}I", 0, _IDX_TYPE_UINT8, array.ndim, *array.shape)
    digest = hashlib.md5(head, usedforsecurity=False)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
