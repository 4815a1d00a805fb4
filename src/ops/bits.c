/* bits.c: bitwise operations on integers and bool, shifts of integers. */
#include "core/dtypes.h"
#include "loops/elementwise.h"
#include "ops/common.h"

#include <string.h>

/* ---- of elements */

#define AND(a, b) ((a) & (b))
#define OR(a, b)  ((a) | (b))
#define XOR(a, b) ((a) ^ (b))
#define NOT(a, b) (~(a))
/* Past the width nothing is left but the sign; numbers below 0 count as such. */
#define OUTSIDE(a, b) ((uint64_t)(b) >= sizeof(a) * 8)
#define LEFT(a, b)    (OUTSIDE(a, b) ? 0 : (int64_t)((uint64_t)(a) << (b)))
#define RIGHT(a, b)   ((int64_t)(a) >> (OUTSIDE(a, b) ? 63 : (b)))

/* Rows of any strides. */
#define STRIDED(op, of, name, type)                                                                \
    static void op##_##name(int64_t n, type *out, int64_t so, const type *a, int64_t sa,           \
                            const type *b, int64_t sb)                                             \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const type x = a[i * sa], y = b[i * sb];                                               \
            (void)y;                                                                               \
            out[i * so] = (type)of(x, y);                                                          \
        }                                                                                          \
    }

#define ROW(op, of, name, type)                                                                    \
    STRIDED(op, of, name, type)                                                                    \
    static void op##_##name##_row(int64_t n, void *out, int64_t so, const void *a, int64_t sa,     \
                                  const void *b, int64_t sb)                                       \
    {                                                                                              \
        op##_##name(n, out, so, a, sa, b, sb);                                                     \
    }

/* Bits know nothing of numbers: what lies side by side is so many bytes, a vector of them at a time. b's
 * byte i is at i & `mask`: all of them, or one number again and again. */
enum { VECTOR = 16 };
typedef uint64_t vector __attribute__((vector_size(VECTOR), aligned(1), may_alias));
typedef void (*bytes_fn)(int64_t n, char *out, const char *a, const char *b, int64_t mask);

#define BYTES(op, of)                                                                              \
    static void op##_bytes(int64_t n, char *out, const char *a, const char *b, int64_t mask)       \
    {                                                                                              \
        int64_t i = 0;                                                                             \
        (void)b, (void)mask;                                                                       \
        for (; i + VECTOR <= n; i += VECTOR)                                                       \
            *(vector *)(out + i) =                                                                 \
                of(*(const vector *)(a + i), *(const vector *)(b + (i & mask)));                   \
        for (; i < n; i++)                                                                         \
            out[i] = (char)of(a[i], b[i & mask]);                                                  \
    }

static __attribute__((noinline)) bool row_of_bytes(bytes_fn of, int64_t size, int64_t n, void *out,
                                                   int64_t so, const void *a, int64_t sa,
                                                   const void *b, int64_t sb)
{
    if (so != 1 || sa != 1 || (sb != 1 && sb != 0))
        return false;
    char again[VECTOR];
    for (int64_t i = 0; i < VECTOR && sb == 0; i += size)
        memcpy(again + i, b, (size_t)size);
    of(n * size, out, a, sb ? b : again, sb ? -1 : VECTOR - 1);
    return true;
}

