#!/bin/sh
# check.sh INCLUDE_DIR CC [CXX]: every public header compiles by itself, as C11 and as C++17,
# without a warning, and a C++ program can call the argument-list macros. Exit status 77 (skipped)
# for the C++ half alone when there is no C++ compiler.
set -eu
include=$1 cc=$2 cxx=${3:-}
flags="-I$include -Wall -Wextra -Werror -fsyntax-only"

for header in "$include"/hone/*.h; do
    name=hone/$(basename "$header")
    echo "#include <$name>" | $cc -std=c11 -Wpedantic $flags -x c -
    [ -z "$cxx" ] || echo "#include <$name>" | $cxx -std=c++17 $flags -x c++ -
done
echo "C11: $(ls "$include"/hone/*.h | wc -l) headers"

[ -n "$cxx" ] || { echo "no C++ compiler: the C++17 half is skipped"; exit 77; }
$cxx -std=c++17 $flags -x c++ - <<'CPP'
#include <hone/hone.h>

int main()
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor *a = hone_randn(HONE_F32, 5, 4), *b = hone_zeros(HONE_F32);
    hone_module *model = hone_nn_sequential(hone_nn_linear(4, 3), hone_nn_relu());
    hone_tensor_list list = hone_list(hone_reshape(a, 4, 5), hone_sum_dims(a, true, 0, 1));
    return hone_forward(model, hone_add(a, b)) == nullptr && list.n == 2;
}
CPP
echo "C++17: headers and argument lists"
