"""Makes files/ and goldens.txt beside it: small PNG files of every colour type and depth, JPEG files of
every sampling, and the SHA-256 of what each becomes: of "WIDTH HEIGHT CHANNELS\n" and its pixels.

Pillow 13.0.0 (libjpeg-turbo 3.2.0) gives the pixels, resized and recoloured ones too, but for: 16 bits,
which become v >> 8; orientation (its exif_transpose gives those); the nearest pixel, turned pictures.
cjpeg of libjpeg-turbo 2.1.5 writes what Pillow doesn't. Deterministic.

    python make_pictures_golden.py
"""
import hashlib
import io
import pathlib
import struct
import subprocess
import zlib

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

place = pathlib.Path(__file__).parent
files = place / "files"
files.mkdir(exist_ok=True)
rng = np.random.default_rng(18)
lines = []


def golden(pixels, name, *operation):
    pixels = np.asarray(pixels)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    assert pixels.dtype == np.uint8
    h, w, c = pixels.shape
    digest = hashlib.sha256(b"%d %d %d\n" % (w, h, c) + pixels.tobytes()).hexdigest()
    lines.append(" ".join([digest, name, *map(str, operation)]))


def scene(h, w, c=3):
    """Something like a photograph: slopes, edges, a little noise."""
    y, x = np.mgrid[0:h, 0:w]
    planes = []
    for i in range(c):
        p = 128 + 70 * np.sin(x / (5.0 + i) + i) + 50 * np.cos(y / (4.0 + 2 * i)) + 30 * ((x // 7 + y // 5) % 2)
        planes.append(p + rng.normal(0, 6, (h, w)))
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


# ---- PNG, written here: Pillow writes few of them


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(rows, depth):
    """[h, w, c] -> filtered rows"""
    out = b""
    for i, row in enumerate(rows):
        flat = row.reshape(-1)
        if depth == 16:
            data = flat.astype(">u2").tobytes()
        elif depth == 8:
            data = flat.astype(np.uint8).tobytes()
        else:
            bits = "".join(format(int(v), f"0{depth}b") for v in flat)
            bits += "0" * (-len(bits) % 8)
            data = bytes(int(bits[k : k + 8], 2) for k in range(0, len(bits), 8))
        if i == 0:
            out += b"\0" + data
        else:  # the filter "up", that there is one
            out += b"\2" + bytes((a - b) & 255 for a, b in zip(data, last))
        last = data
    return out


ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def png(values, kind, depth, interlaced=False, extra=()):
    h, w, _ = values.shape
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, kind, 0, 0, interlaced))
    for name, content in extra:
        data += chunk(name, content)
    if interlaced:
        raw = b"".join(packed(values[y::dy, x::dx], depth) for y, x, dy, dx in ADAM7 if values[y::dy, x::dx].size)
    else:
        raw = packed(values, depth)
    return data + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


palette = rng.integers(0, 256, (256, 3), dtype=np.uint8)
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16]}
for kind, depths in DEPTHS.items():
    for depth in depths:
        for interlaced in (False, True):
            name = f"png_{kind}_{depth}{'_adam7' if interlaced else ''}.png"
            values = rng.integers(0, 2**depth, (9, 11, CHANNELS[kind]))
            extra = [(b"gAMA", struct.pack(">I", 100000))]
            if kind == 3:
                extra += [(b"PLTE", palette[: 2**depth].tobytes()), (b"tRNS", bytes(range(2**depth)))]
            if kind == 2:
                extra += [(b"tRNS", struct.pack(">HHH", 1, 2, 3))]
            data = png(values, kind, depth, interlaced, extra)
            (files / name).write_bytes(data)
            if depth == 16:
                pixels = (values >> 8).astype(np.uint8)[:, :, : 3 if kind & 2 else 1]
            else:
                pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB" if kind & 2 else "L"))
            golden(pixels, name, "file")
            rgb = Image.fromarray(pixels.squeeze()).convert("RGB")
            golden(rgb, name, "rgb")
            golden(rgb.convert("L"), name, "grey")

# ---- JPEG: samplings, sizes, progressive, grey, CMYK, restarts, arithmetic


def pnm(pixels):
    h, w, c = pixels.shape
    return b"P%d\n%d %d\n255\n" % (6 if c == 3 else 5, w, h) + pixels.tobytes()


def add_jpeg(name, data):
    (files / name).write_bytes(data)
    image = Image.open(io.BytesIO(data))
    grey = image.mode == "L"
    golden(image.convert("L" if grey else "RGB"), name, "file")
    golden(image.convert("RGB").convert("L"), name, "grey")


def cjpeg(pixels, *options):
    return subprocess.run(["cjpeg", *options], input=pnm(pixels), capture_output=True, check=True).stdout


for sampling in ("1x1", "2x1", "1x2", "2x2", "4x1", "1x4", "4x2", "2x1,1x2,1x1"):
    for kind, options in (("baseline", []), ("progressive", ["-progressive"])):
        name = f"jpeg_{sampling.replace(',', '_')}_{kind}.jpg"
        add_jpeg(name, cjpeg(scene(29, 37), "-quality", "80", "-sample", sampling, *options))
