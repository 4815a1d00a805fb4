#!/bin/bash
# report.sh HONE: --plot and --report: one file each that needs nothing else, is well formed, and
# whose curves have a point for every epoch.
source "$(dirname "$0")/common.sh" "$1"
train=("$hone" train --limit 1000)

# points FILE NAME N: the line of that name has N points
points() {
  local got
  checks=$((checks + 1))
  got=$(awk -v name="data-name=\"$2\"" 'index($0, name) { inside = 1; next } /^<g class="line"/ { inside = 0 } inside && /^<circle / { n++ } END { print n + 0 }' "$1")
  [ "$got" -eq "$3" ] || fail "$1: $got points in $2, not $3"
}
# nothing outside of it is asked for
alone() {
  checks=$((checks + 1))
  if grep -qiE 'https?:|//[a-z]|<script|<link|@import|url\(|src="[^d]' \
    <(sed 's|xmlns="http://www.w3.org/[^"]*"||g; s|src="data:image/png;base64,[^"]*"||g' "$1"); then
    fail "$1 needs something else"
  fi
}
# formed FILE: XML that a parser takes, pictures that are PNG
formed() {
  checks=$((checks + 1))
  command -v python3 >/dev/null || { not_checked "well-formedness (no python3)"; return; }
  python3 - "$1" <<'PY' || fail "$1 is not well formed"
import base64, html.parser, re, struct, sys, xml.etree.ElementTree as tree, zlib
text = open(sys.argv[1], encoding="utf-8").read()
root = tree.fromstring(text)
class parser(html.parser.HTMLParser):
    stack = []
    def handle_starttag(self, tag, attrs): self.stack.append(tag)
    def handle_startendtag(self, tag, attrs): pass
    def handle_endtag(self, tag): assert self.stack.pop() == tag, tag
p = parser()
p.feed(text)
assert not p.stack, p.stack
for picture in re.findall(r'src="data:image/png;base64,([^"]*)"', text):
    data = base64.b64decode(picture, validate=True)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, pixels, names = 8, b"", []
    while at < len(data):
        n, name = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + n]
        assert zlib.crc32(name + body) == struct.unpack(">I", data[at + 8 + n:at + 12 + n])[0], name
        names.append(name)
        if name == b"IHDR":
            width, height, depth, kind = struct.unpack(">IIBB", body[:10])
        if name == b"IDAT":
            pixels = zlib.decompress(body)
        at += 12 + n
    assert names == [b"IHDR", b"IDAT", b"IEND"] and (width, height, depth, kind) == (28, 28, 8, 0)
    assert len(pixels) == 28 * 29 and max(pixels) > 100
PY
}

works "${train[@]}" --epochs 7 --plot run.svg --report run.html --val-split 0.1 --top-k 2 --log "a<b&'c'"
says '^wrote run.svg$'
says '^wrote run.html$'
for file in run.svg run.html; do
  formed $file
  alone $file
  for line in "train loss" "test loss" "val loss" "train error" "test error" "val error" "top-k error"; do points $file "$line" 7; done
done
for line in "learning rate" "gradient norm" "samples/s"; do points run.html "$line" 7; done
grep -qF "hone train --limit 1000 --epochs 7 --plot run.svg --report run.html --val-split 0.1 --top-k 2 --log 'a&lt;b&amp;'\\''c'\\'''" run.html ||
  { fail "not the command line"; grep '<pre>' run.html; }
grep -q '<td>digits: 900 for training, 100 held out, 1000 for tests</td>' run.html || fail "not the data"
[ "$(grep -c '<figure>' run.html)" -eq 24 ] || fail "not 24 pictures"
# the matrix is the one that is printed
[ "$(sed -n '/^class/,$p' out | awk 'NF == 13 && $1 ~ /^[0-9]$/ { $1 = ""; print $0 }')" = \
  "$(grep -E '^<tr><th>[0-9]</th><td style' run.html | sed 's/<tr><th>[0-9]*<\/th>//; s/<[^>]*>/ /g; s/  */ /g; s/ $//')" ] ||
  { fail "another matrix"; cat out; }
# what is looked at changes nothing
works "${train[@]}" --epochs 2 --quiet --save a --plot a.svg --report a.html
works "${train[@]}" --epochs 2 --quiet --save b
cmp -s a b || fail "a report changes the weights"
[ -z "$(find . -name '.hone-*')" ] || fail "something was left"
checks=$((checks + 6))

# the same curves as pixels: a whole PNG of 1440 x 960
works "${train[@]}" --epochs 4 --quiet --plot c.png
[ "$(head -c 8 c.png | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] || fail "c.png is no PNG"
[ "$(od -An -tu1 -j16 -N8 c.png | tr -s ' ')" = ' 0 0 5 160 0 0 3 192' ] || fail "c.png has another size"
[ "$(tail -c 12 c.png | od -An -tx1 | tr -d ' \n')" = 0000000049454e44ae426082 ] || fail "c.png has no end"
refuses 2 '--plot c.gif: the name of such a file ends in .svg or .png' "${train[@]}" --epochs 1 --plot c.gif
checks=$((checks + 3))

# few epochs, values without a place, a run that ends early
works "${train[@]}" --epochs 0 --quiet --plot none.svg --report none.html
formed none.svg
formed none.html
points none.html "train loss" 0
works "${train[@]}" --epochs 1 --quiet --lr 0 --plot one.svg --report one.html
formed one.svg
points one.html "learning rate" 1
"${train[@]}" --epochs 4 --lr 1000000 --nan ignore --quiet --plot nan.svg --report nan.html >out 2>err
formed nan.svg
formed nan.html
points nan.html "test error" 4
if grep -qE 'nan|inf[^o]' nan.svg; then fail "a number that is none"; fi
"${train[@]}" --epochs 4 --lr 1000000 --quiet --report stop.html >out 2>err
[ $? -eq 1 ] && [ -s stop.html ] || fail "no report of a run that stopped"
formed stop.html

# a browser has nothing to complain of and finds the same points
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -n "$browser" ] && timeout 60 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$place/profile" --dump-dom about:blank >/dev/null 2>&1; then
  timeout 120 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$place/profile" --enable-logging=stderr --dump-dom "file://$place/run.html" >dom 2>log.browser ||
    fail "the browser failed"
  if grep -q CONSOLE log.browser; then fail "the browser complains"; grep CONSOLE log.browser; fi
  [ "$(grep -o '<circle ' dom | wc -l)" -eq 70 ] && [ "$(grep -o '<img ' dom | wc -l)" -eq 24 ] || fail "the browser finds other points or pictures"
  checks=$((checks + 3))
else
  not_checked "the page in a browser (there is no chromium that runs)"
fi

for option in plot report; do
  end=$([ $option = plot ] && echo svg || echo html)
  refuses 2 "--$option: the FILE.$end.* is empty" "${train[@]}" --$option ''
  refuses 2 "--$option x.gif: the name of such a file ends in .$end" "${train[@]}" --$option x.gif
  refuses 2 "--$option .$end: the name of such a file ends in" "${train[@]}" --$option .$end
  refuses 1 "--$option gone/x.$end: No such file" "${train[@]}" --$option gone/x.$end
  refuses 2 "--$option x.$end: the same file as --save" "${train[@]}" --$option x.$end --save x.$end
  refuses 2 "--$option x.$end: the same file as --log" "${train[@]}" --$option x.$end --log x.$end
  mkdir d.$end
  refuses 1 "--$option d.$end: not a regular file" "${train[@]}" --$option d.$end
done
finish
