#!/bin/bash
# Pillow 13 resizes to other pixels than Pillow 12: its vertical pass comes first where the height shrinks by more
# than twice what the width does, 100 x 200 to 90 x 90 for one; in 12 the horizontal one always does. As 8-bit
# pictures are rounded between the passes, that shows, in bilinear and bicubic alike: a set that was resized ahead with
# Pillow 12 isn't what Pillow 13 feeds to the same network. So (in 13) a picture and its transpose are resized unlike.
#
# Needs Python 3 with venv, and the network; installs nothing outside a temporary folder.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q numpy
cat >"$place/order.py" <<'PY'
import numpy
import PIL
from PIL import Image

def order(width, height, to_width, to_height, how):
    pixels = numpy.random.default_rng(0).integers(0, 256, (height, width), dtype=numpy.uint8)
    image = Image.fromarray(pixels)
    direct = numpy.array(image.resize((to_width, to_height), how))
    columns = numpy.array(image.resize((to_width, height), how).resize((to_width, to_height), how))
    rows = numpy.array(image.resize((width, to_height), how).resize((to_width, to_height), how))
    assert (columns != rows).any()
    return "horizontal" if (direct == columns).all() else "vertical" if (direct == rows).all() else "neither"

sizes = [(100, 200, 90, 90), (200, 100, 90, 90), (100, 110, 90, 90), (100, 100, 200, 50), (500, 375, 224, 224)]
print(" ".join(order(*s, how) for how in (Image.BILINEAR, Image.BICUBIC) for s in sizes))
PY
old="horizontal horizontal horizontal horizontal horizontal"
new="vertical horizontal horizontal vertical horizontal"
for version in 12.3.0 13.0.0; do
  "$place/venv/bin/pip" install -q --no-deps --target "$place/$version" "Pillow==$version"
  seen=$(PYTHONPATH="$place/$version" "$place/venv/bin/python" "$place/order.py")
  echo "Pillow $version, which pass comes first: $seen"
  [ "$version" = 12.3.0 ] && wanted="$old $old" || wanted="$new $new"
  [ "$seen" = "$wanted" ] || { echo "this has changed: it was $wanted"; exit 1; }
done
