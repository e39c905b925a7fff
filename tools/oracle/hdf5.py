"""HDF5 files as h5py writes them in its many ways, and what h5py reads in them.

Run: .venv/bin/python tools/oracle/hdf5.py [folder]              (writes the files)
     .venv/bin/python tools/oracle/hdf5.py --describe FILE       (prints what h5py reads in a file)
Writes packages/ondol/src/testing/vectors/hdf5/NAME.h5.gz, and contents.jsonl.gz with a line for each: see describe().
Other bytes may come from other versions of h5py, so unlike the JSON vectors these are not compared when made again.
"""
import base64
import gzip
import json
import pathlib
import sys
import tempfile

import h5py
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parents[1] / "packages/ondol/src/testing/vectors/hdf5")

NUMBERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]


def ramp(*shape, dtype="f4", start=0):
    return (np.arange(np.prod(shape, dtype=int)) + start).reshape(shape).astype(dtype)


def types(f, order="<"):
    for name in NUMBERS:
        f[name] = np.array([0, 1, 2, 100], order + name)
        f.attrs[name] = np.array([3, 2], order + name)
        f.attrs[name + " scalar"] = np.dtype(order + name).type(5)
    f["bool"] = np.array([True, False, True])
    f.attrs["bool"] = True
    f["opaque"] = np.array([b"ab\0", b"cde"], "V3")
    f["special"] = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45], order + "f4")


def shapes(f):
    f["scalar"] = np.float32(2.5)
    f["none"] = np.zeros((0, 3), "f4")
    f["null"] = h5py.Empty("f4")
    f.attrs["null"] = h5py.Empty("f4")
    f.attrs["none"] = np.zeros((0,), "f8")
    f["deep"] = ramp(2, 1, 3, 1, 2)
    f["rows"] = ramp(7, 3)
    f.attrs["matrix"] = ramp(2, 3, dtype="i4")


def texts(f):
    f.attrs["str"] = "héllo 한"
    f.attrs["empty"] = ""
    f.attrs["bytes"] = b"plain"
    f.attrs["list"] = ["a", "", "ccc"]
    f.attrs["fixed"] = np.array([b"dense", b"dense_1"])
    f.attrs["fixed scalar"] = np.bytes_(b"seven")
    f.attrs["long"] = "x" * 70000
    f["variable"] = ["one", "zwei", "삼", ""]
    f["fixed"] = np.array([[b"ab", b"c"], [b"", b"defg"]])
    f["scalar"] = "text"
    f.create_dataset("spaces", data=np.array([b"ab  ", b"abcd"]), dtype=space_padded(4))


def space_padded(size):
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(size)
    kind.set_strpad(h5py.h5t.STR_SPACEPAD)
    return h5py.Datatype(kind)


def weights(f):
    """As Keras lays out a `.weights.h5`."""
    import ml_dtypes

    for path, name in [("layers/dense", "dense"), ("layers/dense_1", "out"), ("optimizer", "adam")]:
        group = f.create_group(path).create_group("vars")
        group.attrs["name"] = name
        group["0"] = ramp(3, 4) / 7
        group["1"] = np.zeros(4, "f4")
    group["2"] = np.int32(17)
    half = f.create_group("layers/half/vars")
    dataset = half.create_dataset("0", data=np.array([1, -2, 0.5], ml_dtypes.bfloat16))
    dataset.attrs["dtype"] = "bfloat16"
    f.create_group("layers/input_layer").create_group("vars")


def links(count):
    def write(f):
        f["one"] = np.float32(1)
        group = f.create_group("many")
        for i in range(count):
            group[f"name {i * 7919 % count:05}"] = f["one"]
        f.create_group("empty")
        f.create_group("한/글")["é"] = np.float32(1)

    return write


def attributes(count, size=0):
    def write(f):
        f["data"] = ramp(2)
        for target in (f, f["data"]):
            for i in range(count):
                target.attrs[f"attribute {i}"] = i
        if size:
            f.attrs["large"] = ramp(size, dtype="i4") % 5

    return write


