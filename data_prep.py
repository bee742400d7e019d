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
import zlib
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

# name: (file, shape, SHA-256 of the unpacked IDX file as published)
MNIST = {
    "x_train": (
        "train-images-idx3-ubyte",
        (60_000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "y_train": (
        "train-labels-idx1-ubyte",
        (60_000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "x_test": (
        "t10k-images-idx3-ubyte",
        (10_000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "y_test": (
        "t10k-labels-idx1-ubyte",
        (10_000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
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


def idx_header(shape):
    """The header of an IDX file of unsigned bytes: magic number and sizes, big endian."""
    return np.array([0x0800 + len(shape), *shape], ">u4").tobytes()


def read_idx(path, shape):
    """Read an IDX file of unsigned bytes, gzipped or not, of a known shape.

    Never reads more than the shape needs. Raises ValueError if header or length are not those of
    `shape`.
    """
    header, wanted = idx_header(shape), int(np.prod(shape))
    with open(path, "rb") as file:  # whatever its name says: browsers unpack and rename
        opener = gzip.open if file.read(2) == b"\x1f\x8b" else open
    try:
        with opener(path, "rb") as file:
            content = file.read(len(header) + wanted + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is damaged: {error}; download it again") from None
    if content[: len(header)] != header:
        raise ValueError(
            f"{path} does not begin like an IDX file of shape {shape}; is it the right file?"
        )
    if len(content) != len(header) + wanted:
        fault = "truncated" if len(content) < len(header) + wanted else "too long"
        raise ValueError(f"{path} is {fault}: {wanted:,} bytes of data expected; download it again")
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def read_source(source):
    """The four arrays of MNIST, from an mnist.npz or a folder of IDX files; None downloads them."""
    if source is None:
        return download()
    if source.is_file():
        try:
            arrays = files.read_arrays(source)
        except files.DAMAGE as error:
            raise ValueError(f"{source} is not an mnist.npz ({error}); give one") from None
        missing = [name for name in MNIST if name not in arrays]
        if missing:
            raise ValueError(
                f"{source} has no {', '.join(missing)}; an mnist.npz holds {', '.join(MNIST)}"
            )
        return {name: in_bytes(arrays[name]) for name in MNIST}
    arrays, raw = {}, source / "MNIST" / "raw"  # below torchvision's root
    source = raw if raw.is_dir() else source
    for name, (file, shape, _) in MNIST.items():
        # Both spellings are in circulation: train-images-idx3-ubyte and train-images.idx3-ubyte.
        stems = file, file.replace("-idx", ".idx")
        spellings = [source / (stem + end) for stem in stems for end in ("", ".gz")]
        found = [path for path in spellings if path.is_file() and path.stat().st_size]
        if not found:
            raise FileNotFoundError(
                f"{source} has no {file}[.gz]; --source takes an mnist.npz or a folder with the "
                "four IDX files of MNIST"
            )
        arrays[name] = read_idx(found[0], shape)
    return arrays


def in_bytes(array):
    """The array as uint8 if that changes no value, as of an npz of int64, and else as it is."""
    with np.errstate(invalid="ignore"):
        converted = array.astype(np.uint8)
    return converted if np.array_equal(converted, array) else array


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


def check_mnist(arrays, source):
    """Raise ValueError unless the four arrays are MNIST, byte for byte."""
    for name, (file, shape, sha256) in MNIST.items():
        array = arrays[name]
        content = idx_header(shape) + np.ascontiguousarray(array).tobytes()
        fault = None
        if array.shape != shape:
            fault = f"its shape is {array.shape}, not {shape}"
        elif array.dtype != np.uint8:
            fault = f"it has values of {array.dtype} other than the whole numbers from 0 to 255"
        elif hashlib.sha256(content).hexdigest() != sha256:
            fault = "shape and type are right, its values are others (the SHA-256 differs)"
        if fault:
            raise ValueError(
                f"{source}: {name} is not MNIST's {file}: {fault}; get the original file"
            )


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
        check_mnist(arrays, source or "the download")
    chosen = arrays if tuple(digits) == ALL else select_pair(arrays, digits)
    files.write_arrays(pair_path(digits), chosen)


def read_file(digits):
    """The four arrays of a file in data/, and what to do if they are not what they should be.

    Raises FileNotFoundError or ValueError.
    """
    path, command = pair_path(digits), "python data_prep.py"
    if tuple(digits) != runs.DIGITS:
        command += f" --digits {' '.join(map(str, digits))}"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; build it with: {command}")
    remedy = f"remove it and build it again with: {command}"
    try:
        arrays = files.read_arrays(path)
    except files.DAMAGE as error:
        raise ValueError(f"{path} is damaged ({error}); {remedy}") from None
    if sorted(arrays) != sorted(ARRAYS):
        held = ", ".join(sorted(arrays)) or "nothing"
        raise ValueError(f"{path} holds {held} instead of {', '.join(ARRAYS)}; {remedy}")
    return arrays, remedy


def read_all():
    """The four uint8 arrays of all ten digits, labels 0 to 9, which are MNIST byte for byte.

    Raises FileNotFoundError or ValueError.
    """
    arrays, remedy = read_file(ALL)
    try:
        check_mnist(arrays, pair_path(ALL))
    except ValueError:
        raise ValueError(f"{pair_path(ALL)} is not MNIST (SHA-256 differs); {remedy}") from None
    return arrays


def read_pair(digits=runs.DIGITS):
    """The four uint8 arrays of a pair and their digest, verified: of its own file, or of all ten.

    Raises FileNotFoundError or ValueError.
    """
    path = pair_path(digits)
    if not path.is_file() and pair_path(ALL).is_file():
        pair = select_pair(read_all(), digits)
        return pair, digest(pair)
    pair, remedy = read_file(digits)
    for split in SPLITS:
        x, y = pair[f"x_{split}"], pair[f"y_{split}"]
        shape = (y.size, IMAGE_SIDE, IMAGE_SIDE)
        bytes_only = x.dtype == np.uint8 and y.dtype == np.uint8
        if not bytes_only or y.ndim != 1 or x.shape != shape or set(np.unique(y)) != {0, 1}:
            raise ValueError(
                f"{path}: {split} is not uint8 images of {IMAGE_SIDE}x{IMAGE_SIDE} "
                f"with labels 0 and 1; {remedy}"
            )
    found = digest(pair)
    if tuple(digits) == runs.DIGITS and found != DIGEST_0_1:
        raise ValueError(
            f"{path}: the digest of its arrays is {found[:8]}…, not {DIGEST_0_1[:8]}…; {remedy}"
        )
    return pair, found


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


def prepared(pair, found, validation=None):
    """The Data of the four uint8 arrays of a pair and their digest; validation as in load_pair."""
    floats = [pair[name].astype(np.float32) for name in ARRAYS]
    for x in floats[::2]:
        x /= 255
    for y in floats[1::2]:
        y *= 2
        y -= 1
    x_train, y_train, x_test, y_test = floats
    x_train, x_test = x_train[..., np.newaxis], x_test[..., np.newaxis]
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
    """Load one split, "train" or "test", of a pair of digits (A, B).

    Returns:
        x: (n, 28, 28, 1) float32 in [0, 1].
        y: (n,) float32, -1 for A and +1 for B.

    Raises FileNotFoundError or ValueError if the file is missing or invalid.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}; it is {split!r}")
    data = load_pair(digits)
    return getattr(data, f"x_{split}"), getattr(data, f"y_{split}")


class PairOrAll(cli.Distinct):
    """Takes two digits, or the word all."""

    def __call__(self, parser, namespace, values, option_string=None):
        if values != list(ALL) and (len(values) != 2 or ALL[0] in values):
            parser.error(f"argument {option_string}: give two digits, or all")
        super().__call__(parser, namespace, values, option_string)


def parse_args(argv=None):
    parser, digit = cli.parser(__doc__), cli.number(int, 0, 9)
    parser.add_argument(
        "--digits",
        nargs="+",
        type=lambda text: text if text in ALL else digit(text),
        action=PairOrAll,
        default=list(runs.DIGITS),
        metavar="DIGIT",
        help="two digits, or all (default: 0 1)",
    )
    help = "build from this mnist.npz or folder of IDX files instead of downloading"
    parser.add_argument("--source", type=cli.path, help=help)
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    if args.source is not None and not args.source.exists():
        raise FileNotFoundError(f"--source {args.source} does not exist")
    path, everything = pair_path(args.digits), tuple(args.digits) == ALL
    if args.source is not None or not path.exists():
        build(args.digits, args.source)
        print(f"built {path}")
    if everything:
        arrays = read_all()
        found, digits = digest(arrays), range(10)
    else:
        (arrays, found), digits = read_pair(args.digits), args.digits
    verified = everything or tuple(args.digits) == runs.DIGITS
    print(f"{path}: digest {found}{', verified' if verified else ''}")
    for split in SPLITS:
        counts = np.bincount(arrays[f"y_{split}"], minlength=2)
        parts = [f"digit {digit}: {count:6,}" for digit, count in zip(digits, counts)]
        print(f"  {split:5}  " + "  ".join(parts) + f"  together: {counts.sum():6,}")


if __name__ == "__main__":
    cli.run(main)
