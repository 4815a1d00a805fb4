#!/bin/bash
# save.sh HONE: nothing that happens beside the training costs a network, the trained one or the one
# that was there.
source "$(dirname "$0")/common.sh" "$1"
train=("$hone" train --limit 300 --epochs 1 --seed 3)
works "${train[@]}" --save good.safetensors

# refused PATTERN COMMAND...: as `refuses 1`, and before it trained
refused() {
  refuses 1 "$@"
  if grep -q 'train loss' out; then fail "it trained first: ${*:2}"; fi
}
# left DIR: what was left in it of saves
left() { find "$1" -name '.hone-*' | wc -l; }

# ---- output that nobody reads
"${train[@]}" --save piped.safetensors 2>err | true
[ "${PIPESTATUS[0]}" -eq 1 ] || fail "no failure although its output was lost"
grep -qE 'standard output: (Broken pipe|some of it was lost)' err || { fail "no word of the output that was lost"; cat err; }
cmp -s good.safetensors piped.safetensors || fail "the network went with its reader"
"${train[@]}" --log piped.log 2>err | true
grep -q '^{"epoch": 1, ' piped.log || fail "the log went with its reader"
# without a file to write there is nothing to stay for
"${train[@]}" 2>err | true
[ "${PIPESTATUS[0]}" -eq 141 ] || fail "it trains for nobody"
"$hone" bench elementwise --only add --size 1000 --seconds 0.2 --threads 1 --json piped.json 2>err | true
grep -q '"gbps"' piped.json || fail "bench's rows went with their reader: $(cat err)"
checks=$((checks + 4))

# ---- what can't work is known before the training
refused '--save x+: File name too long' "${train[@]}" --save "$(printf 'x%.0s' {1..256})"
works "${train[@]}" --save "$(printf 'x%.0s' {1..255})"
mkdir gone
from_gone() { (cd gone && rmdir ../gone && "$@"); }
refused '--save f: No such file' from_gone "${train[@]}" --save f
cp good.safetensors append.safetensors
if chattr +a append.safetensors 2>/dev/null; then
  refused '--save append.safetensors: Operation not permitted' "${train[@]}" --save append.safetensors
  chattr -a append.safetensors
else
  not_checked "an append-only file (this user or this file system has none)"
fi
mkdir sticky && cp good.safetensors "$hone" sticky && chmod 1777 sticky && chmod 666 sticky/good.safetensors && chmod 755 "$place"
user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
if [ "$(id -u)" -eq 0 ] && "${user[@]}" sticky/hone --version >/dev/null 2>&1; then
  refused '--save sticky/good.safetensors: Operation not permitted' "${user[@]}" sticky/hone train --limit 300 \
    --epochs 1 --save sticky/good.safetensors
  [ "$(left sticky)" -eq 0 ] || fail "a look at --save left something"
else
  not_checked "another user's file in a sticky directory (no other user to be)"
fi
cmp -s good.safetensors sticky/good.safetensors && cmp -s good.safetensors append.safetensors || fail "a look changed a file"

# ---- a limit on the size of files is an error, not a signal
mkdir limited && cp good.safetensors limited/old
small_files() { (ulimit -f 100; "$@"); }
refuses 1 'old: File too large' small_files "${train[@]}" --quiet --save limited/old
cmp -s good.safetensors limited/old && [ "$(left limited)" -eq 0 ] || fail "a file past the limit: $(ls -A limited)"

# ---- what kill -9 leaves goes with the next save to that name
mkdir killed
"$hone" train --limit 10 --epochs 0 --model mlp:784,60000,10 --save killed/big >out 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && [ -z "$(find killed -name '.hone-*.tmp' -size +1k)" ]; do :; done
kill -9 $pid 2>/dev/null
wait $pid 2>/dev/null
if [ "$(left killed)" -eq 1 ]; then
  works "${train[@]}" --save killed/other
  [ "$(left killed)" -eq 1 ] || fail "a save to another name removed it"
  works "${train[@]}" --save killed/big
  [ "$(left killed)" -eq 0 ] || fail "it is still there: $(ls -A killed)"
else
  not_checked "what kill -9 leaves (the save was over too soon)"
fi

# ---- weights that are no numbers
{ head -c -4 good.safetensors; printf '\377\377\377\177'; } >nan.safetensors # the last bias
diverging=("$hone" train --limit 300 --epochs 1 --load nan.safetensors --quiet --nan ignore)
cp good.safetensors kept.safetensors
"${diverging[@]}" --save kept.safetensors 2>err
[ $? -eq 1 ] || fail "no failure although nothing was saved"
grep -q 'weights are NaN or infinite: kept.safetensors stays as it was (--save-anyway' err || { fail "no word of it"; cat err; }
cmp -s good.safetensors kept.safetensors || fail "NaN replaced a good file"
"${diverging[@]}" --save kept.safetensors --save-anyway 2>err || fail "exit status $?: --save-anyway"
grep -q 'saved all the same' err || fail "no word of --save-anyway"
! cmp -s good.safetensors kept.safetensors || fail "--save-anyway did not save"
"${diverging[@]}" --save new.safetensors 2>err || fail "exit status $?: a new file"
[ -f new.safetensors ] && grep -q 'saved all the same' err || fail "a new file"
checks=$((checks + 3))
finish
