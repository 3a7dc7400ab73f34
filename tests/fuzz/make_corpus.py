#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets into tests/fuzz/corpus. Needs nothing but Python's own library.

Each file is small and stands for a branch of a parser; what a fuzzer finds beyond them is not kept. Compressed
bytes may differ between versions of zlib, which harms nobody: the committed files are what is run.
"""
import hashlib
import io
import json
import os
import struct
import tarfile
import zipfile
import zlib

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")

# 4 × 4 pixels by libjpeg-turbo, quality 30, optimized tables.
JPEG_GREY = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb0043001b12141714111b1716171e1c1b2028422b28252528513a3d3042605565"
    "645f555d5b6a7899816a7190735b5d85b586909ea3abadab6780bcc9baa6c799a8aba4ffc0000b080004000401011100ffc400140001"
    "00000000000000000000000000000004ffc4001a100000070000000000000000000000000000010304051223ffda0008010100003f00"
    "42712cea598fffd9"
)
JPEG_RGB_PROGRESSIVE = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb0043001b12141714111b1716171e1c1b2028422b28252528513a3d3042605565"
    "645f555d5b6a7899816a7190735b5d85b586909ea3abadab6780bcc9baa6c799a8aba4ffdb0043011c1e1e2823284e2b2b4ea46e5d6e"
    "a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4ffc20011"
    "080004000403012200021101031101ffc4001500010100000000000000000000000000000003ffc40014010100000000000000000000"
    "000000000001ffda000c03010002100310000001984fffc400161001010100000000000000000000000000010313ffda000801010001"
    "0502a39bffc40014110100000000000000000000000000000000ffda0008010301013f017fffc4001411010000000000000000000000"
    "0000000000ffda0008010201013f017fffc40017100100030000000000000000000000000001000231ffda0008010100063f0202a64f"
    "ffc40017100100030000000000000000000000000001001121ffda0008010100013f212660db67ffda000c03010002000300000010f7"
    "ffc40014110100000000000000000000000000000000ffda0008010301013f107fffc400141101000000000000000000000000000000"
    "00ffda0008010201013f107fffc4001810010100030000000000000000000000000111004161ffda0008010100013f103a104956d4d3"
    "ccffd9"
)
JPEG_CMYK = bytes.fromhex(
    "ffd8ffee000e41646f626500640000000000ffdb0043001b12141714111b1716171e1c1b2028422b28252528513a3d3042605565645f"
    "555d5b6a7899816a7190735b5d85b586909ea3abadab6780bcc9baa6c799a8aba4ffc000140800040004044311004d11005911004b11"
    "00ffc4001500010100000000000000000000000000000301ffc4001e1000020300020301000000000000000000010203041100610521"
    "5141ffda000e0443004d0059004b00003f003bf2a78d78a186bc4cad18625c127748fc3d702c5a146c3d68abc251330b03bed41fbdf0"
    "ec5a146c3d68abc251330b03bed41fbdf258b428d87ad15784a26616077da83f7be7ffd9"
)


def save(target, name, data):
    folder = os.path.join(HERE, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def pieces(*parts):
    """As fuzz_folder cuts them: two bytes of length before each piece but the last."""
    return b"".join(struct.pack(">H", len(part)) + part for part in parts[:-1]) + parts[-1]


def gzip(data):
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packed.compress(data) + packed.flush()


def zstd(data):
    """One frame of one raw block (RFC 8878)."""
    return (b"\x28\xb5\x2f\xfd\x60" + struct.pack("<H", len(data) - 256) +
            (len(data) << 3 | 1).to_bytes(3, "little") + data)


# ---- data sets ----


def idx(*dims, data=None):
    count = 1
    for dim in dims:
        count *= dim
    return (struct.pack(">BBBB", 0, 0, 8, len(dims)) + b"".join(struct.pack(">I", dim) for dim in dims) +
            (data if data is not None else bytes(i % 251 for i in range(count))))


def npy(descr, shape, data, version=1, order="False"):
    text = "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" % (descr, order, shape)
    head = 10 if version == 1 else 12
    text += " " * (-(head + len(text) + 1) % 64) + "\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode() + data


def make_idx():
    labels = idx(2, data=b"\0\1")
    save("idx", "three", pieces(idx(2, 3, 3), labels, idx(1, 3, 3), idx(1, data=b"\1")))
    save("idx", "four", pieces(idx(2, 3, 2, 2), labels, idx(1, 3, 2, 2), idx(1, data=b"\0")))
    save("idx", "gzip", pieces(gzip(idx(2, 3, 3)), gzip(labels), idx(1, 3, 3), gzip(idx(1, data=b"\0"))))
    save("idx", "huge", pieces(idx(0x80000000, 4096, 4096, data=b""), labels, b"", b""))


def make_npy():
    floats = struct.pack("<8f", *range(8))
    labels = npy("<i8", "(2,)", struct.pack("<2q", 0, 1))
    save("npy", "bytes", pieces(npy("|u1", "(2, 3, 3)", bytes(18)), labels, b"cat\ndog\n"))
    save("npy", "floats", pieces(npy("<f4", "(2, 1, 2, 2)", floats, 2), labels, b"a\r\nb\r\nc"))
    save("npy", "big-endian", pieces(npy(">f4", "(2, 2, 2)", struct.pack(">8f", *range(8)), 3),
                                     npy(">u2", "(2,)", struct.pack(">2H", 1, 0)), "ä\nö\n".encode()))
    save("npy", "fortran", pieces(npy("<f4", "(2, 2, 2)", floats, 1, "True"), labels, b"a\nb"))
    save("npy", "negative", pieces(npy("|u1", "(1, 1, 1)", b"x"), npy("|i1", "(1,)", b"\xff"), b"a"))


def make_cifar():
    names = b"".join(b"name%d\n" % i for i in range(10))
    save("cifar", "one", pieces(names, b"\x03" + bytes(i % 256 for i in range(3072))))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, rows, extra=b"", interlace=0):
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)) +
            extra + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


PNG_GREY = png(4, 4, 8, 0, b"".join(b"\0" + bytes(range(4 * i, 4 * i + 4)) for i in range(4)))
PNG_RGB = png(4, 4, 8, 2, b"".join(b"\0" + bytes(range(12 * i, 12 * i + 12)) for i in range(4)))


def make_images():
    save("images", "grey", pieces(PNG_GREY, JPEG_GREY, PNG_GREY))
    save("images", "mixed", pieces(PNG_GREY, JPEG_RGB_PROGRESSIVE, PNG_RGB))
    save("images", "sizes", pieces(PNG_GREY, png(1, 1, 8, 0, b"\0\7"), PNG_RGB))


def make_image():
    palette = chunk(b"PLTE", bytes(range(12)))
    save("image", "grey.png", PNG_GREY)
    save("image", "rgb.png", PNG_RGB)
    save("image", "bits.png", png(8, 1, 1, 0, b"\0\xa5"))
    save("image", "deep.png", png(1, 2, 16, 0, b"\0\x12\x34\1\x00\x01"))
    save("image", "alpha.png", png(1, 1, 8, 6, b"\0\1\2\3\xff"))
    save("image", "grey-alpha.png", png(1, 1, 16, 4, b"\0\1\2\xff\xff"))
    save("image", "palette.png", png(4, 1, 2, 3, b"\0\x1b", palette + chunk(b"tRNS", b"\xff\xff\xff\0")))
    save("image", "key.png", png(1, 1, 8, 2, b"\0\1\2\3", chunk(b"tRNS", b"\0\1\0\2\0\4")))
    save("image", "interlaced.png", png(1, 1, 8, 0, b"\0\5", chunk(b"tEXt", b"a\0b"), 1))
    save("image", "huge.png", png(65535, 65535, 8, 0, b"\0"))
    save("image", "grey.jpg", JPEG_GREY)
    save("image", "progressive.jpg", JPEG_RGB_PROGRESSIVE)
    save("image", "cmyk.jpg", JPEG_CMYK)
    save("image", "huge.jpg", JPEG_GREY.replace(b"\x08\x00\x04\x00\x04", b"\x08\xff\xdc\xff\xdc", 1))


# ---- archives ----


def tar(entries):
    """(name, content) or a TarInfo; the mark at the end, without padding to a record."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
                continue
            info = tarfile.TarInfo(entry[0])
            info.size = len(entry[1])
            archive.addfile(info, io.BytesIO(entry[1]))
    data = out.getvalue().rstrip(b"\0")
    return data + b"\0" * (-len(data) % 512) + bytes(1024)