def ordered(f):
    for name in "zebra apple mango Kiwi".split():
        f.create_group(name, track_order=True)
        f.attrs[name] = name
    for name in "321":
        f["zebra"][name] = ramp(2)


def nested(f):
    group = f
    for i in range(40):
        group = group.create_group(f"g{i}")
    group["bottom"] = ramp(2)


def packed(f):
    """B-trees of version 1 over chunks, unless the file is of the latest format."""
    data = ramp(13, 7, dtype="i4")
    f.create_dataset("plain", data=data, chunks=(5, 3))
    f.create_dataset("gzip", data=data, chunks=(5, 3), compression="gzip", compression_opts=9)
    f.create_dataset("shuffle", data=data, chunks=(4, 7), compression="gzip", shuffle=True)
    f.create_dataset("fletcher", data=data.astype("i2"), chunks=(3, 3), fletcher32=True)
    f.create_dataset("everything", data=ramp(13, 7, dtype="u1"), chunks=(5, 3), compression="gzip", shuffle=True, fletcher32=True)
    f.create_dataset("random", data=np.random.RandomState(0).randint(0, 255, 3000).astype("u1"), chunks=(1024,), compression="gzip")
    f.create_dataset("stored", data=np.random.RandomState(1).bytes(500), dtype="V500", chunks=None)
    f.create_dataset("level0", data=ramp(400), chunks=(100,), compression="gzip", compression_opts=0)
    f.create_dataset("big endian", data=ramp(9, dtype=">f8"), chunks=(4,), compression="gzip", shuffle=True)
    f.create_dataset("text", data=["a", "bb", "ccc"], chunks=(2,))
    holes = f.create_dataset("holes", (9, 9), "f4", chunks=(4, 4), fillvalue=-1)
    holes[4:6, 2:7] = 5
    f.create_dataset("cube", data=ramp(4, 5, 6, dtype="f8"), chunks=(3, 2, 4), compression="gzip")
    f.create_dataset("unwritten", (3,), "i4", fillvalue=7)
    f.create_dataset("unwritten chunks", (300,), "i4", chunks=(100,), fillvalue=7)
    f.create_dataset("large chunk", data=ramp(3), maxshape=(None,), chunks=(64,))
    f.create_dataset("many chunks", data=ramp(300, dtype="u1"), chunks=(1,))


def indexed(f):
    """The chunk indexes of the latest format."""
    two = ramp(6, 10, dtype="i4")
    f.create_dataset("single", data=two, chunks=(6, 10))
    f.create_dataset("single gzip", data=two, chunks=(6, 10), compression="gzip")
    early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    early.set_chunk((4, 4))
    early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    space = h5py.h5s.create_simple((6, 10), (10, 12))
    h5py.h5d.create(f.id, b"implicit", h5py.h5t.STD_I32LE, space, early).write(h5py.h5s.ALL, h5py.h5s.ALL, two)
    f.create_dataset("fixed", data=two, chunks=(4, 4))
    f.create_dataset("fixed room", data=two, chunks=(4, 4), maxshape=(20, 30))
    f.create_dataset("fixed gzip", data=two, chunks=(4, 4), compression="gzip")
    f.create_dataset("fixed pages", (3000,), "u1", chunks=(1,), fillvalue=9)
    f["fixed pages"][:5] = 1
    f["fixed pages"][2500:2510] = 2
    f.create_dataset("extensible", data=two, chunks=(2, 4), maxshape=(None, 10))
    f.create_dataset("extensible second", data=two, chunks=(2, 4), maxshape=(6, None))
    f.create_dataset("extensible gzip", data=two, chunks=(2, 4), maxshape=(None, 10), compression="gzip")
    f.create_dataset("extensible long", data=ramp(3000, dtype="u2"), chunks=(1,), maxshape=(None,))
    f.create_dataset("extensible far", (40000,), "u1", chunks=(1,), maxshape=(None,), fillvalue=3)
    f["extensible far"][39990:39995] = 8
    f["extensible far"][20000] = 8
    f.create_dataset("extensible pages", (142000,), "u1", chunks=(1,), maxshape=(None,), fillvalue=3)
    f["extensible pages"][141000:141010] = 8
    f.create_dataset("tree", data=two, chunks=(2, 4), maxshape=(None, None))
    f.create_dataset("tree gzip", data=two, chunks=(2, 4), maxshape=(None, None), compression="gzip")
    f.create_dataset("tree deep", data=ramp(40, 40, dtype="u1"), chunks=(1, 1), maxshape=(None, None))


