"""Vectors of sounds: other sampling rates, log-mel energies and MFCCs.

Run: .venv/bin/python tools/oracle/audio.py   writes packages/ondol/src/testing/vectors/audio.json
Resampling is written out from torchaudio.functional.resample (sinc_interp_hann, its defaults) as one matrix of kernels; features are
keras.layers.MelSpectrogram and SciPy's cosine transform.
"""
import math

import numpy as np
import scipy.fft
from oracle import encode, floats, keras, write


def resample(x, rate, wanted, crossings=6, rolloff=0.99):
    divisor = math.gcd(rate, wanted)
    old, new = rate // divisor, wanted // divisor
    base = min(old, new) * rolloff
    width = math.ceil(crossings * old / base)
    t = np.arange(0, -new, -1)[:, None] / new + np.arange(-width, width + old)[None] / old
    t = (t * base).clip(-crossings, crossings)
    window = np.cos(t * np.pi / crossings / 2) ** 2
    kernels = np.sinc(t) * window * base / old
    padded = np.pad(x.astype("float64"), (width, width + old))
    frames = np.stack([padded[i : i + 2 * width + old] for i in range(0, len(padded) - 2 * width - old + 1, old)])
    return (frames @ kernels.T).ravel()[: math.ceil(new * len(x) / old)].astype("float32")


def rates():
    for rate, wanted, length in ((44100, 16000, 700), (8000, 16000, 90), (16000, 8000, 101), (22050, 16000, 333), (3, 7, 20), (7, 3, 20), (48000, 44100, 64)):
        x = floats(rate % 97, length, scale=0.3)
        yield {"rate": rate, "wanted": wanted, "x": encode(x), "value": encode(resample(x, rate, wanted))}


def features():
    x = floats(5, 2, 1500, scale=0.2)
    options = dict(sampling_rate=8000, fft_length=256, sequence_stride=128, num_mel_bins=20, min_freq=50, max_freq=4000)
    bands = np.swapaxes(np.asarray(keras.layers.MelSpectrogram(**options)(x)), 1, 2)
    return {"x": encode(x), "options": options, "bands": encode(bands), "coefficients": encode(scipy.fft.dct(bands, type=2, norm="ortho")[..., :13])}


write("audio", {"rates": list(rates()), "features": features()})