def zipped(entries, method):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def special(name, kind, link=""):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    return info


IDX = [("train-images-idx3-ubyte", idx(2, 2, 2)), ("train-labels-idx1-ubyte", idx(2, data=b"\0\1"))]
NPZ = [("train_images.npy", npy("|u1", "(2, 2, 2)", bytes(8))), ("train_labels.npy", npy("|u1", "(2,)", b"\0\1"))]


def make_archives():
    save("archive", "stored.npz", zipped(NPZ, zipfile.ZIP_STORED))
    save("archive", "deflated.npz", zipped(NPZ, zipfile.ZIP_DEFLATED))
    save("archive", "folder.zip", zipped([("ä/a/1.png", PNG_GREY), ("ä/b/2.png", PNG_RGB)], zipfile.ZIP_STORED))
    save("archive", "idx.tar.gz", gzip(tar(IDX)))
    save("archive", "idx.tar.zst", zstd(tar(IDX)))
    save("archive", "npz.tar", tar([("deep/a.npz", zipped(NPZ, zipfile.ZIP_STORED))]))
    save("tar", "idx", tar(IDX))
    save("tar", "images", tar([("./around/cat/1.png", PNG_GREY), ("around//dog/2.png", PNG_GREY)]))
    save("tar", "bad-names", tar([("../up", b"x"), ("/root", b"x"), (".hidden", b""), ("a/./b", b"x")]))
    save("tar", "kinds", tar([special("folder", tarfile.DIRTYPE), special("link", tarfile.SYMTYPE, "/etc"),
                              special("hard", tarfile.LNKTYPE, "x"), special("device", tarfile.CHRTYPE)]))
    save("tar", "long-name", tar([("long/" * 40 + "name", b"x")] + IDX))
    sparse = b"".join(b"%d %s\n" % (len(text) + 4, text) for text in (
        b"GNU.sparse.size=1048576", b"GNU.sparse.numblocks=1", b"GNU.sparse.offset=0", b"GNU.sparse.numbytes=1"))
    head = special("pax", tarfile.XHDTYPE)
    head.size = len(sparse)
    save("tar", "hole", head.tobuf(tarfile.USTAR_FORMAT) + sparse.ljust(512, b"\0") + tar([("train_images.npy", b"x")]))


