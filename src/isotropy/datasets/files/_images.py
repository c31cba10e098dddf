"""Labelled images in the files of MNIST, Fashion-MNIST, CIFAR-10 and CIFAR-100, from a folder the user has."""

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from isotropy.datasets.files._reading import require_file
from isotropy.errors import DataError

IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
IDX_STEMS = {"train": "train", "test": "t10k"}
FASHION = ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR10_FILES = {"train": [f"data_batch_{i}.bin" for i in range(1, 6)], "test": ["test_batch.bin"]}
Value = TypeVar("Value")
PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class Images:
    """Labelled images.

    Attributes
    ----------
    x : Tensor
        `(samples, channels, height, width)` float32 in [0, 1].
    labels : Tensor
        `(samples,)` int64.
    classes : tuple of str
        The name of each label.
    """

    x: torch.Tensor
    labels: torch.Tensor
    classes: tuple[str, ...]


def mnist(folder: str | Path, split: str = "train") -> Images:
    """Return MNIST, or any set in its files, from a folder with ``train-images-idx3-ubyte`` and its three siblings.

    Each may end in ``.gz``; nothing is downloaded.

    Raises
    ------
    DataError
        A file is missing, damaged or of another kind, or images and labels are not equally many.
    """
    return _idx_images(folder, split, tuple(str(digit) for digit in range(10)))


def fashion_mnist(folder: str | Path, split: str = "train") -> Images:
    """Return Fashion-MNIST, whose files are named as those of `mnist`."""
    return _idx_images(folder, split, FASHION)


def cifar10(folder: str | Path, split: str = "train") -> Images:
    """Return CIFAR-10 from a folder with ``data_batch_1.bin`` to ``data_batch_5.bin`` and ``test_batch.bin``.

    Raises
    ------
    DataError
        A file is missing, its size is not that of whole images, or a label is none of the ten.
    """
    files = _choose(CIFAR10_FILES, split)
    records = np.concatenate([_records(Path(folder) / name, [10]) for name in files])
    return _colour_images(records, 1, CIFAR10)


def cifar100(folder: str | Path, split: str = "train") -> Images:
    """Return CIFAR-100 with its fine labels from a folder with ``train.bin`` and ``test.bin``.

    Names come from ``fine_label_names.txt`` where it is there.
    """
    (name,) = _choose({"train": ["train.bin"], "test": ["test.bin"]}, split)
    listed = Path(folder) / "fine_label_names.txt"
    names = tuple(listed.read_text(encoding="utf-8").split()) if listed.is_file() else tuple(map(str, range(100)))
    if len(names) != 100:
        raise DataError(f"{listed}: expected 100 names, received {len(names)}; write it again or remove it.")
    return _colour_images(_records(Path(folder) / name, [20, 100]), 2, names)


def read_idx(path: str | Path) -> np.ndarray:
    """Return the array in an IDX file, gzipped or not.

    Raises
    ------
    DataError
        The magic number is none of IDX, or the size is not the one the header gives.
    """
    file = Path(path)
    content = _content(file)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES or not content[3]:
        raise DataError(
            f"{file}: expected the magic number of an IDX file (two zero bytes, type, axes), received "
            f"{content[:4].hex(' ') or 'nothing'}; check which file this is."
        )
    kind, axes = np.dtype(IDX_TYPES[content[2]]), content[3]
    start = 4 + 4 * axes
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    needed = start + kind.itemsize * math.prod(shape)
    if len(content) != needed:
        raise DataError(
            f"{file}: expected {needed} bytes for an array {tuple(shape)} of {kind.name}, received {len(content)}; "
            "the file is cut off or damaged, fetch it again."
        )
    return np.frombuffer(content, kind, offset=start).reshape(shape).astype(kind.newbyteorder("="))


def _idx_images(folder: str | Path, split: str, classes: tuple[str, ...]) -> Images:
    """Images and labels of two IDX files."""
    stem = _choose(IDX_STEMS, split)
    images, labels = (_find(Path(folder), f"{stem}-{part}") for part in ("images-idx3-ubyte", "labels-idx1-ubyte"))
    x, y = read_idx(images), read_idx(labels)
    for file, array, axes in ((images, x, 3), (labels, y, 1)):
        if array.ndim != axes or array.dtype != np.uint8:
            raise DataError(
                f"{file}: expected {axes} axes of bytes, received {array.ndim} of {array.dtype}; images and labels may "
                "have been exchanged."
            )
    if len(x) != len(y):
        raise DataError(f"{labels}: expected {len(x)} labels as there are images, received {len(y)}; fetch both again.")
    _require_labels(labels, y, len(classes))
    return Images(torch.from_numpy(x)[:, None].to(torch.float32) / 255, torch.from_numpy(y).to(torch.int64), classes)


def _find(folder: Path, name: str) -> Path:
    """The file under one of the names in use."""
    spellings = [name, name.replace("-idx", ".idx")]
    files = [folder / (spelling + end) for spelling in spellings for end in ("", ".gz")]
    found = [file for file in files if file.is_file()]
    if not found:
        raise DataError(f"{folder}: expected a file {name} or {name}.gz, received none; put the files there.")
    return found[0]


def _content(file: Path) -> bytes:
    """All bytes of a file, unzipped."""
    require_file(file)
    raw = file.read_bytes()
    if file.suffix != ".gz":
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{file}: expected a whole gzip file, received a damaged one ({error}); fetch it again."
        ) from error


def _records(file: Path, limits: list[int]) -> np.ndarray:
    """Records `(images, labels + pixels)` of one CIFAR file."""
    require_file(file)
    content = np.frombuffer(file.read_bytes(), np.uint8)
    length = len(limits) + PIXELS
    if len(content) % length:
        raise DataError(
            f"{file}: expected whole records of {length} bytes, received {len(content)} bytes; the file is cut off or "
            "of another kind, fetch it again."
        )
    records = content.reshape(-1, length)
    for column, limit in enumerate(limits):
        _require_labels(file, records[:, column], limit)
    return records


def _require_labels(file: Path, labels: np.ndarray, limit: int) -> None:
    """Refuse labels beyond the classes."""
    if len(labels) and int(labels.max()) >= limit:
        raise DataError(
            f"{file}: expected labels from 0 to {limit - 1}, received {int(labels.max())}; the file is damaged or of "
            "another kind."
        )


def _colour_images(records: np.ndarray, labels: int, classes: tuple[str, ...]) -> Images:
    """Images of records whose last label counts."""
    x = torch.from_numpy(records[:, labels:].copy()).reshape(-1, 3, 32, 32)
    return Images(x.to(torch.float32) / 255, torch.from_numpy(records[:, labels - 1].astype(np.int64)), classes)


def _choose(choices: dict[str, Value], split: str) -> Value:
    """The entry of a split."""
    if split not in choices:
        raise DataError(f"split: expected one of {', '.join(choices)}, received {split!r}; choose one of these.")
    return choices[split]
