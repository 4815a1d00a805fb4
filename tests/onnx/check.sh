#!/bin/bash
# check.sh CASES HONE: what hone writes as ONNX is the same for the same network, and, with a Python (HONE_PYTHON, default
# python3) that has onnx and onnxruntime, valid, and computes what hone computes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${HONE_PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir "$place/1" "$place/2"
"$1" "$place/1"
HONE_FORCE_THREADS=3 "$1" "$place/2"
for f in "$place"/1/*; do cmp "$f" "$place/2/$(basename "$f")"; done
cd "$place"
"$2" export mlp.onnx --model mlp:20,30,10 --batch 3
grep -q Gemm mlp.onnx && grep -q 0.weight mlp.onnx || { echo "mlp.onnx lacks what it should have"; exit 1; }
cat >odd.hone <<'END'
model Odd():
    forward(x):
        return sort(x, dim=1)
END
"$2" export x.onnx --model odd.hone --input 5 2>err && { echo "a sort was written"; exit 1; }
grep -q "the op .* has no counterpart that hone writes" err || { cat err; exit 1; }
"$2" export x.onnx --model lenet 2>err && exit 1
grep -q -- "--input SHAPE or --tokens N tells what a sample of lenet is" err || { cat err; exit 1; }
[ ! -e x.onnx ] || { echo "something was written"; exit 1; }
"$python" -c 'import onnx, onnxruntime' 2>/dev/null || { echo "not checked by onnxruntime: no onnx, onnxruntime in $python"; exit 0; }
"$python" "$here/check.py" "$place/1"
