#!/bin/bash
# files.sh HONE: what is saved, loaded and logged, and what happens when that goes wrong.
source "$(dirname "$0")/common.sh" "$1"
train=("$hone" train --limit 300 --epochs 1 --seed 3)

# ---- saved networks
works "${train[@]}" --save a.safetensors
says 'saved a.safetensors'
works "$hone" eval --load a.safetensors --limit 300
says '^digits: 300 images +test loss [0-9.]+ +test error 0\.[0-9]+$'
cp out eval_out
works "${train[@]}" --quiet --log log --save b.safetensors
cmp -s a.safetensors b.safetensors || fail "the same run saved another file"
says_nothing=$(wc -c <out)
[ "$says_nothing" -eq 0 ] || fail "--quiet printed"
# hone eval tells what the last row of hone train says
row=$(sed 's/.*"test_loss": \([^,]*\), "test_error": \([^,]*\),.*/\1 \2/' log)
printf 'test loss %.5f  test error %.4f\n' $row >wanted
grep -qF "$(cat wanted)" eval_out || fail "eval and train disagree: $(cat wanted) / $(cat eval_out)"

# --load begins where the file ends: 0 further epochs give the file back
works "$hone" train --limit 300 --epochs 0 --load a.safetensors --save c.safetensors
cmp -s a.safetensors c.safetensors || fail "--load and --save changed the file"
works "$hone" train --limit 300 --epochs 1 --load a.safetensors --save d.safetensors
if cmp -s a.safetensors d.safetensors; then fail "training after --load changed nothing"; fi

# ---- files that can't be loaded
refuses 1 'missing' "${train[@]}" --load missing
refuses 1 'a\.safetensors|0\.weight|2\.weight' "${train[@]}" --load a.safetensors --model mlp:784,50,10
refuses 1 'weight' "${train[@]}" --load a.safetensors --model mlp:784,10
head -c 1000 a.safetensors >cut.safetensors
refuses 1 'cut.safetensors' "${train[@]}" --load cut.safetensors
refuses 1 'cut.safetensors' "$hone" eval --load cut.safetensors
echo 'no network' >text
refuses 1 'text' "$hone" eval --load text
refuses 1 '784' "$hone" eval --load a.safetensors --limit 300 --model mlp:784,50,10

# ---- how weights lie: as PyTorch has them unless --layout says otherwise
for tag in '"format":"pt"' '"layout":"out,in"' '"0.weight":{"dtype":"F32","shape":\[100,784\]'; do
  grep -qa "$tag" a.safetensors || fail "no $tag in the file"
done
works "${train[@]}" --layout in,out --save in_out.safetensors
grep -qa '{"layout":"in,out"},"0.weight":{"dtype":"F32","shape":\[784,100\]' in_out.safetensors || fail "--layout in,out"
works "$hone" train --limit 300 --epochs 0 --load in_out.safetensors --save back.safetensors
cmp -s a.safetensors back.safetensors || fail "from in,out to out,in: another network"

# what no metadata say the shapes tell, whoever wrote the file; a layout of another tool is none
unsaid() { # FILE FROM SED...: its metadata changed, in as many bytes
  LC_ALL=C sed "${@:3}" "$2" >"$1"
  if cmp -s "$1" "$2"; then fail "nothing to change in $2"; fi
}
unsaid plain.safetensors a.safetensors -e 's/"layout"/"loyout"/' -e 's/"format"/"farmat"/'
unsaid plain_in_out.safetensors in_out.safetensors -e 's/"layout"/"loyout"/'
unsaid odd.safetensors a.safetensors -e 's/"out,in"/"NCHW  "/' -e 's/"format"/"farmat"/'
unsaid pt.safetensors a.safetensors -e 's/"layout"/"loyout"/'
for file in in_out plain plain_in_out odd pt; do
  works "$hone" eval --load $file.safetensors --limit 300
  cmp -s out eval_out || fail "$file.safetensors is another network"
  works "$hone" eval --load $file.safetensors --limit 300 --model mlp:784,100,10
  cmp -s out eval_out || fail "$file.safetensors is another network with --model"
  works "$hone" train --limit 300 --epochs 0 --load $file.safetensors --save back.safetensors
  cmp -s a.safetensors back.safetensors || fail "$file.safetensors is another network to --load"
