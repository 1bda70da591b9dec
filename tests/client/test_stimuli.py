"""What may be shown to a brain, as it goes over the wire."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurallayers.client.answers import PNG_SIGNATURE
from neurallayers.client.stimuli import encode, jsonable, white
from neurallayers.errors import InvalidInput

ROWS = [[0.0, 0.5], [1.0, 0.25]]
PNG = PNG_SIGNATURE + b"pixels"


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
def test_arrays_and_lists_are_the_same_rows(kind: Any) -> None:
    assert encode(kind(ROWS)) == ROWS


def test_a_tensor_that_learns_can_be_shown() -> None:
    assert encode(torch.tensor(ROWS, requires_grad=True)) == ROWS


def test_lists_of_arrays_and_their_numbers_can_be_written() -> None:
    mixed = [np.array([1.0, 2.0]), [np.float32(0.5), torch.tensor(0.25)]]
    assert json.dumps(encode(mixed), default=jsonable) == "[[1.0, 2.0], [0.5, 0.25]]"
    with pytest.raises(TypeError, match="object is no number"):
        json.dumps([[object()]], default=jsonable)


def test_bits_are_numbers() -> None:
    assert encode(np.array([[True, False]])) == [[1.0, 0.0]]
    assert json.dumps(encode(torch.tensor([[True]]))) == "[[1.0]]"


def test_a_png_is_base64(tmp_path: Path) -> None:
    file = tmp_path / "seven.png"
    file.write_bytes(PNG)
    assert encode(PNG) == encode(bytearray(PNG)) == encode(file)
    assert base64.b64decode(encode(PNG)) == PNG


@pytest.mark.parametrize("wrong", [b"GIF89a", "seven.png", 7, None, [], np.array(3.0), {"a": 1}])
def test_what_is_no_stimulus_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidInput):
        encode(wrong)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"missing\.png"):
        encode(tmp_path / "missing.png")


def test_white_is_what_bytes_have() -> None:
    bright = np.array([[255]], dtype=np.uint8)
    assert white([bright], None) == 255.0
    assert white([torch.tensor([[255]], dtype=torch.uint8), PNG], None) == 255.0
    assert white([ROWS], None) == white([PNG], None) == white([np.array(ROWS)], None) == 1.0
    assert white([bright, ROWS], 16.0) == 16.0
    with pytest.raises(InvalidInput, match="maximum"):
        white([bright, ROWS], None)


def test_the_client_is_imported_without_torch_numpy_or_httpx() -> None:
    program = (
        "import sys, neurallayers.client\n"
        "print([n for n in ('torch', 'numpy', 'httpx', 'msgspec') if n in sys.modules])"
    )
    source = Path(__file__).resolve().parent.parent.parent / "src"
    found = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        text=True,
        env={"PYTHONPATH": str(source)},
    )
    assert found.stdout.strip() == "[]"
