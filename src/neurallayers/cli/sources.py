"""What a name on the command line stands for: a network, a brain, an anatomy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurallayers.errors import JournalError

if TYPE_CHECKING:
    from neurallayers.brain import Brain
    from neurallayers.data import Dataset, Split


def is_home(folder: str | Path) -> bool:
    """Whether a brain lives in this folder."""
    return (Path(folder) / "journal").is_file()


def check_home(folder: str | Path) -> Path:
    """The folder, if a brain lives in it.

    Raises:
        JournalError: If none does.
    """
    if not is_home(folder):
        raise JournalError(
            f"No brain lives in {folder}.",
            "Name the folder of one, or begin one: neurallayers teach FOLDER LABEL IMAGE.",
        )
    return Path(folder)


@contextmanager
def open_brain(source: str) -> Iterator[Brain]:
    """A brain by what it is named: its folder, its file, or the network that a new one has.

    Raises:
        UnknownName: If there is nothing of that name.
        NeuralLayersError: If what is there cannot be used.
    """
    from neurallayers.brain import Brain

    if is_home(source):
        with Brain.open(source) as brain:
            yield brain
    elif Path(source).is_file():
        yield Brain.load(source)
    else:
        yield Brain.from_pretrained(source)


def load_data(name: str, *, download: bool = False) -> Dataset:
    """A data set by its name.

    Args:
        name: Its name.
        download: Fetch it if it is nowhere on this machine.

    Raises:
        UnknownName: If there is no such data set.
        DataUnavailable: If it cannot be had.
    """
    from neurallayers.data import DATASETS
    from neurallayers.errors import DataUnavailable

    maker = DATASETS.get(name)
    if download and name == "mnist":
        return maker(download=True)
    try:
        return maker()
    except DataUnavailable as error:
        raise DataUnavailable(
            error.problem, f"Fetch it once: neurallayers evaluate NETWORK --data {name} --download."
        ) from error


def data_for(shape: tuple[int, ...]) -> str:
    """The data set whose images have this shape: the small digits or the large ones."""
    return "digits" if tuple(shape[:2]) == (8, 8) else "mnist"


def held_out(data: str, digit: int) -> tuple[str, Any]:
    """The first held-out image of a class, and how it is named on the command line.

    Raises:
        InvalidInput: If the data set has no such class.
    """
    split: Split = load_data(data).test
    chosen = split.of_classes([digit]).images[0]
    number = int((split.labels == digit).nonzero()[0])
    return f"{data}:{number}", chosen