done
# what the caller says wins, and then may not fit
works "$hone" eval --load odd.safetensors --limit 300 --layout out,in
refuses 1 'a.safetensors holds no mlp .* as in,out' "$hone" eval --load a.safetensors --limit 300 --layout in,out
refuses 1 '0.weight.*100, 784' "$hone" eval --load a.safetensors --limit 300 --layout in,out --model mlp:784,100,10
refuses 2 "--layout takes out,in or in,out, not 'NCHW'" "$hone" eval --load a.safetensors --layout NCHW
refuses 2 "--layout takes out,in or in,out, not 'NCHW'" "${train[@]}" --layout NCHW

# ---- places that can't be written: known before the training begins
refuses 1 '--save nowhere/x: No such file' "${train[@]}" --save nowhere/x
mkdir dir
refuses 1 '--save dir: not a regular file' "${train[@]}" --save dir
refuses 1 '--save dir/: ' "${train[@]}" --save dir/
refuses 1 '--save /dev/full: not a regular file' "${train[@]}" --save /dev/full
refuses 1 '--log nowhere/x: No such file' "${train[@]}" --log nowhere/x
[ -c /dev/full ] && refuses 1 "/dev/full: can't be written: No space left" "${train[@]}" --quiet --log /dev/full
[ -c /dev/full ] && refuses 1 "/dev/full: can't be written: No space left" "${train[@]}" --quiet --log /dev/full --save logged

# a link stays a link, also to what is not there yet; one that leads nowhere is known before the
# training
mkdir behind
ln -s behind/new to_new
works "${train[@]}" --save to_new
[ -L to_new ] && cmp -s a.safetensors behind/new || fail "--save through a link that dangles"
ln -s nowhere/new astray
refuses 1 '--save astray: No such file' "${train[@]}" --save astray
ln -s loop loop
ln -s behind/later to_later
refuses 1 '--save loop: Too many levels' "${train[@]}" --save loop
refuses 1 'nonexistent' "$hone" train --data nonexistent --save to_later
[ -L astray ] && [ -z "$(find behind -name later)" ] || fail "a look at --save left something"

# a file that may not be written, as a user who is bound by that (root is not)
mkdir others && cp a.safetensors "$hone" others && chmod 777 "$place" others && chmod 444 others/a.safetensors
user=()
[ "$(id -u)" -ne 0 ] || user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
if "${user[@]}" others/hone --version >/dev/null 2>&1; then
  refuses 1 '--save others/a.safetensors: Permission denied' "${user[@]}" others/hone train --limit 300 --epochs 1 \
    --save others/a.safetensors
  if grep -q 'train loss' out; then fail "it trained before it looked at --save"; fi
else
  not_checked "a file that may not be written (no other user to be)"
fi

# ---- --log never costs a file: not the network's, and nothing before the training begins
cp a.safetensors m.st
ln -s m.st link.st
ln m.st hard.st
for log in m.st ./m.st link.st hard.st "$place/m.st"; do
  refuses 2 "--log $log: the same file as --load" "${train[@]}" --load m.st --log "$log"
  refuses 2 "--log $log: the same file as --save" "${train[@]}" --save m.st --log "$log"
done
refuses 2 '--log same: the same file as --save' "${train[@]}" --save same --log same
refuses 2 '--log ./same: the same file as --save' "${train[@]}" --save "$place/same" --log ./same
[ ! -e same ] || fail "a refused --log left a file"
echo keep >keep.log
refuses 1 'nonexistent' "$hone" train --data nonexistent --log keep.log
refuses 1 'missing' "${train[@]}" --load missing --log keep.log
refuses 1 '700 numbers' "${train[@]}" --model mlp:700,10 --log keep.log
refuses 2 '--model' "${train[@]}" --model mlp:700 --log keep.log
cmp -s a.safetensors m.st || fail "--log damaged the network"
[ "$(cat keep.log)" = keep ] || fail "--log emptied a file before training"
works "${train[@]}" --log keep.log
if grep -q keep keep.log || [ "$(wc -l <keep.log)" -ne 1 ]; then fail "an old log was not replaced"; fi

# ---- output that is lost is a failure; what a closed stream would have got goes into no file
if [ -c /dev/full ]; then
  to_full() { "$@" >/dev/full; }
  for call in info --help --version "train --help" "eval --load a.safetensors --limit 300" "train --limit 300 --epochs 1"; do
    # shellcheck disable=SC2086
    refuses 1 "can't write to standard output: (No space left|some of it was lost)" to_full "$hone" $call
  done
