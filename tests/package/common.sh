# common.sh: what the scripts of this folder share. CC, CFLAGS, SOURCE, BUILD and LIBDIR come from
# the environment; they run in a directory of their own, with the installed library.
set -euo pipefail
prefix=$BUILD/package-prefix
lib=$prefix/$LIBDIR
examples=$SOURCE/tests/examples
export PKG_CONFIG_PATH=$lib/pkgconfig LD_LIBRARY_PATH=$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

skip() { echo "skipped: $*"; exit 77; }

# compile OUTPUT SOURCE...: as a user does it
compile() {
  local output=$1
  shift
  # shellcheck disable=SC2046,SC2086 # lists of flags
  "$CC" -std=c11 -Wall -Wextra -Werror $CFLAGS -o "$output" "$@" $(pkg-config --cflags --libs hone) -lm
}

# check SOURCE: it compiles
check() {
  # shellcheck disable=SC2046,SC2086 # lists of flags
  "$CC" -std=c11 -Wall -Wextra -Werror $CFLAGS -fsyntax-only "$1" $(pkg-config --cflags hone)
}
