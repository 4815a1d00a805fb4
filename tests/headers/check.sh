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

# refuse COMPILER... : each line that comes by itself doesn't compile in a function; accept: it does.
try() {
    printf '#include <hone/hone.h>\nvoid f(hone_tensor *x, int n, size_t m);\n'
    printf 'void f(hone_tensor *x, int n, size_t m)\n{ (void)x, (void)n, (void)m;\n%s;\n}\n' "$1"
}
refuse() {
    while read -r line; do
        if try "$line" | "$@" $flags - 2>/dev/null; then
            echo "$1 compiles: $line"
            exit 1
        fi
    done
}
accept() {
    while read -r line; do
        try "$line" | "$@" $flags - || { echo "$1 refuses: $line"; exit 1; }
    done
}

# A dtype is no number: what is a habit from PyTorch is a tensor of another kind here.
wrong='hone_zeros(3, 4)
hone_zeros(3)
hone_zeros(n, 4)
hone_zeros(m)
hone_ones(3, 4)
hone_empty(2)
hone_rand(3, 4)
hone_randn(3, 4)
hone_full(3, 0.5, 4)
hone_scalar(1, 0.5)
hone_arange(0, 0, 10, 1)
hone_eye(1, 3, 4)
hone_randint(0, 0, 10, 3)
hone_from_data(1, x, 3)'
right='hone_zeros(HONE_F32, 3, 4)
hone_zeros(HONE_F32)
hone_zeros(hone_dtype_of(x), n, (long)m)
const hone_dtype d = HONE_U8; hone_ones(d, 3)
hone_empty(HONE_BOOL, n)
hone_add(hone_rand(HONE_F64, 3, 4), hone_randn(HONE_F32))
hone_full(HONE_I64, 0.5, 4)
hone_scalar(HONE_I32, 2)
hone_arange(HONE_F32, 0, 10, 1)
hone_eye(HONE_F32, 3, 4)
hone_randint(HONE_I64, 0, 10, 3)
hone_from_data(HONE_F32, &n, n)
hone_safetensors_save("f", hone_list_named({ "x", x }, { "y", x }), NULL)
switch (hone_dtype_of(x)) { case HONE_F32: break; default: break; }'
echo "$wrong" | refuse $cc -std=c11 -x c
echo "$right" | accept $cc -std=c11 -x c
echo "C11: dtypes"

[ -n "$cxx" ] || { echo "no C++ compiler: the C++17 half is skipped"; exit 77; }
$cxx -std=c++17 $flags -x c++ - <<'CPP'
#include <hone/hone.h>

int main()
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor *a = hone_randn(HONE_F32, 5, 4), *b = hone_zeros(HONE_F32);
    hone_module *model = hone_nn_sequential(hone_nn_linear(4, 3), hone_nn_relu());
    hone_sgd_options options = {}; /* all zero, the room behind the options too */
    options.lr = 0.1;
    hone_optim_free(hone_sgd(model, &options));
    hone_optim_free(hone_sgd(model, nullptr));
    hone_tensor_list list = hone_list(hone_reshape(a, 4, 5), hone_sum_dims(a, true, 0, 1));
    return hone_forward(model, hone_add(a, b)) == nullptr && list.n == 2;
}
CPP
echo "$wrong" | refuse $cxx -std=c++17 -x c++
echo "$right" | accept $cxx -std=c++17 -x c++
# Extents of any integer type, no fractions.
echo 'hone_zeros(HONE_F32, m, 2u, n); hone_at(x, m, n); hone_from_data(HONE_F32, &m, m); hone_reshape(x, m, -1)
enum { WIDTH = 28 }; hone_zeros(HONE_F32, WIDTH)' | accept $cxx -std=c++17 -x c++
echo 'hone_zeros(HONE_F32, 2.5)' | refuse $cxx -std=c++17 -x c++
echo "C++17: headers and argument lists"
