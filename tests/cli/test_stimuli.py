"""Images from pictures, arrays and data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurallayers.cli.stimuli import read_image
from neurallayers.data import load_digits
from neurallayers.errors import InvalidInput

pictures = pytest.importorskip("PIL.Image")


def test_a_picture_is_made_grey_and_brought_to_the_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    red = np.zeros((16, 16, 3), dtype=np.uint8)
    red[:8, :, 0] = 255
    pictures.fromarray(red).save(tmp_path / "red.png")
    image = read_image(str(tmp_path / "red.png"), (8, 8))
    assert image.shape == (8, 8)
    assert image.dtype == np.uint8
    assert (image[:4] == 76).all()  # ITU-R 601 luma: 0.299 x 255
    assert (image[4:] == 0).all()
    assert "16 x 16" in capsys.readouterr().err


def test_a_coloured_brain_sees_colours(tmp_path: Path) -> None:
    red = np.zeros((4, 4, 3), dtype=np.uint8)
    red[..., 0] = 200
    pictures.fromarray(red).save(tmp_path / "red.png")
    assert (read_image(str(tmp_path / "red.png"), (4, 4, 3)) == red).all()


def test_what_is_transparent_is_white_paper(tmp_path: Path) -> None:
    clear = np.zeros((8, 8, 4), dtype=np.uint8)
    clear[0, 0, 3] = 255  # one black dot, the rest transparent
    pictures.fromarray(clear).save(tmp_path / "dot.png")
    image = read_image(str(tmp_path / "dot.png"), (8, 8))
    assert image[0, 0] == 0
    assert image[1:].min() == 255


def test_inverting_turns_dark_into_light(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((8, 8), 0.25))
    assert np.allclose(read_image(str(tmp_path / "a.npy"), (8, 8), invert=True), 0.75)
    np.save(tmp_path / "b.npy", np.full((8, 8), 250, dtype=np.uint8))
    assert (read_image(str(tmp_path / "b.npy"), (8, 8), invert=True) == 5).all()


def test_a_place_in_a_data_set() -> None:
    data = load_digits()
    assert (read_image("digits:3", (8, 8)) == data.test.images[3].numpy()).all()
    assert (read_image("digits:train:3", (8, 8)) == data.train.images[3].numpy()).all()
    with pytest.raises(InvalidInput, match="Use 0 to 359"):
        read_image("digits:360", (8, 8))


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no image"):
        read_image(str(tmp_path / "missing.png"), (8, 8))
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    with pytest.raises(InvalidInput, match="cannot be read as a picture"):
        read_image(str(broken), (8, 8))
    broken.rename(tmp_path / "broken.npy")
    with pytest.raises(InvalidInput, match="no array of numbers"):
        read_image(str(tmp_path / "broken.npy"), (8, 8))


def test_an_array_that_would_run_code_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object))
    with pytest.raises(InvalidInput, match="no array of numbers"):
        read_image(str(tmp_path / "objects.npy"), (8, 8))


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge.png"
    with huge.open("wb") as file:
        file.truncate(65 * 2**20)
    with pytest.raises(InvalidInput, match="64 MiB"):
        read_image(str(huge), (8, 8))
