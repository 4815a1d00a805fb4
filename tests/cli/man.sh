#!/bin/bash
# man.sh HONE: hone help --man is a page that roff takes without a warning, of all that --help tells.
# shellcheck source=common.sh
source "${0%/*}/common.sh" "$1"

works "$hone" help --man
cp out hone.1
says '^\.TH HONE 1 '
works "$hone" --help
sed -n 's/^  \([a-z]*\) .*/\1/p' out >commands
[ "$(wc -l <commands)" -ge 6 ] || fail "hone --help lists these commands: $(cat commands)"
for variable in $(grep -o 'HONE_[A-Z_]*' out); do
  grep -q "^.fB$variable" hone.1 || fail "the page has no $variable"
done
while read -r command; do
  grep -q "^\.SS hone $command " hone.1 || fail "the page has no hone $command"
  works "$hone" "$command" --help
  # the section of the command, without roff's escapes
  awk -v c="$command" '/^\.S[SH]/ { on = $0 ~ "^.SS hone " c " " } on' hone.1 |
    sed 's/\\-/-/g; s/\\f[BIR]//g; s/\\&//g' >section
  sed -n 's/^  \(--[a-z-]*\) .*/\1/p' out | while read -r option; do
    grep -qE -- "^$option( |\$)" section || echo "FAILED: hone $command: no $option in the page"
  done >missing
  [ -s missing ] && { cat missing; fail "hone $command"; }
done <commands

if command -v groff >/dev/null; then
  checks=$((checks + 1))
  groff -man -ww -Tutf8 hone.1 >page 2>warnings || fail "groff"
  [ -s warnings ] && { cat warnings; fail "groff has warnings"; }
  [ "$(wc -l <page)" -gt 100 ] || fail "groff's page is short"
fi
if command -v man >/dev/null && command -v nroff >/dev/null; then
  checks=$((checks + 1))
  LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 hone.1 >page 2>warnings || fail "man"
  [ -s warnings ] && { cat warnings; fail "man has warnings"; }
fi
if command -v mandoc >/dev/null; then
  checks=$((checks + 1))
  mandoc -T lint -W error hone.1 >warnings || { cat warnings; fail "mandoc"; }
fi
finish