def compact(f):
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_layout(h5py.h5d.COMPACT)
    h5py.h5d.create(f.id, b"compact", h5py.h5t.STD_I32LE, h5py.h5s.create_simple((3, 2)), layout).write(h5py.h5s.ALL, h5py.h5s.ALL, ramp(3, 2, dtype="i4"))


def brain(f):
    """A bfloat16 as a floating-point type of its own, as the format allows."""
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_fields(15, 7, 8, 0, 7)
    kind.set_size(2)
    kind.set_ebias(127)
    space = h5py.h5s.create_simple((3,))
    h5py.h5d.create(f.id, b"brain", kind, space).write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([1, -2, 0.5], "f4"))


def committed(f):
    f["kind"] = np.dtype("f8")
    f.create_dataset("data", data=ramp(3), dtype=f["kind"])
    f["data"].attrs.create("attribute", ramp(2), dtype=f["kind"])
    f["enum"] = np.array([2, 5], "i2")
    f.create_dataset("colours", data=np.array([0, 7, 0]), dtype=h5py.enum_dtype({"RED": 0, "BLUE": 7}, basetype="i2"))


def edited(f):
    """Headers grow and links go: continuations, gaps, free space."""
    for i in range(30):
        f.create_group(f"g{i:02}")["data"] = ramp(i + 1)
    for i in range(0, 30, 3):
        del f[f"g{i:02}"]
    for i in range(1, 30, 3):
        f[f"g{i:02}"].attrs["first"] = 1
    for i in range(1, 30, 3):
        for j in range(6):
            f[f"g{i:02}"].attrs[f"later {j}"] = "text"
        del f[f"g{i:02}"].attrs["first"]


def refused(f):
    f["here"] = ramp(2)
    f["soft"] = h5py.SoftLink("/here")
    f["external"] = h5py.ExternalLink("other.h5", "/here")
    f.create_dataset("lzf", data=ramp(100), chunks=(50,), compression="lzf")
    f.create_dataset("compound", data=np.zeros(2, [("a", "i4"), ("b", "f4")]))
    f.create_dataset("reference", data=f.ref, dtype=h5py.ref_dtype)
    f.create_dataset("sequences", (2,), h5py.vlen_dtype("i4"))
    f.create_dataset("outside", (2,), "f4", external=[("other.bin", 0, 8)])
    f.create_dataset("odd", (2,), np.dtype("c8"))
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "here", (2,))
    f.create_virtual_dataset("virtual", layout)
    f["group"] = f["/"]
    f.create_dataset("bomb", (1 << 40,), "f4", chunks=(1 << 20,), compression="gzip")
    f.attrs["compound"] = np.zeros(1, [("a", "i4")])


