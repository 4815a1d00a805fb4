#!/bin/bash
# large.sh HONE: a set of 20 GB, a sparse file, is trained on within 200 MB of memory of its own.
source "$(dirname "$0")/common.sh" "$1"

be32() { printf "\\x$(printf %02x $(($1 >> 24 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))\\x$(printf %02x \
  $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 & 255)))"; }
n=101726 side=256 # 3 x 256 x 256 bytes each
mkdir big
{ printf '\0\0\x08\x04'; be32 $n; be32 3; be32 $side; be32 $side; } >big/big-train-images-idx4-ubyte
truncate -s $((20 + n * 3 * side * side)) big/big-train-images-idx4-ubyte || { echo "no room for a sparse file"; exit 77; }
{ printf '\0\0\x08\x01'; be32 $n; printf '\0\1\2\3\4\5\6\7\x08\x09'; } >big/big-train-labels-idx1-ubyte
truncate -s $((8 + n)) big/big-train-labels-idx1-ubyte
{ printf '\0\0\x08\x04'; be32 10; be32 3; be32 $side; be32 $side; } >big/big-test-images-idx4-ubyte
truncate -s $((20 + 10 * 3 * side * side)) big/big-test-images-idx4-ubyte
{ printf '\0\0\x08\x01'; be32 10; printf '\0\1\2\3\4\5\6\7\x08\x09'; } >big/big-test-labels-idx1-ubyte
[ "$(stat -c %s big/big-train-images-idx4-ubyte)" -gt 20000000000 ] || fail "the file isn't 20 GB"

"$hone" train --data big --model mlp:196608,10 --batch 8 --epochs 1 --shuffle --lr 0.001 --save big.st >out 2>&1 &
pid=$! most=0
while kill -0 $pid 2>/dev/null; do
  anon=$(awk '/^RssAnon/{ print $2 }' /proc/$pid/status 2>/dev/null)
  [ "${anon:-0}" -gt $most ] && most=$anon
  sleep 0.2
done
wait $pid || fail "hone train failed: $(cat out)"
says '^big: 101726 training and 10 test images$'
echo "RssAnon at most $((most / 1024)) MB"
[ $most -gt 0 ] || fail "nothing was measured"
[ $most -lt $((200 * 1024)) ] || fail "RssAnon was $((most / 1024)) MB"
finish
