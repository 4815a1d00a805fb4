# snippets.sh: what adding.sh and adding_kernels.sh share; to be sourced. They work in $PLACE/copy, a
# copy of the sources.

# What is counted: what differs from $BEFORE.
BEFORE=$SOURCE
fresh_copy() { # WHAT...: folders and files
  rm -rf "$PLACE"
  mkdir -p "$PLACE/copy"
  (cd "$SOURCE" && cp -r "$@" "$PLACE/copy")
  cd "$PLACE/copy"
}

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
changed() {
  { diff -rq "$BEFORE/$1" "$1" || true; } |
    awk '/^Only in/ { sub(/:$/, "/", $3); print $3 $4; next } { print $4 }'
}
count() {
  local files
  files=$(for room in src simd include tests; do changed $room; done)
  # shellcheck disable=SC2086
  echo "$1: $(echo "$files" | wc -l) files: $(echo $files)"
}
# What was added so far no longer counts.
count_from_here() {
  BEFORE=$PLACE/before
  rm -rf "$BEFORE"
  cp -r . "$BEFORE"
}
