"""Vectors of pictures: JPEG and GIF files of every kind that is read, and the pixels that Pillow (which keras.utils.load_img uses) sees in them.

Run: .venv/bin/python tools/oracle/images.py   writes packages/ondol/src/testing/vectors/images.json
"""
import base64
import hashlib
import io

import numpy as np
from PIL import GifImagePlugin, Image
from oracle import encode, keras, write

PLAIN = 700  # pixels beyond which only a checksum is kept


def picture(width, height, seed=0):
    y, x = np.mgrid[0:height, 0:width]
    waves = np.stack([128 + 100 * np.sin(x / 7 + y / 11), 128 + 90 * np.cos(x / 5 - y / 9), (x * 3 + y * 2) % 256], -1)
    return Image.fromarray((waves + np.random.default_rng(seed).normal(0, 12, waves.shape)).clip(0, 255).astype("uint8"))


def case(title, data, modes=("rgb",)):
    values = {}
    for mode in modes:
        pixels = np.asarray(keras.utils.load_img(io.BytesIO(data), color_mode=mode))
        values[mode] = encode(pixels) if pixels.shape[0] * pixels.shape[1] <= PLAIN else {"shape": list(pixels.shape), "sha256": hashlib.sha256(pixels.tobytes()).hexdigest()}
    return {"title": title, "file": base64.b64encode(data).decode(), "modes": values}


def jpeg(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def changed(data, marker, at, value):
    """The file with one byte of a segment set."""
    place = data.index(bytes([0xFF, marker])) + at
    return data[:place] + bytes([value]) + data[place + 1:]


def jpegs():
    small = picture(29, 21)
    for progressive in (False, True):
        kind = "progressive" if progressive else "sequential"
        for name, sampling in (("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2), ("4:1:1", "4:1:1")):
            yield case(f"{kind} {name}", jpeg(small, quality=80, subsampling=sampling, progressive=progressive))
        yield case(f"{kind} grey", jpeg(small.convert("L"), quality=70, progressive=progressive), ("rgb", "grayscale", "rgba"))
        yield case(f"{kind} with restarts", jpeg(picture(50, 40), quality=60, progressive=progressive, restart_marker_blocks=3))
        yield case(f"{kind} CMYK", jpeg(picture(18, 9).convert("CMYK"), quality=85, progressive=progressive))
    yield case("many progressive scans", jpeg(picture(64, 48, 3), quality=95, progressive=True, subsampling=0))
    yield case("RGB without a change of colours", jpeg(small, quality=80, keep_rgb=True))
    yield case("low quality", jpeg(small, quality=5))
    yield case("tables made to measure", jpeg(small, quality=90, optimize=True))
    yield case("with EXIF that asks for a turn", jpeg(small, quality=60, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"))
    for width, height in ((1, 1), (2, 3), (3, 2), (8, 8), (17, 16)):
        yield case(f"{width} x {height}", jpeg(picture(width, height), quality=85))
    # Nothing here writes these: the sampling of 4:2:2 turned by a quarter, and CMYK whose Adobe segment says YCCK.
    turned = jpeg(picture(32, 16), quality=80, subsampling=1)
    sof = turned.index(b"\xff\xc0")
    turned = turned[:sof + 5] + bytes([0, 32, 0, 16]) + turned[sof + 9:]
    yield case("4:4:0", changed(turned, 0xC0, 11, 0x12))
    yield case("YCCK", changed(jpeg(picture(18, 9).convert("CMYK"), quality=85), 0xEE, 15, 2))


def gif(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "GIF", **options)
    return buffer.getvalue()


def blocks(code_size, codes):
    """LZW codes that grow as a decoder expects, in blocks."""
    width, following, bits, held, out = code_size + 1, (1 << code_size) + 2, 0, 0, bytearray()
    for i, code in enumerate(codes):
        bits |= code << held
        held += width
        while held >= 8:
            out.append(bits & 255)
            bits >>= 8
            held -= 8
        if code == 1 << code_size:
            width, following = code_size + 1, (1 << code_size) + 2
        elif i > 0 and codes[i - 1] != 1 << code_size:
            following += 1
            if following == 1 << width and width < 12:
                width += 1
    out.append(bits & 255)
    parts = [bytes([len(out[i:i + 255])]) + bytes(out[i:i + 255]) for i in range(0, len(out), 255)]
    return bytes([code_size]) + b"".join(parts) + b"\0"


def framed(screen, place, pixels, palette, control=b"", local=False, interlaced=False):
    """A file by hand: pixels of a frame somewhere on the screen."""
    def word(*values):
        return b"".join(v.to_bytes(2, "little") for v in values)

    size = len(palette).bit_length() - 2
    colours = b"".join(bytes(c) for c in palette)
    height, width = pixels.shape
    order = [*range(0, height, 8), *range(4, height, 8), *range(2, height, 4), *range(1, height, 2)] if interlaced else range(height)
    bits = max(2, size + 1)
    codes = [c for v in pixels[list(order)].ravel() for c in (1 << bits, int(v))] + [(1 << bits) + 1]
    head = b"GIF89a" + word(*screen) + bytes([0 if local else 0x80 | size, 1, 0]) + (b"" if local else colours)
    flags = (0x80 | size if local else 0) | (0x40 if interlaced else 0)
    return head + control + b"," + word(*place, width, height) + bytes([flags]) + (colours if local else b"") + blocks(bits, codes) + b";"


def gifs():
    GifImagePlugin.LOADING_STRATEGY = GifImagePlugin.LoadingStrategy.RGB_AFTER_FIRST
    every = ("rgb", "rgba", "grayscale")
    colours = picture(19, 13).convert("P", palette=Image.ADAPTIVE, colors=11)
    yield case("palette", gif(colours, interlace=0), every)
    yield case("interlaced", gif(colours, interlace=1), every)
    yield case("grey", gif(picture(19, 13).convert("L")), every)
    yield case("two colours", gif(picture(19, 13).convert("1")), every)
    yield case("see-through", gif(colours, transparency=3), every)
    yield case("several pictures", gif(colours, save_all=True, append_images=[colours.transpose(Image.ROTATE_180)], duration=10, loop=0, comment=b"hi"), every)
    rng = np.random.default_rng(7)
    noise = Image.fromarray(rng.integers(0, 256, (70, 90)).astype("uint8"))
    yield case("more codes than the table has", gif(noise), every)
    yield case("long runs", gif(Image.fromarray(np.zeros((60, 100), "uint8"))))
    palette = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (250, 240, 3)]
    pixels = rng.integers(0, 4, (9, 5))
    control = bytes([0x21, 0xF9, 4, 1, 0, 0, 2, 0])
    yield case("a frame inside of the screen", framed((8, 12), (2, 1), pixels, palette), every)
    yield case("a see-through frame inside of the screen", framed((8, 12), (2, 1), pixels, palette, control), every)
    yield case("a frame that leaves the screen", framed((3, 4), (1, 1), pixels, palette, b"!\xfe\x02hi\0"), every)
    yield case("colours of its own, interlaced", framed((5, 9), (0, 0), pixels, palette, local=True, interlaced=True), every)


write("images", {"jpeg": list(jpegs()), "gif": list(gifs())})
