"""Build, verify and load the MNIST digits of the experiments.

    python data_prep.py                   # verify data/mnist_0_1.npz, print its counts
    python data_prep.py --source ~/mnist  # build it from the four IDX files or from an mnist.npz
    python data_prep.py --digits 3 8      # build another pair, through keras.datasets.mnist
    python data_prep.py --digits all      # all ten digits, from which any pair is then taken

Writes data/mnist_A_B.npz: x_train, y_train, x_test, y_test as uint8, labels 0 (digit A) and 1
(digit B), in MNIST's order; or data/mnist_all.npz, with the labels 0 to 9. An existing good file is
never replaced by a bad one.

MNIST is by Yann LeCun, Corinna Cortes and Christopher J. C. Burges,
http://yann.lecun.com/exdb/mnist/, under CC BY-SA 3.0
(https://creativecommons.org/licenses/by-sa/3.0/); data/mnist_0_1.npz is a part of it, same licence.
"""

import gzip
import hashlib
from typing import NamedTuple

from common import cli, files, runs
from common.lazy import keras

# isort: split
import numpy as np  # after common, which says what to do if there is none

DATA = runs.ROOT / "data"
IMAGE_SIDE = 28  # pixels
SPLITS = ("train", "test")
ARRAYS = ("x_train", "y_train", "x_test", "y_test")
ALL = ("all",)  # in the place of a pair: all ten digits

IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
SHA256 = {  # of these files as published, unpacked
    "x_train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "y_train": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "x_test": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "y_test": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
# Of the arrays in data/mnist_0_1.npz.
DIGEST_0_1 = "44b1f05b5f99a91983c2dc4ef33b2a4fc8fd733cbc5f20f05aaf00d9a67d084b"


def digest(arrays):
    """SHA-256 of the arrays' names, dtypes, shapes and bytes, whatever the zip container."""
    result = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        result.update(f"{name} {array.dtype} {array.shape}".encode())
        result.update(array)
    return result.hexdigest()


def pair_path(digits=runs.DIGITS):
    return DATA / f"mnist_{'_'.join(map(str, digits))}.npz"


def read_idx(path):
    """The array of an IDX file of unsigned bytes, gzipped or not. Raises ValueError for others."""
    content = path.read_bytes()
    try:
        if content[:2] == b"\x1f\x8b":  # whatever its name says: browsers unpack and rename
            content = gzip.decompress(content)
        sizes = np.frombuffer(content, ">u4", count=content[3], offset=4)
        return np.frombuffer(content, np.uint8, offset=4 + sizes.nbytes).reshape(sizes)
    except files.DAMAGE as error:
        raise ValueError(
            f"{path} is damaged, or no IDX file ({error}); download it again"
        ) from None


def idx_sha256(array):
    """SHA-256 of the IDX file of an array of bytes: magic number and sizes, big endian, bytes."""
    header = np.array([0x0800 + array.ndim, *array.shape], ">u4")
    return hashlib.sha256(header.tobytes() + array.tobytes()).hexdigest()


def read_source(source):
    """The four arrays of MNIST, from an mnist.npz or a folder of IDX files; None downloads them."""
    if source is None:
        return download()
    if source.is_file():
        try:
            arrays = files.read_arrays(source)
            return {name: arrays[name].astype(np.uint8) for name in ARRAYS}  # some have int64
        except files.DAMAGE as error:
            raise ValueError(
                f"{source} is not an mnist.npz, which holds {', '.join(ARRAYS)} ({error})"
            ) from None
    arrays, raw = {}, source / "MNIST" / "raw"  # below torchvision's root
    source = raw if raw.is_dir() else source
    for name, file in IDX_FILES.items():
        # Both spellings are in circulation: train-images-idx3-ubyte and train-images.idx3-ubyte.
        stems = file, file.replace("-idx", ".idx")
        spellings = [source / (stem + end) for stem in stems for end in ("", ".gz")]
        found = [path for path in spellings if path.is_file()]
        if not found:
            raise FileNotFoundError(
                f"{source} has no {file}[.gz]; --source takes an mnist.npz or a folder with the "
                "four IDX files of MNIST"
            )
        arrays[name] = read_idx(found[0])
    return arrays


def download():
    """The four arrays of MNIST through Keras, which checks the SHA-256 of the file first."""
    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception when there is no network
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise OSError(
            f"MNIST could not be downloaded ({reason}); download it elsewhere and run: "
            "python data_prep.py --source PATH, with the same --digits"
        ) from None
    return dict(x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


def check_mnist(arrays):
    """Raise ValueError unless the four arrays are MNIST, byte for byte."""
    for name, file in IDX_FILES.items():
        array = arrays[name]
        if array.dtype != np.uint8 or idx_sha256(array) != SHA256[name]:
            raise ValueError(f"{name}, {array.dtype} {array.shape}, is not MNIST's {file}")


def check_pair(arrays, digits):
    """Raise ValueError unless the four arrays are images and labels of a pair; 0 and 1: MNIST's."""
    for split in SPLITS:
        x, y = arrays[f"x_{split}"], arrays[f"y_{split}"]
        shape, bytes_only = (y.size, IMAGE_SIDE, IMAGE_SIDE), x.dtype == y.dtype == np.uint8
        if not bytes_only or y.ndim != 1 or x.shape != shape or set(np.unique(y)) != {0, 1}:
            raise ValueError(
                f"{split} is not uint8 images of {IMAGE_SIDE}x{IMAGE_SIDE} with labels 0 and 1"
            )
    found = digest(arrays)
    if tuple(digits) == runs.DIGITS and found != DIGEST_0_1:
        raise ValueError(f"the digest of its arrays is {found[:8]}…, not {DIGEST_0_1[:8]}…")


def select_pair(arrays, digits):
    """The images of two digits in MNIST's order, with labels 0 (first digit) and 1 (second)."""
    pair = {}
    for split in SPLITS:
        x, y = arrays[f"x_{split}"], arrays[f"y_{split}"]
        chosen = np.isin(y, digits)
        pair[f"x_{split}"] = x[chosen]
        pair[f"y_{split}"] = (y[chosen] == digits[1]).astype(np.uint8)
    return pair


def build(digits=runs.DIGITS, source=None):
    """Write data/mnist_A_B.npz, or data/mnist_all.npz for ALL, from MNIST, checked.

    Without a source, a pair is taken from mnist_all.npz, if that is there.
    """
    if source is None and tuple(digits) != ALL and pair_path(ALL).is_file():
        arrays = read_all()
    else:
        arrays = read_source(source)
        try:
            check_mnist(arrays)
        except ValueError as error:
            text = f"{source or 'the download'}: {error}; get the original file"
            raise ValueError(text) from None
    chosen = arrays if tuple(digits) == ALL else select_pair(arrays, digits)
    files.write_arrays(pair_path(digits), chosen)


def read_file(digits):
    """The four uint8 arrays of a file in data/, verified: a pair's, or ALL.

    Raises FileNotFoundError or ValueError, with what to do.
    """
    path, command = pair_path(digits), "python data_prep.py"
    if tuple(digits) != runs.DIGITS:
        command += f" --digits {' '.join(map(str, digits))}"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; build it with: {command}")
    try:
        arrays = files.read_arrays(path)
        if tuple(digits) == ALL:
            check_mnist(arrays)
        else:
            check_pair(arrays, digits)
    except files.DAMAGE as error:
        raise ValueError(
            f"{path} is damaged ({error}); remove it and build it again with: {command}"
        ) from None
    return arrays


def read_all():
    """The four uint8 arrays of all ten digits, labels 0 to 9, as read_file gives them."""
    return read_file(ALL)


def read_pair(digits=runs.DIGITS):
    """The four uint8 arrays of a pair and their digest, of its own file, or of all ten digits."""
    if not pair_path(digits).is_file() and pair_path(ALL).is_file():
        pair = select_pair(read_all(), digits)
    else:
        pair = read_file(digits)
    return pair, digest(pair)


class Data(NamedTuple):
    """Both splits of a pair, ready for training.

    x: (n, 28, 28, 1) float32 in [0, 1]; y: (n,) float32 in {-1, +1}; digest: SHA-256 of the arrays;
    x_val, y_val: images held out of the training set, none unless asked for.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    digest: str
    x_val: np.ndarray = np.zeros((0, IMAGE_SIDE, IMAGE_SIDE, 1), np.float32)
    y_val: np.ndarray = np.zeros(0, np.float32)

    def training_matrix(self):
        """The training images, (n, 784), and labels, (n,), both float64: what a program needs."""
        return self.x_train.reshape(len(self.y_train), -1).astype(float), self.y_train.astype(float)


def prepared(pair, found, validation=None):
    """The Data of the four uint8 arrays of a pair and their digest; validation as in load_pair."""
    floats = {name: pair[name].astype(np.float32) for name in ARRAYS}
    x_train, x_test = (floats[f"x_{split}"][..., np.newaxis] / 255 for split in SPLITS)
    y_train, y_test = (2 * floats[f"y_{split}"] - 1 for split in SPLITS)
    kept = len(y_train) - round(len(y_train) * (validation or 0))
    held_out = x_train[kept:], y_train[kept:]
    return Data(x_train[:kept], y_train[:kept], x_test, y_test, found, *held_out)


def load_pair(digits=runs.DIGITS, validation=None):
    """Load both splits of a pair (A, B), A labelled -1 and B +1.

    Arguments:
        validation: the share of the training images, the last ones, that is held out; None: none.

    Raises FileNotFoundError or ValueError.
    """
    return prepared(*read_pair(digits), validation)


def load(split, digits=runs.DIGITS):
    """One split, "train" or "test", of a pair of digits (A, B), as in Data: x and y."""
    data = load_pair(digits)
    return getattr(data, f"x_{split}"), getattr(data, f"y_{split}")


def parse_args(argv=None):
    parser = cli.parser(__doc__)
    parser.add_argument(
        "--digits",
        nargs="+",
        type=lambda text: text if text in ALL else cli.digit(text),
        action=cli.Distinct,
        default=list(runs.DIGITS),
        metavar="DIGIT",
        help="two digits, or all (default: 0 1)",
    )
    help = "build from this mnist.npz or folder of IDX files instead of downloading"
    parser.add_argument("--source", type=cli.path, help=help)
    args = parser.parse_args(argv)
    if args.digits != list(ALL) and (len(args.digits) != 2 or ALL[0] in args.digits):
        parser.error("argument --digits: give two digits, or all")
    return args


def main(argv=None):
    args = parse_args(argv)
    path, everything = pair_path(args.digits), tuple(args.digits) == ALL
    if args.source is not None or not path.exists():
        build(args.digits, args.source)
        print(f"built {path}")
    arrays, digits = read_file(args.digits), range(10) if everything else args.digits
    verified = everything or tuple(args.digits) == runs.DIGITS
    print(f"{path}: digest {digest(arrays)}{', verified' if verified else ''}")
    for split in SPLITS:
        counts = np.bincount(arrays[f"y_{split}"], minlength=2)
        parts = [f"digit {digit}: {count:6,}" for digit, count in zip(digits, counts)]
        print(f"  {split:5}  " + "  ".join(parts) + f"  together: {counts.sum():6,}")


if __name__ == "__main__":
    cli.run(main)
