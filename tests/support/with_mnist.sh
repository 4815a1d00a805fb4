#!/bin/bash
# with_mnist.sh DIR COMMAND [ARG...]: runs COMMAND in an empty directory, each ARG that is @MNIST@
# replaced by the directory of MNIST's four files: $HONE_MNIST_DIR if it is set, else DIR. Exit
# status 77 (skipped) if neither is there.
set -euo pipefail
mnist=${HONE_MNIST_DIR:-$1}
shift
if [ ! -d "$mnist" ]; then
  echo "skipped: no MNIST; HONE_MNIST_DIR can name its directory"
  exit 77
fi
mnist=$(cd "$mnist" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${@//@MNIST@/$mnist}"
