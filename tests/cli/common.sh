# common.sh: for the scripts beside it: source common.sh HONE. Each runs in an empty directory;
# `finish` is the last line.
set -uo pipefail
hone=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
unset HONE_ISA HONE_NUM_THREADS HONE_FORCE_THREADS HONE_DEBUG
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place" || exit 1
checks=0 failures=0

fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

# refuses STATUS PATTERN COMMAND...: it exits with STATUS and prints one line on stderr, which
# matches PATTERN (grep -E).
refuses() {
  local status=$1 pattern=$2 got
  shift 2
  checks=$((checks + 1))
  "$@" >out 2>err
  got=$?
  if [ $got -ne "$status" ]; then fail "exit status $got, not $status: $*"; cat err; fi
  if [ "$(wc -l <err)" -ne 1 ]; then fail "not one line on stderr: $*"; cat err; fi
  grep -qE -- "$pattern" err || { fail "no /$pattern/ on stderr: $*"; cat err; }
  if [ "$status" -eq 2 ] && [ -s out ]; then fail "a usage error printed to stdout: $*"; fi
}

# works COMMAND...: exit status 0 and nothing on stderr.
works() {
  checks=$((checks + 1))
  "$@" >out 2>err || { fail "exit status $?: $*"; cat err; }
  if [ -s err ]; then fail "printed to stderr: $*"; cat err; fi
}

# says PATTERN: the last command's stdout matches.
says() { checks=$((checks + 1)); grep -qE -- "$1" out || { fail "no /$1/ in:"; cat out; }; }

# not_checked WHAT: this machine can't; said again at the end, so that it is seen.
left_out=()
not_checked() { left_out+=("$1"); }

finish() {
  echo "$checks checks, $failures failures"
  [ ${#left_out[@]} -eq 0 ] || printf 'SKIPPED PART: %s\n' "${left_out[@]}"
  [ "$failures" -eq 0 ] && [ "$checks" -gt 0 ]
}