for w, h in ((1, 1), (7, 3), (8, 8), (16, 17), (33, 1), (1, 33)):
    add_jpeg(f"jpeg_{w}by{h}.jpg", cjpeg(scene(h, w), "-quality", "90"))
add_jpeg("jpeg_grey.jpg", cjpeg(scene(19, 23, 1), "-grayscale"))
add_jpeg("jpeg_grey_progressive.jpg", cjpeg(scene(19, 23, 1), "-grayscale", "-progressive"))
add_jpeg("jpeg_rgb.jpg", cjpeg(scene(19, 23), "-rgb"))
add_jpeg("jpeg_restarts.jpg", cjpeg(scene(40, 50), "-restart", "1"))
add_jpeg("jpeg_arithmetic.jpg", cjpeg(scene(40, 50), "-arithmetic"))
add_jpeg("jpeg_optimized.jpg", cjpeg(scene(40, 50), "-optimize", "-quality", "30"))
for subsampling in (0, 2):
    out = io.BytesIO()
    Image.fromarray(scene(21, 26, 4), "CMYK").save(out, "JPEG", quality=85, subsampling=subsampling)
    data = out.getvalue()
    add_jpeg(f"jpeg_cmyk_{subsampling}.jpg", data)
# the same without the Adobe marker, which makes no difference, and as YCCK (its transform is 2)
at = data.index(b"\xff\xee")
length = struct.unpack(">H", data[at + 2 : at + 4])[0]
assert data[at + 4 : at + 9] == b"Adobe"
add_jpeg("jpeg_cmyk_unmarked.jpg", data[:at] + data[at + 2 + length :])
add_jpeg("jpeg_ycck.jpg", data[: at + 2 + length - 1] + b"\2" + data[at + 2 + length :])

# ---- orientation: EXIF in both formats and byte orders

picture = Image.fromarray(scene(14, 19))
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=95, exif=exif)
    name = f"exif_{orientation}.jpg"
    (files / name).write_bytes(out.getvalue())
    golden(Image.open(io.BytesIO(out.getvalue())).convert("RGB"), name, "file")
    golden(ImageOps.exif_transpose(Image.open(io.BytesIO(out.getvalue()))), name, "upright")
tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
data = png(np.asarray(picture), 2, 8, False, [(b"eXIf", tiff)])
(files / "exif_6.png").write_bytes(data)
golden(ImageOps.exif_transpose(Image.open(io.BytesIO(data))), "exif_6.png", "upright")

# ---- resizing and colours

photo, grey = scene(47, 61), scene(40, 40, 1)
Image.fromarray(photo).save(files / "photo.png")
Image.fromarray(grey[:, :, 0]).save(files / "grey.png")
SIZES = [(28, 28), (61, 20), (30, 47), (122, 94), (61, 47), (1, 1), (224, 224), (60, 46), (200, 3), (7, 150), (64, 64)]
for name in ("photo.png", "grey.png"):
    image = Image.open(files / name)
    for w, h in SIZES:
        golden(image.resize((w, h), Image.BILINEAR), name, "resize", "bilinear", w, h)
        golden(image.resize((w, h), Image.BICUBIC), name, "resize", "bicubic", w, h)
        pixels = np.asarray(image)
        u = (2 * np.arange(w) + 1) * image.width // (2 * w)
        v = (2 * np.arange(h) + 1) * image.height // (2 * h)
        golden(pixels[v][:, u], name, "resize", "nearest", w, h)
colours = np.stack(np.meshgrid(*[np.arange(0, 256, 15)] * 3), -1).reshape(-1, 108, 3).astype(np.uint8)
colours = np.concatenate([colours, rng.integers(0, 256, (46, 108, 3), dtype=np.uint8)])
Image.fromarray(colours).save(files / "colours.png", optimize=True)
for name in ("photo.png", "colours.png"):
    image = Image.open(files / name)
    for factor in (0, 0.3, 0.75, 1, 1.1, 1.9, 4):
        golden(ImageEnhance.Brightness(image).enhance(factor), name, "brightness", factor)
        golden(ImageEnhance.Contrast(image).enhance(factor), name, "contrast", factor)
        golden(ImageEnhance.Color(image).enhance(factor), name, "saturation", factor)
    for turn in (0, 1, 50, 127, 128, 200, 255):
        h, s, v = image.convert("HSV").split()
        h = Image.fromarray(np.asarray(h) + np.uint8(turn))
        golden(Image.merge("HSV", (h, s, v)).convert("RGB"), name, "hue", turn)

# ---- moved: whole shifts and quarter turns are exact in Pillow, too

square = Image.fromarray(scene(24, 24))
square.save(files / "square.png")
for turns in range(4):  # rotate() is counterclockwise
    golden(square.rotate(-90 * turns), "square.png", "affine", 90 * turns, 0, 0, 1, 0, 0)
golden(square.transform((24, 24), Image.AFFINE, (1, 0, -5, 0, 1, 3)), "square.png", "affine", 0, 5, -3, 1, 0, 0)

(place / "goldens.txt").write_text("\n".join(lines) + "\n")
print(len(lines), "goldens,", sum(f.stat().st_size for f in files.iterdir()), "bytes")
