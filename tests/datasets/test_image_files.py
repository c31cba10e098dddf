"""Files of MNIST and CIFAR kind, whole and damaged; the tests write them."""

import gzip
import struct

import numpy as np
import pytest

from isotropy.datasets import cifar10, cifar100, fashion_mnist, mnist, read_idx
from isotropy.errors import DataError

PIXELS = np.arange(3 * 5 * 4, dtype=np.uint8).reshape(3, 5, 4)
LABELS = np.array([7, 0, 9], np.uint8)


def idx(array, code=8):
    header = struct.pack(">BBBB", 0, 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_mnist(folder, images=PIXELS, labels=LABELS, stem="train", end=""):
    pack = gzip.compress if end == ".gz" else bytes
    (folder / f"{stem}-images-idx3-ubyte{end}").write_bytes(pack(idx(images)))
    (folder / f"{stem}-labels-idx1-ubyte{end}").write_bytes(pack(idx(labels)))
    return folder


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize(("split", "stem"), [("train", "train"), ("test", "t10k")])
def test_mnist_comes_back_as_written(tmp_path, end, split, stem):
    found = mnist(write_mnist(tmp_path, stem=stem, end=end), split)
    assert found.x.shape == (3, 1, 5, 4)
    assert np.array_equal((found.x[:, 0] * 255).round().numpy(), PIXELS)
    assert found.labels.tolist() == [7, 0, 9]
    assert found.classes[7] == "7"
    assert fashion_mnist(tmp_path, split).classes[9] == "ankle boot"


@pytest.mark.parametrize(("kind", "code"), [("u1", 8), ("i1", 9), ("i2", 11), ("i4", 12), ("f4", 13), ("f8", 14)])
def test_idx_of_every_type_comes_back(tmp_path, kind, code):
    array = np.arange(-6, 6).astype(kind).reshape(2, 3, 2)
    file = tmp_path / "array"
    file.write_bytes(idx(array, code))
    assert np.array_equal(read_idx(file), array)


DAMAGED = {
    "cut off": (lambda b: b[:-1], "expected 76 bytes for an array .* received 75"),
    "one byte too many": (lambda b: b + b"\0", "expected 76 bytes .* received 77"),
    "cut in the header": (lambda b: b[:9], "expected .* received 9"),
    "no magic number": (lambda b: b"GIF8" + b[4:], "received 47 49 46 38"),
    "unknown type": (lambda b: b[:2] + b"\x05" + b[3:], "magic number of an IDX file"),
    "no axes": (lambda b: b"\0\0\x08\0", "magic number of an IDX file"),
    "empty": (lambda b: b"", "received an empty file"),
    "labels in place of images": (lambda b: idx(LABELS), "expected 3 axes of bytes, received 1"),
    "other numbers": (lambda b: idx(PIXELS.astype(np.int16), 11), "expected 3 axes of bytes, received 3 of int16"),
    "another count": (lambda b: idx(PIXELS[:2]), "expected 2 labels as there are images, received 3"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_images_are_refused(tmp_path, name):
    damage, message = DAMAGED[name]
    file = write_mnist(tmp_path) / "train-images-idx3-ubyte"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DataError, match=message):
        mnist(tmp_path)


def test_missing_files_labels_and_splits_are_named(tmp_path):
    with pytest.raises(DataError, match="expected a file train-images-idx3-ubyte or"):
        mnist(tmp_path)
    with pytest.raises(DataError, match="split: expected one of train, test, received 'valid'"):
        mnist(tmp_path, "valid")
    with pytest.raises(DataError, match="labels from 0 to 9, received 10"):
        mnist(write_mnist(tmp_path, labels=LABELS + 1))
    file = write_mnist(tmp_path, end=".gz", stem="t10k") / "t10k-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(DataError, match="expected a whole gzip file"):
        mnist(tmp_path, "test")


def records(labels):
    pixels = np.random.default_rng(0).integers(0, 256, (len(labels), 3072), np.uint8)
    return np.concatenate([np.array(labels, np.uint8), pixels], axis=1)


def test_cifar_comes_back_as_written(tmp_path):
    for i in range(1, 6):
        (tmp_path / f"data_batch_{i}.bin").write_bytes(records([[i], [9]]).tobytes())
    found = cifar10(tmp_path)
    assert found.x.shape == (10, 3, 32, 32)
    assert found.labels.tolist() == [1, 9, 2, 9, 3, 9, 4, 9, 5, 9]
    written = records([[1], [9]])
    assert np.array_equal((found.x[0, 1, 0] * 255).round().numpy(), written[0, 1 + 1024 : 1 + 1024 + 32])
    (tmp_path / "test.bin").write_bytes(records([[19, 99], [0, 3]]).tobytes())
    assert cifar100(tmp_path, "test").labels.tolist() == [99, 3]
    (tmp_path / "fine_label_names.txt").write_text("\n".join(f"name{i}" for i in range(100)))
    assert cifar100(tmp_path, "test").classes[99] == "name99"


def test_damaged_cifar_is_refused(tmp_path):
    file = tmp_path / "test_batch.bin"
    with pytest.raises(DataError, match="expected an existing file"):
        cifar10(tmp_path, "test")
    file.write_bytes(records([[1], [2]]).tobytes()[:-1])
    with pytest.raises(DataError, match="whole records of 3073 bytes, received 6145"):
        cifar10(tmp_path, "test")
    file.write_bytes(records([[1], [12]]).tobytes())
    with pytest.raises(DataError, match="labels from 0 to 9, received 12"):
        cifar10(tmp_path, "test")
    (tmp_path / "test.bin").write_bytes(records([[20, 5]]).tobytes())
    with pytest.raises(DataError, match="labels from 0 to 19, received 20"):
        cifar100(tmp_path, "test")
    (tmp_path / "fine_label_names.txt").write_text("a b")
    with pytest.raises(DataError, match="expected 100 names, received 2"):
        cifar100(tmp_path, "test")
