#!/bin/bash
# ops.sh HONE: the list of ops, one of them, and names that aren't there.
source "$(dirname "$0")/common.sh" "$1"

works "$hone" ops
says '^gradients +result +autocast +signature$'
says '^any +new +lower +matmul\(a, b\) -> out$'
says '^any +new +f32 +mse_loss'
says '^any +both +add\(a, b\) -> out$'
says '^none +new +argmax\(x, \*, dim: int, keepdim: bool = false\) -> out$'
says '^any +in place +copy_\(x, src\) -> out$'
checks=$((checks + 1))
grep -q 'sgd_step' out && fail "an op without a public function is in the list"

works "$hone" ops softmax
says '^softmax\(x, \*, dim: int\) -> out$'
says '^result +new$'
says '^gradients +any number of times$'
says '^bf16, f16 +in f32; each f32 result is rounded$'
says '^autocast +runs in what it is given$'
works "$hone" ops eq # the reason stands beside
says '^gradients +none: .'
works "$hone" ops add_
says '^add\(a, b\) -> out$'

refuses 2 "hone ops: unknown op 'sofmax'; did you mean softmax\?" "$hone" ops sofmax
refuses 2 "hone ops: unknown op 'frobnicate'; hone ops lists them" "$hone" ops frobnicate
refuses 2 'hone ops: unknown option --all' "$hone" ops --all
works "$hone" ops --help
says 'hone ops \[NAME\]'
works "$hone" --help
says '^  ops +Lists the ops'
finish
