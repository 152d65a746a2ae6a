"""Samples: NumPy arrays, tensors, iterables of batches, files and folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np

from ._core import Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Data", "Samples", "open_data"]


class SupportsDLPack(Protocol):
    """A tensor of any library."""

    def __dlpack__(self) -> Any: ...


#: What the functions of this package take as samples.
#:
#: * an array (NumPy, a torch tensor, or anything with ``__array__`` or ``__dlpack__``), samples along its first axis;
#: * a tuple ``(samples, labels)`` of two of these;
#: * an iterable of batches, each an array or a pair of samples and labels: a list, a generator, a torch ``DataLoader``;
#: * the path of a file or folder (IDX, CIFAR binary, NPZ, NPY, images);
#: * `Samples`, from `open_data`.
Data: TypeAlias = "Samples | str | os.PathLike[str] | Iterable[Any] | SupportsDLPack"

#: The number types that samples may have; half precision becomes single.
_ELEMENTS = frozenset({"u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"})


def open_data(
    path: str | os.PathLike[str],
    *,
    format: Literal["idx", "cifar10", "cifar100", "npz", "npy", "images"] | None = None,
    split: Literal["train", "test"] | None = None,
    labels: str | os.PathLike[str] | None = None,
    rows: tuple[int, int] | None = None,
    limit: int | None = None,
) -> Samples:
    """Open a file or folder of samples, which are read when they are needed.

    Parameters
    ----------
    path
        IDX, CIFAR binary, NPZ, NPY, or a folder of these or of images.
    format
        Where it is not recognised.
    split
        Which part of a folder that holds both; the test part unless said.
    labels
        A CSV table for a flat folder of images; an IDX, NPY or NPZ file for arrays.
    rows
        Rows a to b-1 only.
    limit
        The first so many only.

    Returns
    -------
    Samples
        To be given to any function of this package.

    Raises
    ------
    FileError, DataFormatError, LabelError, DataError
        When the path, its format, its labels or the rows asked for are not there or not in order.
    """
    return Samples.open(path, format=format, split=split, labels=labels, rows=rows, limit=limit, otherwise="test")


def samples_of(
    data: Data,
    labels: Any = None,
    *,
    name: str,
    otherwise: Literal["train", "test"] = "test",
    enough: int | None = None,
) -> Samples:
    """All samples, in memory where they are not in files; of an iterable, batches until there are `enough`."""
    whole = _whole(data, labels, name, otherwise)
    if isinstance(whole, Samples):
        return whole
    parts, count = [], 0
    for batch in whole:
        part = _part(*_pair(batch))
        parts.append(part)
        count += part[0][1][0] if part[0][1] else 0
        if enough is not None and count >= enough:
            break
    return Samples.of_arrays(f"the {name} data", parts)


def parts_of(data: Data, labels: Any = None, *, name: str) -> Iterator[Samples]:
    """The samples, batch by batch where they come so."""
    whole = _whole(data, labels, name, "test")
    if isinstance(whole, Samples):
        yield whole
        return
    for batch in whole:
        yield Samples.of_arrays(f"the {name} data", [_part(*_pair(batch))])


def is_batched(data: Data) -> bool:
    """Whether samples come in batches."""
    return not (isinstance(data, Samples | str | os.PathLike | tuple) or _is_array(data))


def _whole(data: Data, labels: Any, name: str, otherwise: Literal["train", "test"]) -> Samples | Iterable[Any]:
    """The samples, or the batches that they come in."""
    if isinstance(data, Samples):
        return data
    if isinstance(data, str | os.PathLike):
        file = os.fspath(labels) if isinstance(labels, str | os.PathLike) else None
        return Samples.open(data, format=None, split=None, labels=file, rows=None, limit=None, otherwise=otherwise)
    if isinstance(data, tuple):
        if len(data) != 2:
            raise TypeError(f"a tuple is (samples, labels), and this one has {len(data)} entries; give batches as a list")
        data, labels = data
    elif not _is_array(data):
        if not isinstance(data, Iterable):
            raise TypeError(
                f"samples are an array, a tuple (samples, labels), an iterable of batches or a path, not {type(data).__name__}"
            )
        if labels is not None:
            raise TypeError("labels come with the batches: let each be a pair (samples, labels)")
        return data
    return Samples.of_arrays(f"the {name} array", [_part(data, labels)])


def _is_array(data: Any) -> bool:
    return isinstance(data, np.ndarray) or hasattr(data, "__array__") or hasattr(data, "__dlpack__")


def _pair(batch: Any) -> tuple[Any, Any]:
    """Samples and labels of a batch."""
    if _is_array(batch):
        return batch, None
    if isinstance(batch, list | tuple) and 1 <= len(batch) <= 2 and all(_is_array(part) for part in batch):
        return batch[0], batch[1] if len(batch) == 2 else None
    raise TypeError(f"a batch is an array or a pair (samples, labels), not {type(batch).__name__}")


def _part(samples: Any, labels: Any) -> tuple[Any, Any]:
    """What the native part takes of samples and labels."""
    return _bytes(as_array(samples)), None if labels is None else _bytes(np.atleast_1d(as_array(labels)))


def as_array(data: Any) -> NDArray[Any]:
    """A NumPy array of the same values: without a copy where that can be."""
    if hasattr(data, "detach"):
        data = data.detach().cpu()
        if str(data.dtype) == "torch.bfloat16":
            data = data.float()
    if isinstance(data, np.ndarray) or hasattr(data, "__array__"):
        return np.asarray(data)
    return np.from_dlpack(data) if hasattr(data, "__dlpack__") else np.asarray(data)


def _bytes(array: NDArray[Any]) -> tuple[str, list[int], NDArray[np.uint8]]:
    """Number type, axes and bytes of an array, the lowest byte of each number first."""
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    elif array.dtype == np.bool_:
        array = array.astype(np.uint8)
    kind = array.dtype.kind + str(array.dtype.itemsize)
    if kind not in _ELEMENTS:
        raise TypeError(f"samples and labels are numbers, not {array.dtype}")
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    element = f"{array.dtype.kind}{8 * array.dtype.itemsize}"
    return element, list(array.shape), array.reshape(-1).view(np.uint8)