# ---- jobs ----


def job(**more):
    whole = {"dataset": {"name": "a"}, "optimizer": "sgd",
             "model": ["flatten", {"type": "linear", "out_features": 10}]}
    whole.update(more)
    return json.dumps(whole, ensure_ascii=False).encode()


LAYERS = [
    {"type": "conv2d", "out_channels": 6, "kernel_size": [3, 5], "stride": 2, "padding": "same", "dilation": 1,
     "groups": 3, "bias": False, "padding_mode": "reflect", "flip_kernel": True, "init": "xavier_normal"},
    {"type": "batch_norm2d", "eps": 1e-5, "momentum": 0.1, "affine": True, "name": "norm"},
    {"type": "residual", "body": [{"type": "conv2d", "out_channels": 6, "kernel_size": 3, "padding": 1}, "relu"],
     "shortcut": [{"type": "conv2d", "out_channels": 6, "kernel_size": 1}]},
    {"type": "concat", "branches": [["relu"], [{"type": "dropout2d", "p": 0.5}, "silu"]]},
    {"type": "locally_connected2d", "out_channels": 2, "kernel_size": 2},
    {"type": "max_pool2d", "kernel_size": 2, "ceil_mode": True}, {"type": "avg_pool2d", "kernel_size": 2, "padding": 1},
    {"type": "adaptive_avg_pool2d", "output_size": [1, 1]}, "flatten", {"type": "dropout", "p": 0.1}, "gelu",
    {"type": "linear", "out_features": 10, "init": {"type": "normal", "std": 0.01}},
]
SCHEDULES = [
    {"type": "step", "step_size": 3, "gamma": 0.5}, {"type": "multistep", "milestones": [2, 5]},
    {"type": "exponential", "gamma": 0.9}, {"type": "cosine", "t_max": 9, "warmup": {"steps": 3, "start_factor": 0.1}},
    {"type": "cosine_restarts", "t_0": 4, "t_mult": 2}, {"type": "cyclic", "base_lr": 0.1, "max_lr": 1, "mode": "exp_range"},
    {"type": "one_cycle", "max_lr": 1, "pct_start": 0.3}, {"type": "linear"}, {"type": "polynomial", "power": 2},
    {"type": "piecewise", "points": [[1, 0.1], [5, 0.01]], "unit": "step"},
    {"type": "reduce_on_plateau", "metric": "val_loss", "factor": 0.5, "patience": 2, "min_lr": 1e-6},
]
OPTIMIZERS = [
    {"type": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True, "formulation": "pytorch"},
    {"type": "adagrad", "lr_decay": 0.1, "eps_inside_sqrt": True}, {"type": "rmsprop", "centered": True},
    {"type": "adam", "betas": [0.9, 0.99], "amsgrad": True, "bias_correction": False}, {"type": "adamw"},
    {"type": "nadam"}, {"type": "adabound", "final_lr": 0.1},
]


