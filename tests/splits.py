"""A data set whose splits cannot be mistaken for one another, for tests of commands that read data.

Each split has its own number of examples, its own shares of classes and its own brightest pixel, so any figure tells which split
it was made from: counts by the size, class counts by the shares, a calibration by the largest pixel. (The same for C++, with a
model that has a known accuracy on each split: tersor/measure/split_testing.h.)
"""
import struct
import zipfile

SIZE = 12
# split: (name of its arrays, examples of class 0, examples of class 1, brightest pixel)
SPLITS = {"train": ("train", 40, 24, 120), "validation": ("val", 20, 13, 180), "test": ("test", 11, 30, 240)}


def npy(dtype, shape, data):
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(data)


def counts_of(split):
    """Examples of class 0 and of class 1."""
    return SPLITS[split][1:3]


def write_distinct_splits(path, wrong_every=0, right_label=1):
    """u8 images [12,12,1] of two classes, a bright left or right half, as an .npz with x_train, y_train, x_val, ..., y_test.

    With wrong_every=n each n-th example has the label of the other class. right_label is the number of the right half's class."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, left, right, brightest in SPLITS.values():
            images, labels = bytearray(), bytearray()
            for i in range(left + right):
                # The classes take turns until one is used up.
                label = i % 2 if i < 2 * min(left, right) else int(right > left)
                shown = 1 - label if wrong_every and i % wrong_every == 0 else label
                labels.append(shown * right_label)
                for p in range(SIZE * SIZE):
                    bright = (p % SIZE >= SIZE // 2) == bool(label)
                    images.append(brightest - (i * 31 + p * 17) % 40 if bright else (i * 13 + p * 7) % 40)
            assert max(images) == brightest
            archive.writestr(f"x_{name}.npy", npy("|u1", (left + right, SIZE, SIZE, 1), images))
            archive.writestr(f"y_{name}.npy", npy("|u1", (left + right,), labels))
