from __future__ import annotations

import gzip
import hashlib
import struct

import numpy as np
import pytest
import torch

from neurallayers.data import DATASETS, load_mnist
from neurallayers.data.folders import candidate_folders
from neurallayers.data.mnist import (
    CONTENTS,
    DOWNLOADS,
    SOURCES,
    idx_md5,
    parse_idx,
)
from neurallayers.errors import DataUnavailable

PARTS = {"train": 30, "test": 12, "test_public": 8}
FILES = {
    "train-images-idx3-ubyte": ("train", "images"),
    "train-labels-idx1-ubyte": ("train", "labels"),
    "t10k-images-idx3-ubyte": ("test", "images"),
    "t10k-labels-idx1-ubyte": ("test", "labels"),
}


@pytest.fixture
def arrays():
    """A data set of the shape of MNIST with a few images."""
    generator = np.random.default_rng(0)
    return {
        part: {
            "images": generator.integers(0, 256, (n, 28, 28), dtype=np.uint8),
            "labels": generator.integers(0, 10, n, dtype=np.uint8),
        }
        for part, n in PARTS.items()
    }


@pytest.fixture
def contents(arrays):
    return {
        f"{part}-{kind}": hashlib.md5(idx_bytes(array)).hexdigest()
        for part, kinds in arrays.items()
        for kind, array in kinds.items()
    }


def idx_bytes(array):
    magic = {3: 2051, 1: 2049}[array.ndim]
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def write_idx(folder, arrays, *, compress=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, (part, kind) in FILES.items():
        content = idx_bytes(arrays[part][kind])
        if compress:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)


def write_npz(folder, arrays):
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "mnist_train.npz", **arrays["train"])
    np.savez_compressed(folder / "mnist_test_public.npz", **arrays["test_public"])


def holds(split, arrays):
    return (
        np.array_equal(split.images.numpy(), arrays["images"])
        and split.labels.tolist() == arrays["labels"].tolist()
    )


# -- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [False, True])
def test_the_official_files_are_read(tmp_path, arrays, contents, compress):
    write_idx(tmp_path, arrays, compress=compress)
    mnist = load_mnist(tmp_path, contents=contents)
    assert holds(mnist.train, arrays["train"])
    assert holds(mnist.test, arrays["test"])
    assert mnist.test.name == "test"
    assert mnist.train.images.dtype == torch.uint8


def test_the_public_part_is_named_as_what_it_is(tmp_path, arrays, contents):
    write_npz(tmp_path, arrays)
    mnist = load_mnist(tmp_path, contents=contents)
    assert holds(mnist.train, arrays["train"])
    assert holds(mnist.test, arrays["test_public"])
    assert mnist.test.name == "test_public"


def test_the_official_files_go_before_the_public_part(tmp_path, arrays, contents):
    write_npz(tmp_path, arrays)
    write_idx(tmp_path, arrays)
    assert load_mnist(tmp_path, contents=contents).test.name == "test"


def test_the_arrays_may_be_written_to(tmp_path, arrays, contents):
    write_idx(tmp_path, arrays)
    images = load_mnist(tmp_path, contents=contents).train.images
    images[0] = 7
    assert bool((images[0] == 7).all())


@pytest.mark.parametrize("where", ["environment", "beside", "cache"])
def test_it_is_found_where_it_may_be(tmp_path, monkeypatch, arrays, contents, where):
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    monkeypatch.chdir(checkout)
    monkeypatch.delenv("NEURALLAYERS_DATA", raising=False)
    monkeypatch.setenv("NEURALLAYERS_CACHE", str(tmp_path / "cache"))
    places = {
        "environment": tmp_path / "data" / "mnist",
        "beside": tmp_path / "shared" / "data" / "mnist",
        "cache": tmp_path / "cache" / "mnist",
    }
    if where == "environment":
        monkeypatch.setenv("NEURALLAYERS_DATA", str(tmp_path / "data"))
    write_npz(places[where], arrays)
    assert len(load_mnist(contents=contents).train) == PARTS["train"]


def test_it_is_looked_for_in_this_order(monkeypatch, tmp_path):
    monkeypatch.setenv("NEURALLAYERS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NEURALLAYERS_CACHE", str(tmp_path / "cache"))
    first, second, third = candidate_folders("mnist")
    assert first == tmp_path / "data" / "mnist"
    assert second.parts == ("..", "shared", "data", "mnist")
    assert third == tmp_path / "cache" / "mnist"


def test_a_missing_data_set_says_where_it_was_looked_for_and_what_to_do(tmp_path):
    with pytest.raises(DataUnavailable) as caught:
        load_mnist(tmp_path / "nowhere")
    for part in (str(tmp_path / "nowhere"), "download=True", "NEURALLAYERS_DATA"):
        assert part in str(caught.value)


def test_half_a_data_set_is_none(tmp_path, arrays):
    write_idx(tmp_path, arrays)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataUnavailable, match="none of these folders"):
        load_mnist(tmp_path)


# -- damage ---------------------------------------------------------------------------------------


def test_a_changed_pixel_is_told(tmp_path, arrays, contents):
    arrays["train"]["images"][3, 4, 5] ^= 1
    write_npz(tmp_path, arrays)
    with pytest.raises(DataUnavailable, match=r"train images of MNIST.*MD5"):
        load_mnist(tmp_path, contents=contents)