#define ROW_OF_BITS(op, of, name, type)                                                            \
    STRIDED(op, of, name, type)                                                                    \
    static void op##_##name##_row(int64_t n, void *out, int64_t so, const void *a, int64_t sa,     \
                                  const void *b, int64_t sb)                                       \
    {                                                                                              \
        if (!row_of_bytes(op##_bytes, sizeof(type), n, out, so, a, sa, b, sb))                     \
            op##_##name(n, out, so, a, sa, b, sb);                                                 \
    }

/* ---- ops */

static bool wanted(hone_context *ctx, hone_tensor *const *in, int n_in, bool bools)
{
    for (int i = 0; i < n_in; i++) {
        if (!hone_dtype_is_float((hone_dtype)in[i]->dtype) && (bools || in[i]->dtype != HONE_BOOL))
            continue;
        hone_error_set(HONE_E_DTYPE, "%s: got %s, integers%s are wanted", hone__call_name(ctx),
                       hone__tensor_text(in[i]).s, bools ? " or bool" : "");
        return false;
    }
    return true;
}

static bool run(hone_context *ctx, hone_tensor *a, hone__operand b, hone_dtype dtype,
                const hone__binary_fn *rows, hone_tensor **out)
{
    hone_tensor *const in[] = { a, b.t };
    hone__shape shape = hone__shape_of(a);
    if (b.t && !hone__broadcast(hone__call_name(ctx), in, 2, &shape))
        return false;
    const hone__elementwise_kernel kernel = { .arity = HONE__BINARY,
                                              .fn.binary = rows[dtype],
                                              .reads = { dtype, dtype },
                                              .ns = HONE__NS_MOVE };
    out[0] = hone__out_along(ctx, dtype, shape.ndim, shape.shape);
    return out[0] && hone__elementwise(&kernel, out[0], (hone__operand[]){ { .t = a }, b });
}

typedef struct {
    int64_t s;
} number_options;

static const hone__option number_table[] = {
    HONE__OPTION(number_options, s, HONE__OPT_INT, .required = true),
    { NULL },
};

/* A number is an i64; bool and a number that is not 0 or 1 give i64. */
static bool run_number(hone_context *ctx, hone_tensor *x, const hone__binary_fn *rows,
                       hone_tensor **out)
{
    const int64_t s = ((const number_options *)hone__options(ctx))->s;
    const hone_dtype dtype =
        x->dtype == HONE_BOOL && s != 0 && s != 1 ? HONE_I64 : (hone_dtype)x->dtype;
    hone_tensor *number = hone_from_data_v(HONE_I64, &s, (const int64_t[]){ HONE_END_DIM });
    if (!number || /* any fits an i64, but not all a double */
        (dtype != HONE_I64 && !hone__number_fits(hone__call_name(ctx), dtype, (double)s)))
        return false;
    hone_tensor *scalar = hone_to(number, dtype);
    return scalar && run(ctx, x, (hone__operand){ .t = scalar }, dtype, rows, out);
}

#define ROWS_OF_INTEGERS(row, op, of)                                                              \
    row(op, of, i64, int64_t) row(op, of, i32, int32_t) row(op, of, u8, uint8_t)
#define ROWS_OF_BITS(op, of)                                                                       \
    BYTES(op, of)                                                                                  \
    ROWS_OF_INTEGERS(ROW_OF_BITS, op, of)
#define ENTRIES(op) [HONE_I64] = op##_i64_row, [HONE_I32] = op##_i32_row, [HONE_U8] = op##_u8_row
#define BITWISE(op, bools, ...)                                                                    \
    static const hone__binary_fn op##_rows[HONE_DTYPES] = { ENTRIES(op), __VA_ARGS__ };            \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        return wanted(ctx, in, n_in, bools) && run(ctx, in[0], (hone__operand){ .t = in[1] },      \
                                                   hone__result_dtype(in, n_in), op##_rows, out);  \
    }                                                                                              \
    static bool op##_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in,           \
                                    hone_tensor **out)                                             \
    {                                                                                              \
        return wanted(ctx, in, n_in, bools) && run_number(ctx, in[0], op##_rows, out);             \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .in = { { "a" }, { "b" } },                                                                \
        .forms = HONE__BOTH,                                                                       \
        .why = "integers",                                                                         \
    };                                                                                             \
    const hone__op hone__op_##op##_scalar = {                                                      \
        .name = #op "_scalar",                                                                     \
        .forward = op##_scalar_forward,                                                            \
        .in = { { "x" } },                                                                         \
        .options = number_table,                                                                   \
        .options_bytes = sizeof(number_options),                                                   \
        .forms = HONE__BOTH,                                                                       \
        .why = "integers",                                                                         \
    };                                                                                             \
    HONE__ENTRY_XX(op, a, b)                                                                       \
    HONE__ENTRY_XX_(op, a, b)                                                                      \
    hone_tensor *hone_##op##_scalar(hone_tensor *x, int64_t s)                                     \
    {                                                                                              \
        return hone__call(&hone__op_##op##_scalar, IN(x), &(number_options){ s });                 \
    }                                                                                              \
    hone_tensor *hone_##op##_scalar_(hone_tensor *x, int64_t s)                                    \
    {                                                                                              \
        return hone__call_(&hone__op_##op##_scalar, IN(x), &(number_options){ s });                \
    }

ROWS_OF_BITS(bitwise_and, AND)
ROWS_OF_BITS(bitwise_or, OR)
ROWS_OF_BITS(bitwise_xor, XOR)
ROWS_OF_BITS(bitwise_not, NOT)
ROWS_OF_INTEGERS(ROW, bitwise_left_shift, LEFT)
ROWS_OF_INTEGERS(ROW, bitwise_right_shift, RIGHT)
BITWISE(bitwise_and, true, [HONE_BOOL] = bitwise_and_u8_row)
BITWISE(bitwise_or, true, [HONE_BOOL] = bitwise_or_u8_row)
BITWISE(bitwise_xor, true, [HONE_BOOL] = bitwise_xor_u8_row)
BITWISE(bitwise_left_shift, false, [HONE_BOOL] = NULL)
BITWISE(bitwise_right_shift, false, [HONE_BOOL] = NULL)

static bool bitwise_not_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                hone_tensor **out)
{
    static const hone__binary_fn rows[HONE_DTYPES] = { ENTRIES(bitwise_not) };
    hone_tensor *x = in[0];
    if (!wanted(ctx, in, n_in, true))
        return false;
    if (x->dtype == HONE_BOOL)
        return hone__give(out, hone_logical_not(x));
    return run(ctx, x, (hone__operand){ .number = 0 }, (hone_dtype)x->dtype, rows, out);
}

const hone__op hone__op_bitwise_not = {
    .name = "bitwise_not", .forward = bitwise_not_forward, .in = { { "x" } }, .why = "integers"
};
HONE__ENTRY_X(bitwise_not)
