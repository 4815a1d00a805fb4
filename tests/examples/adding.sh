#!/bin/bash
# adding.sh: does what README.md says under "To add an op" and "To add a layer" to a copy of the
# sources, word for word, builds what changed beside the objects that are there, and runs the tests.
# From the environment: SOURCE, PLACE (a folder to work in), CC, CFLAGS, LINK (flags), LIBRARY (the
# static one, an object a file), OBJECTS (files that list the objects of: the catalog, the program), SUPPORT (sources),
# HEADERS (those that declare ops, from the top of the sources).
set -euo pipefail
# shellcheck source=tests/examples/snippets.sh
source "$(dirname "$0")/snippets.sh"
fresh_copy src simd include tests README.md

# compile SOURCE...: objects in ../ by the file's name
compile() {
  local source
  for source; do
    # shellcheck disable=SC2086
    "$CC" -std=gnu11 -O1 -Wall -Wextra -Werror -Wno-missing-field-initializers -Wno-unused-parameter \
      -ffp-contract=off -fwrapv -fopenmp $CFLAGS -Iinclude -Isrc -Isimd -Itests/support -Itests/ops \
      -D_GNU_SOURCE -DHONE_BUILD=1 -DHONE_SOURCE_DIR='"."' -c "$source" -o "../$(basename "$source" .c).o"
  done
}
# link OUTPUT OBJECT...
# shellcheck disable=SC2086 # lists of flags
link() { "$CC" $CFLAGS -o "$@" "$LIBRARY" $LINK; }
# Those of the objects listed in a file of which there is no newer one here.
others() {
  while read -r object; do
    [ -f "../$(basename "$object" .c.o).o" ] || echo "$object"
  done <"$1"
}

add "To add an op"
count "an op"
# shellcheck disable=SC2086 # a list
awk -f tests/ops/entries.awk $HEADERS >../catalog_entries.c
compile src/ops/unary.c src/ops/table.c tests/ops/catalog_unary.c tests/ops/catalog.c ../catalog_entries.c
# the catalog's objects are the build's own, but for those of the files that changed
mapfile -t catalog < <(others "${OBJECTS%% *}")
mapfile -t program < <(others "${OBJECTS##* }")
new=(../unary.o ../table.o)
link ../hone "${program[@]}" "${new[@]}"
../hone ops squareplus
[ "$(../hone ops squareplus | head -n 1)" = "squareplus(x) -> out" ]
../hone bench ops --only squareplus --seconds 0.01 --size 100
for test in values gradients call errors; do
  compile "tests/ops/test_catalog_$test.c" $SUPPORT
  mapfile -t support < <(for source in $SUPPORT; do echo "../$(basename "$source" .c).o"; done)
  link "../test_$test" "../test_catalog_$test.o" "${support[@]}" ../catalog_unary.o ../catalog.o \
    ../catalog_entries.o "${catalog[@]}" "${new[@]}"
  "../test_$test" -j1 2>&1 | tail -n 3
done

# the layer: counted from the sources with the op
count_from_here
add "To add a layer"
count "a layer"
compile src/nn/activation.c src/nn/named.c
cat >../layer.c <<'C'
#include <hone/hone.h>
int main(void)
{
    HONE_SCOPE();
    hone_module *layer = hone_nn_layer("Squareplus", "scale=0.5");
    hone_tensor *x = hone_full(HONE_F32, -1.5, 2);
    hone_print(hone_forward(layer, x));
    hone_print_module(layer);
    const bool good = hone_at(hone_forward(layer, x), 1) == 0.25;
    hone_module_free(layer);
    return good && hone_error_code() == HONE_OK ? 0 : 1;
}
C
compile ../layer.c
link ../layer ../layer.o ../activation.o ../named.o "${new[@]}"
../layer