def test_another_data_set_of_that_name_is_told(tmp_path, arrays):
    write_npz(tmp_path, arrays)
    with pytest.raises(DataUnavailable, match="expected 6bbc9ace898e44ae57da46a324031adb"):
        load_mnist(tmp_path)


@pytest.mark.parametrize("compress", [False, True])
def test_a_truncated_idx_file_is_told(tmp_path, arrays, contents, compress):
    write_idx(tmp_path, arrays, compress=compress)
    path = tmp_path / ("train-images-idx3-ubyte" + (".gz" if compress else ""))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataUnavailable, match="cannot be read"):
        load_mnist(tmp_path, contents=contents)


def test_a_truncated_npz_file_is_told(tmp_path, arrays, contents):
    write_npz(tmp_path, arrays)
    path = tmp_path / "mnist_train.npz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataUnavailable, match="cannot be read"):
        load_mnist(tmp_path, contents=contents)


def test_an_npz_file_with_objects_is_not_unpickled(tmp_path, arrays, contents):
    write_npz(tmp_path, arrays)
    np.savez(
        tmp_path / "mnist_train.npz",
        images=np.array([{"a": 1}], dtype=object),
        labels=arrays["train"]["labels"],
    )
    with pytest.raises(DataUnavailable, match="allow_pickle"):
        load_mnist(tmp_path, contents=contents)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x00\x08",
        b"\x01\x00\x08\x01\x00\x00\x00\x00",
        b"\x00\x00\x0d\x01\x00\x00\x00\x00",
    ],
)
def test_what_is_no_idx_file_of_bytes_is_refused(content):
    with pytest.raises((ValueError, struct.error)):
        parse_idx(content)


def test_the_digest_is_that_of_the_idx_file(arrays):
    for array in arrays["train"].values():
        assert idx_md5(array) == hashlib.md5(idx_bytes(array)).hexdigest()
        assert np.array_equal(parse_idx(idx_bytes(array)), array)


# -- downloading ----------------------------------------------------------------------------------


@pytest.fixture
def offered(server, arrays):
    """The official files on a server, and their digests."""
    downloads = {}
    for name, (part, kind) in FILES.items():
        content = gzip.compress(idx_bytes(arrays[part][kind]))
        server.files[f"/mnist/{name}.gz"] = content
        downloads[name] = hashlib.sha256(content).hexdigest()
    return downloads


def test_it_is_downloaded_when_asked_and_then_there(tmp_path, server, offered, arrays, contents):
    sources = [f"{server.address}/gone/", f"{server.address}/mnist/"]
    options = {"sources": sources, "downloads": offered, "contents": contents}
    mnist = load_mnist(tmp_path / "new", download=True, **options)
    assert holds(mnist.train, arrays["train"])
    assert holds(mnist.test, arrays["test"])
    asked = len(server.asked)
    assert asked == 8  # each file at both sources
    load_mnist(tmp_path / "new", download=True, **options)
    assert len(server.asked) == asked


def test_it_is_downloaded_to_the_cache(tmp_path, monkeypatch, server, offered, contents):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEURALLAYERS_DATA", raising=False)
    monkeypatch.setenv("NEURALLAYERS_CACHE", str(tmp_path / "cache"))
    sources = [f"{server.address}/mnist/"]
    load_mnist(download=True, sources=sources, downloads=offered, contents=contents)
    assert len(list((tmp_path / "cache" / "mnist").iterdir())) == 4


def test_it_is_not_downloaded_unasked(tmp_path, server, offered, contents):
    sources = [f"{server.address}/mnist/"]
    with pytest.raises(DataUnavailable, match="download=True"):
        load_mnist(tmp_path, sources=sources, downloads=offered, contents=contents)
    assert server.asked == []


def test_a_forged_file_is_not_kept(tmp_path, server, offered, contents):
    server.files["/mnist/t10k-labels-idx1-ubyte.gz"] = gzip.compress(b"forged")
    sources = [f"{server.address}/mnist/"]
    with pytest.raises(DataUnavailable, match=r"t10k-labels-idx1-ubyte\.gz could not be"):
        load_mnist(tmp_path, download=True, sources=sources, downloads=offered, contents=contents)
    assert not (tmp_path / "t10k-labels-idx1-ubyte.gz").exists()


def test_every_official_file_has_its_digests_and_sources():
    assert set(DOWNLOADS) == set(FILES)
    assert {f"{part}-{kind}" for part, kind in FILES.values()} < set(CONTENTS)
    assert all(source.endswith("/") for source in SOURCES)


# -- the real one ---------------------------------------------------------------------------------


def test_the_real_one_is_whole():
    try:
        mnist = DATASETS.make("mnist")
    except DataUnavailable as error:
        pytest.skip(f"MNIST is not on this machine: {error}")
    assert (mnist.train.name, mnist.train.images.shape) == ("train", (60_000, 28, 28))
    assert (mnist.test.name, len(mnist.test)) in [("test", 10_000), ("test_public", 6_667)]
    assert torch.bincount(mnist.train.labels).min() > 5_000
