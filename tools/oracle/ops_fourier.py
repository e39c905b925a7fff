"""Vectors for Fourier transforms and complex numbers.

Run: .venv/bin/python tools/oracle/ops_fourier.py       writes packages/ondol/src/testing/vectors/ops/fourier.json
"""
import numpy as np
from opcase import case, floats, write

SIGNAL = floats(1, 2, 40)
FRAMES = (floats(2, 2, 5, 9), floats(3, 2, 5, 9))

write(
    "ops/fourier",
    [
        case("fft", (floats(4, 3, 8), floats(5, 3, 8))),
        case("fft", (floats(6, 7), floats(7, 7)), title="a prime"),
        case("fft", (floats(8, 1, 96), floats(9, 1, 96)), title="taken apart", gradient=False),
        case("fft", (floats(8, 1, 521), floats(9, 1, 521)), title="a large prime", gradient=False),
        case("fft", (floats(8, 1), floats(9, 1)), title="one number"),
        case("fft2", (floats(10, 2, 4, 6), floats(11, 2, 4, 6))),
        case("fft2", (floats(12, 3, 5), floats(13, 3, 5))),
        case("ifft2", (floats(14, 2, 4, 6), floats(15, 2, 4, 6))),
        case("ifft2", (floats(16, 3, 5), floats(17, 3, 5))),
        case("rfft", floats(18, 2, 3, 8)),
        case("rfft", floats(19, 9)),
        case("rfft", floats(20, 2, 8), fft_length=12),
        case("rfft", floats(21, 2, 8), fft_length=5),
        case("irfft", (floats(22, 3, 5), floats(23, 3, 5))),
        case("irfft", (floats(24, 5), floats(25, 5)), fft_length=9),
        case("irfft", (floats(26, 5), floats(27, 5)), fft_length=6),
        case("irfft", (floats(28, 2, 3), floats(29, 2, 3)), fft_length=10),
        case("polar", np.abs(floats(31, 2, 5)), floats(32, 2, 5, scale=3.0)),
        case("polar", np.float32(2.0), floats(33, 4)),
        case("view_as_complex", floats(34, 3, 2)),
        case("view_as_complex", floats(35, 2)),
        case("view_as_real", (floats(36, 2, 3), floats(37, 2, 3))),
        case("view_as_real", (floats(38, 4), floats(39, 4))),
        case("extract_sequences", SIGNAL, sequence_length=8, sequence_stride=5),
        case("extract_sequences", floats(30, 10), sequence_length=4, sequence_stride=4),
        case("stft", SIGNAL, sequence_length=12, sequence_stride=5, fft_length=16),
        case("stft", SIGNAL, sequence_length=16, sequence_stride=8, fft_length=16, window="hamming", center=False),
        case("stft", SIGNAL, sequence_length=10, sequence_stride=4, fft_length=12, window=None),
        case("istft", FRAMES, sequence_length=12, sequence_stride=5, fft_length=16),
        case("istft", FRAMES, sequence_length=16, sequence_stride=8, fft_length=16, window="hamming", length=30),
        case("istft", FRAMES, sequence_length=16, sequence_stride=4, fft_length=16, window=None, center=False),
    ],
)
