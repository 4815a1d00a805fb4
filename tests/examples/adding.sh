#!/bin/bash
# adding.sh: does what README.md says under "To add an op" and "To add a layer" to a copy of the
# sources, word for word, builds what changed beside the objects that are there, and runs the tests.
# From the environment: SOURCE, PLACE (a folder to work in), CC, CFLAGS, LINK (flags), LIBRARY (the
# static one), OBJECTS (files that list the objects of: the catalog, the program), SUPPORT (sources).
set -euo pipefail
rm -rf "$PLACE"
mkdir -p "$PLACE/copy"
cp -r "$SOURCE"/{src,simd,include,tests,README.md} "$PLACE/copy"
cd "$PLACE/copy"

# The snippets of a section: each ```c block goes into the file that the line before it names, at its
# end or below the first line that holds the text named there.
add() {
  awk -v section="### $1" '
    /^##/ { inside = $0 == section }
    !inside { next }
    /^```c$/ { n++; snippet = sprintf("../snippet.%d", n); printf "" >snippet; taking = 1
               print where "|" snippet; next }
    /^```$/ { taking = 0; close(snippet); next }
    taking { print >snippet; next }
    NF { text = text " " $0 }
    !NF { text = "" }
    NF && match(text, /`[a-z]+\/[a-z_\/.]+`, (at the end|below `[^`]+`):$/) {
      where = substr(text, RSTART + 1); sub(/`, at the end:$/, "|", where)
      sub(/`, below `/, "|", where); sub(/`:$/, "", where) }' README.md >../places
  [ -s ../places ] || { echo "README.md has no snippets under '$1'"; exit 1; }
  while IFS='|' read -r file below snippet; do
    if [ -z "$below" ]; then
      cat "$snippet" >>"$file"
    else
      line=$(grep -nF -m1 -- "$below" "$file" | cut -d: -f1)
      [ -n "$line" ] || { echo "no '$below' in $file"; exit 1; }
      sed -i "${line}r $snippet" "$file"
    fi
  done < ../places
}
changed() { { diff -rq "$SOURCE/$1" "$1" || true; } | awk '{ print $4 }'; }
count() {
  local files
  files=$(for room in src simd include tests; do changed $room; done)
  # shellcheck disable=SC2086
  echo "$1: $(echo "$files" | wc -l) files: $(echo $files)"
}
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
awk -f tests/ops/entries.awk include/hone/ops.h >../catalog_entries.c
compile src/ops/unary.c src/ops/table.c tests/ops/catalog_unary.c tests/ops/catalog.c ../catalog_entries.c
# the catalog's objects are the build's own, but for those of the files that changed
mapfile -t catalog < <(others "${OBJECTS%% *}")
mapfile -t program < <(others "${OBJECTS##* }")
new=(../unary.o ../table.o)
link ../hone "${program[@]}" "${new[@]}"
../hone ops softsign
[ "$(../hone ops softsign | head -n 1)" = "softsign(x) -> out" ]
../hone bench ops --only softsign --seconds 0.01 --size 100
for test in values gradients call errors; do
  compile "tests/ops/test_catalog_$test.c" $SUPPORT
  mapfile -t support < <(for source in $SUPPORT; do echo "../$(basename "$source" .c).o"; done)
  link "../test_$test" "../test_catalog_$test.o" "${support[@]}" ../catalog_unary.o ../catalog.o \
    ../catalog_entries.o "${catalog[@]}" "${new[@]}"
  "../test_$test" -j1 2>&1 | tail -n 3
done

# the layer: counted from the sources with the op
rm -rf ../with_op && cp -r . ../with_op
SOURCE=$PLACE/with_op
add "To add a layer"
count "a layer"
compile src/nn/plain.c
cat >../layer.c <<'C'
#include <hone/hone.h>
int main(void)
{
    HONE_SCOPE();
    hone_module *layer = hone_nn_softsign();
    hone_tensor *x = hone_full(HONE_F32, -3.0, 2);
    hone_print(hone_forward(layer, x));
    hone_print_module(layer);
    const bool good = hone_at(hone_forward(layer, x), 1) == -0.75;
    hone_module_free(layer);
    return good && hone_error_code() == HONE_OK ? 0 : 1;
}
C
compile ../layer.c
link ../layer ../layer.o ../plain.o "${new[@]}"
../layer