def make_jobs():
    save("spec", "least", job())
    save("spec", "layers", job(model=LAYERS))
    for schedule in SCHEDULES:
        save("spec", "schedule-" + schedule["type"], job(lr_schedule=schedule))
    for optimizer in OPTIMIZERS:
        save("spec", "optimizer-" + optimizer["type"], job(optimizer=optimizer))
    save("spec", "dataset", job(dataset={"synthetic": {"shape": [3, 8, 8], "classes": 10, "samples": 64}, "limit": 9,
                                         "validation": 0.2, "normalize": {"mean": [0.5], "std": [0.2]},
                                         "augment": [{"type": "random_crop", "padding": 1}, "random_horizontal_flip"]}))
    save("spec", "run", job(name="ä", labels={"a": "b"}, priority=-3, seed=2**53 - 1, max_steps=7, batch_size=8,
                            drop_last=True, precision="fp32", threads=2, evaluate_every={"steps": 3},
                            clip_grad_norm=1.5, early_stopping={"metric": "val_loss", "patience": 2},
                            on_divergence={"rollback": True, "lr_factor": 0.5, "max_retries": 3},
                            loss={"type": "cross_entropy", "label_smoothing": 0.1},
                            checkpoint={"every": {"epochs": 1}, "keep_last": 2, "keep_best": 1, "metric": "val_loss"}))
    save("spec", "wrong", b'{"dataset": {"nam": "a"}, "model": ["rleu", {"type": 3}, []], "optimizer": {"lr": -1}, "epochs": 1e99}')
    save("spec", "half-character", b'{"a\\\xef\xbb\xbf": 1}')
    save("spec", "twice", b'{"seed": 1, "seed": 2}')
    save("spec", "deep", b'{"model": ' + b"[" * 40 + b"]" * 40 + b"}")
    numbers = struct.pack("<8f", *range(8))
    head = (b"TRAINDCK" + struct.pack("<IIQQQQ", 1, 1, 5, 4, 5, 96 + len(numbers) + 32) + bytes(32) + bytes(16))
    body = head + numbers
    save("checkpoint", "small", body + hashlib.sha256(body).digest())
    second = (b"TRAINDCK" + struct.pack("<IIQQQQ", 2, 1, 5, 3, 5, 256 + len(numbers) + 32) + bytes(32) +
              struct.pack("<QQ", 5, 0) + bytes(160) + numbers)
    save("checkpoint", "second", second + hashlib.sha256(second).digest())
    save("checkpoint", "lengths", body[:24] + struct.pack("<Q", 2**62) + body[32:] + bytes(32))


# ---- weights ----


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def make_weights():
    def entry(dtype, shape, begin, end):
        return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    save("safetensors", "kinds", safetensors(
        {"__metadata__": {"format": "pt"}, "0.weight": entry("F32", [2, 1, 1, 1], 0, 8), "0.bias": entry("F16", [2], 8, 12),
         "1.weight": entry("BF16", [2], 12, 16), "2.weight": entry("F64", [1], 16, 24),
         "1.num_batches_tracked": entry("I64", [], 24, 32)}, bytes(range(32))))
    save("safetensors", "huge", safetensors({"a": entry("F32", [2**31, 2**31], 0, 2**63 - 1)}))
    save("safetensors", "overlap", safetensors({"a": entry("U8", [4], 0, 4), "b": entry("U8", [4], 2, 6)}, bytes(6)))
    save("safetensors", "long", struct.pack("<Q", 2**63) + b"{}")
    save("safetensors", "none", safetensors(b"{}"))


if __name__ == "__main__":
    make_idx()
    make_npy()
    make_cifar()
    make_images()
    make_image()
    make_archives()
    make_jobs()
    make_weights()
