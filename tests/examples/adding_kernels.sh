#!/bin/bash
# adding_kernels.sh: does what README.md says under "To add a kernel", "To add an optimizer" and of a
# dtype to a copy of the sources, builds all of it (a row changes the table of kernels, which every
# file knows), and runs the tests that go by the lists.
# From the environment: SOURCE, PLACE (a folder to work in), CMAKE, GENERATOR, CC, CFLAGS.
set -euo pipefail
# shellcheck source=tests/examples/snippets.sh
source "$(dirname "$0")/snippets.sh"
fresh_copy src simd include tests README.md CMakeLists.txt

add "To add a kernel"
count "a fused kernel"
count_from_here
add "To add an optimizer"
count "an optimizer"
count_from_here

# A dtype: int8_t. below FILE TEXT: standard input, below the first line that holds TEXT.
below() { sed -i "$(grep -nF -m1 -- "$2" "$1" | cut -d: -f1)r /dev/stdin" "$1"; }
below src/core/dtypes.h 'X(U8,' <<'C'
    X(I8, i8, int8_t, 1, INTEGER, 1, INT8_MIN, INT8_MAX, "I8", "int8", with)                       \
C
below include/hone/dtype.h 'HONE_U8, ' <<'C'
    HONE_I8,  /**< int8_t */
C
below include/hone/dtype.h '#define HONE_U8 ' <<'C'
#define HONE_I8   ((hone_dtype)HONE_I8)
C
dtypes=$(sed -n 's/^#define HONE_DTYPES //p' include/hone/dtype.h)
sed -i "s/^#define HONE_DTYPES .*/#define HONE_DTYPES $((dtypes + 1))/" include/hone/dtype.h
below simd/kernels/table.h '.cast[HONE__U8]' <<'C'
.cast[HONE__I8] = CASTS(i8),
C
cat >>simd/kernels/all.h <<'C'

#define T       int8_t
#define P(name) int_i8_##name
#define T_MIN   INT8_MIN
#define T_WIDE  uint32_t
#include "kernels/plain.h"
#include "kernels/integers.h"
#include "kernels/integer_reduce.h"
#undef T
#undef P
#undef T_MIN
#undef T_WIDE

#define FROM         int8_t
#define FROM_IS_REAL 0
#define C(name)      cast_i8_##name
#include "kernels/cast.h"
#undef FROM
#undef FROM_IS_REAL
#undef C
C
count "a dtype"

cat >tests/unit/test_added.c <<'C'
#include "support.h"

#include "isa/isa.h"

#include <hone/hone.h>

#include <unistd.h>

SUITE(added);

Test(added, the_fused_kernel_is_its_two_ops)
{
    const float a[] = { 1, 1, -2, 0 }, b[] = { 2, -3, 1, 0 }, want[] = { 3, 0, 0, 0 };
    float got[4];
    hone__k->binary[HONE__K_ADD_RELU][HONE__F32](4, got, 1, a, 1, b, 1);
    cr_assert_arr_eq(got, want, sizeof want);
}

Test(added, the_optimizer_moves_by_signs)
{
    hone_tensor *p = hone_requires_grad_(hone_ones(HONE_F64, 3), true);
    hone_optim *optim = hone_sign_sgd_list(hone_list(p), &(hone_sign_sgd_options){ .lr = 0.25 });
    hone_backward(hone_sum(hone_mul(p, T(HONE_F64, (3), -7, 0, 0.5))));
    CHECK_OK(hone_optim_step(optim));
    CHECK_VALUES(hone_detach(p), HONE_F64, (3), 1.25, 1, 0.75);
    CHECK_OK(hone_optim_set_lr(optim, 1));
    CHECK_OK(hone_optim_step(optim));
    CHECK_VALUES(hone_detach(p), HONE_F64, (3), 2.25, 1, -0.25);
    CHECK_FAILS(hone_optim_set_lr(optim, -1), HONE_E_VALUE, "sign_sgd: lr is -1");
    hone_optim_free(optim);
}

Test(added, the_dtype_computes_promotes_prints_and_goes_into_files)
{
    hone_tensor *x = T(HONE_I8, (3), 100, -128, 5), *y = hone_add(x, x);
    CHECK_VALUES(y, HONE_I8, (3), -56, 0, 10);
    CHECK_VALUES(hone_sign(x), HONE_I8, (3), 1, -1, 1);
    cr_assert_eq(hone_item_i64(hone_max(x)), 100);
    cr_assert_eq(hone_item_i64(hone_sum(x)), -23);
    CHECK_VALUES(hone_index(x, T(HONE_I64, (2), 2, 0)), HONE_I8, (2), 5, 100);
    cr_assert(hone_promote(HONE_I8, HONE_I32) == HONE_I32);
    char file[] = "added_XXXXXX", text[100];
    close(mkstemp(file));
    hone_named named = { "x", x };
    CHECK_OK(hone_safetensors_save(file, (hone_named_list){ &named, 1 }, NULL));
    CHECK_VALUES(hone_named_find(hone_safetensors_load(file, NULL), "x"), HONE_I8, (3), 100, -128, 5);
    unlink(file);
    hone_sprint(text, sizeof text, x);
    cr_assert(strstr(text, "dtype=torch.int8"), "%s", text);
}
C
"$CMAKE" -S . -B ../build -G "$GENERATOR" -DHONE_TESTS=ON -DCMAKE_BUILD_TYPE=None \
  -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="-O1 $CFLAGS" >../configured
tests=(test_added test_kernels_elementwise test_kernels_math test_kernels_reduce test_every_function
  test_optimize test_optimizers)
"$CMAKE" --build ../build -j "$(nproc)" --target hone "${tests[@]}" >../built 2>&1 ||
  { grep -A 8 'error:' ../built | head -40; exit 1; }
# -O1 sees less than -O3 of what is initialised where
grep 'warning:' ../built | grep -v 'maybe-uninitialized' && exit 1
for test in "${tests[@]}"; do
  "../build/tests/$test" -j1 2>&1 | tail -n 3
done
../build/hone bench elementwise --only add_relu --seconds 0.01 --size 100