LATEST = {"libver": ("v114", "v114")}
# Has a layout of its own (5), which nobody writes by default.
NEWEST = {"libver": ("latest", "latest")}
FILES = {
    "types": (types, {}),
    "types-latest": (types, LATEST),
    "types-big-endian": (lambda f: types(f, ">"), {}),
    "shapes": (shapes, {}),
    "shapes-1.8": (shapes, {"libver": ("v108", "v108")}),
    "shapes-user-block": (shapes, {"userblock_size": 512}),
    "texts": (texts, {}),
    "texts-latest": (texts, LATEST),
    "weights": (weights, {}),
    "weights-latest": (weights, LATEST),
    "links": (links(600), {}),
    "links-latest": (links(600), LATEST),
    "attributes": (attributes(40), {}),
    "attributes-latest": (attributes(40, 20000), LATEST),
    "ordered": (ordered, {"track_order": True}),
    "ordered-latest": (ordered, {"track_order": True, **LATEST}),
    "nested": (nested, {}),
    "packed": (packed, {}),
    "packed-1.8": (packed, {"libver": ("v108", "v108")}),
    "indexed": (indexed, LATEST),
    "compact": (compact, {}),
    "brain": (brain, {}),
    "committed": (committed, {}),
    "committed-latest": (committed, LATEST),
    "edited": (edited, {}),
    "edited-latest": (edited, LATEST),
    "refused": (refused, {}),
}
if h5py.version.hdf5_version_tuple >= (2, 0, 0):
    FILES["weights-2.0"] = (weights, NEWEST)
    FILES["packed-2.0"] = (packed, NEWEST)


def encode(value, dtype, shape):
    """{dtype, shape, data}: a list of texts (with itemSize if that many bytes are kept for each), or base64 of little-endian elements; shape null without data for h5py's Empty."""
    text = h5py.check_string_dtype(dtype)
    enum = h5py.check_enum_dtype(dtype)
    if text is not None:
        name = "string"
    elif enum is not None and dtype.kind != "b":
        name = dtype.name
    else:
        name = "opaque" if dtype.kind == "V" else dtype.name
    if shape is None:
        return {"dtype": name, "shape": None}
    array = np.asarray(value)
    if text is not None:
        data = [v if isinstance(v, str) else v.decode() for v in array.reshape(-1).tolist()]
    else:
        data = base64.b64encode((array if array.dtype.kind == "V" else array.astype(array.dtype.newbyteorder("<"))).tobytes()).decode()
    size = {"itemSize": text.length} if text is not None and text.length is not None else {}
    return {"dtype": name, "shape": list(shape), **size, "data": data}


def describe(f):
    """[{path, attributes: {name: value}}] of all objects, groups with `keys`, datasets with `value`; what h5py cannot read here has neither."""
    found = []

    def attribute(item, name):
        id = h5py.h5a.open(item.id, name.encode())
        empty = id.get_space().get_simple_extent_type() == h5py.h5s.NULL
        value = item.attrs[name]
        return encode(value, id.dtype, None if empty else id.shape)

    def visit(path, item):
        entry = {"path": path, "attributes": {name: attribute(item, name) for name in item.attrs if name != "compound"}}
        if isinstance(item, h5py.Group):
            entry["keys"] = list(item)
            found.append(entry)
            for name in item:
                link = item.get(name, getlink=True)
                child = f"{path.rstrip('/')}/{name}"
                if not isinstance(link, h5py.HardLink) or f.filename.endswith("refused.h5") and name != "here":
                    found.append({"path": child})
                else:
                    visit(child, item[name])
        elif isinstance(item, h5py.Dataset):
            entry["value"] = encode(None if item.shape is None else item[()], item.dtype, item.shape)
            if item.attrs.get("dtype") == "bfloat16":
                entry["value"]["dtype"] = "bfloat16"
            if path == "/brain":  # h5py gives float32
                bits = (item[()].astype("f4").view("u4") >> 16).astype("u2")
                entry["value"] = {**encode(bits, bits.dtype, bits.shape), "dtype": "bfloat16"}
            found.append(entry)
        else:
            found.append({"path": path})

    visit("/", f)
    return found


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (write, options) in FILES.items():
            path = pathlib.Path(folder) / f"{name}.h5"
            np.random.seed(0)
            with h5py.File(path, "w", **options) as f:
                write(f)
            with h5py.File(path, "r", track_order="track_order" in options) as f:
                lines.append(json.dumps({"name": name, "objects": describe(f)}, ensure_ascii=False))
            (OUT / f"{name}.h5.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    (OUT / "contents.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--describe"]:
        with h5py.File(sys.argv[2], "r") as f:
            print(json.dumps(describe(f)))
    else:
        main()