fi
closed() { "$@" >&-; }
refuses 1 "can't write to standard output" closed "${train[@]}" --log closed.log --save closed.st
grep -qE '^\{"epoch": 1, .*\}$' closed.log && [ "$(wc -l <closed.log)" -eq 1 ] || fail "the log has: $(cat closed.log)"
cmp -s a.safetensors closed.st || fail "a closed stdout changed the file"
works closed "${train[@]}" --quiet --log closed.log
"${train[@]}" --lr 1000000 --quiet --log closed.log 2>&- >&- <&-
[ "$(wc -l <closed.log)" -eq 1 ] || fail "a message went into the log: $(cat closed.log)"

# ---- no room while saving (the file would pass the limit of the shell): the old file stays whole
mkdir full
cp a.safetensors full/old.safetensors
small_files() { (trap '' XFSZ; ulimit -f 100; "$@"); }
refuses 1 'old.safetensors' small_files "${train[@]}" --quiet --seed 4 --save full/old.safetensors
cmp -s a.safetensors full/old.safetensors || fail "a failed save damaged the old file"
[ "$(find full -mindepth 1 | wc -l)" -eq 1 ] || fail "a failed save left: $(ls -A full)"

# the same on a disk that is full, where this user may mount one
full_disk() {
  mkdir disk && mount -t tmpfs -o size=256k tmpfs disk || return 77
  head -c 100000 "$1" >disk/old.safetensors
  cp disk/old.safetensors kept
  "$hone" train --limit 300 --epochs 1 --quiet --save disk/old.safetensors 2>err
  local status=$?
  cmp disk/old.safetensors kept && [ "$(find disk -mindepth 1 | wc -l)" -eq 1 ] && [ $status -eq 1 ] &&
    grep -q 'No space left' err
  status=$?
  umount disk
  return $status
}
export hone
export -f full_disk
unshare -rm bash -c 'full_disk a.safetensors' >disk_out 2>&1
status=$?
case $status in
0) checks=$((checks + 1)) ;;
*) if mountpoint=$(unshare -rm true 2>&1) && [ $status -ne 77 ]; then
  fail "a full disk while saving"; cat disk_out err
else
  not_checked "a full tmpfs (this user can't mount one)"
fi ;;
esac

# ---- the log: one JSON object an epoch with these keys, in this order
works "$hone" train --limit 300 --epochs 3 --log log --batch 50
keys='"epoch" "train_loss" "train_error" "test_loss" "test_error" "lr" "grad_norm" "seconds" "samples_per_second" "threads" "isa"'
[ "$(wc -l <log)" -eq 3 ] || fail "not 3 lines in the log"
while read -r line; do
  [ "$(grep -oE '"[a-z_]+":' <<<"$line" | tr -d : | xargs -d '\n' echo)" = "$keys" ] || fail "keys of: $line"
done <log
grep -qE '^\{"epoch": 3, "train_loss": [0-9.e-]+, .*"threads": [0-9]+, "isa": "[a-z0-9]+"\}$' log || fail "line 3 of the log"
if command -v python3 >/dev/null; then
  python3 -c 'import json,sys
rows = [json.loads(line) for line in open("log")]
assert [r["epoch"] for r in rows] == [1, 2, 3], rows
assert all(0 <= r[k] <= 1 for r in rows for k in ("train_error", "test_error")), rows
assert rows[2]["train_loss"] < rows[0]["train_loss"], rows' || fail "the log as JSON"
  checks=$((checks + 1))
fi

# a loss that is not finite is told, and is null in the log
"$hone" train --limit 300 --epochs 4 --lr 1000000 --nan ignore --quiet --log log >out 2>err
[ "$(grep -c 'not finite' err)" -eq 1 ] || fail "not warned once"
grep -q '"train_loss": null, ' log || fail "no null in the log: $(cat log)"
! grep -qi 'nan\|inf' log || fail "no JSON: $(cat log)"

# ---- names that a terminal would obey
header='{"a\u001b[31mb\nc":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"__metadata__":{"k\u0007":"v\u009b1m"}}'
{ printf '%b' "\\x$(printf %02x ${#header})\\0\\0\\0\\0\\0\\0\\0"; printf %s "$header"; printf x; } >odd.safetensors
works "$hone" show odd.safetensors
says '^a\\x1b\[31mb\\nc +U8'
says '^  k\\x07: v\\x9b1m$'
if LC_ALL=C grep -q $'\e\\|\a\|\x9b' out; then fail "hone show prints control characters"; fi
finish
