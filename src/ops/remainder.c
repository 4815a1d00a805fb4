/* remainder.c: fmod and remainder: what a division by whole numbers leaves, exact in every dtype;
 * floor_divide and trunc_divide: how often it goes. */
#include "core/access.h"
#include "core/dtypes.h"
#include "loops/elementwise.h"
#include "ops/common.h"

#include <math.h>
#include <string.h>

/* ---- of numbers: the sign of a, or that of b */

enum { DIGITS = 52 }; /* behind the point of a double's mantissa */

/* A positive finite number, or 0, as mantissa 2^exponent, the mantissa's bit DIGITS set. */
typedef struct {
    uint64_t mantissa;
    int64_t exponent;
} parts;

static parts parts_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint64_t one = UINT64_C(1) << DIGITS;
    parts p = { bits & (one - 1), (int64_t)(bits >> DIGITS) };
    if (p.exponent > 0) {
        p.mantissa |= one;
        return p;
    }
    for (p.exponent = 1; p.mantissa && p.mantissa < one; p.exponent--) /* a subnormal one */
        p.mantissa <<= 1;
    return p;
}

static double from_parts(parts p)
{
    const uint64_t one = UINT64_C(1) << DIGITS;
    for (; p.mantissa && p.mantissa < one && p.exponent > 1; p.exponent--)
        p.mantissa <<= 1;
    for (; p.exponent < 1;
         p.exponent++) /* no digit is lost: all are multiples of the least number */
        p.mantissa >>= 1;
    const uint64_t bits =
        p.mantissa < one ? p.mantissa : (p.mantissa & (one - 1)) | (uint64_t)p.exponent << DIGITS;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The digits of a's quotient by b, 11 at a time, are thrown away; what is left is exact. */
static double fmod_f64(double a, double b)
{
    const double x = a < 0 ? -a : a, y = b < 0 ? -b : b;
    if (!(x < (double)INFINITY) || b != b || y == 0)
        return (double)NAN;
    if (x < y)
        return a;
    parts p = parts_of(x);
    const parts q = parts_of(y);
    p.mantissa %= q.mantissa;
    while (p.exponent > q.exponent && p.mantissa) {
        const int64_t digits = p.exponent - q.exponent < 11 ? p.exponent - q.exponent : 11;
        p.mantissa = (p.mantissa << digits) % q.mantissa;
        p.exponent -= digits;
    }
    const double rest = p.mantissa ? from_parts(p) : 0;
    return signbit(a) ? -rest : rest;
}

static double remainder_f64(double a, double b)
{
    const double rest = fmod_f64(a, b);
    return rest != 0 && (b < 0) != (rest < 0) ? rest + b : rest;
}

/* b is not 0. */
static int64_t fmod_i64(int64_t a, int64_t b)
{
    return b == -1 ? 0 : a % b; /* INT64_MIN by -1 */
}

static int64_t remainder_i64(int64_t a, int64_t b)
{
    const int64_t rest = fmod_i64(a, b);
    return rest != 0 && (b < 0) != (rest < 0) ? rest + b : rest;
}

/* ---- how often b goes into a, down or towards 0: as PyTorch, of what fmod leaves */

static double whole_below(double x) /* for |x| < 2^52; others are whole */
{
    if (!(x > -0x1p52 && x < 0x1p52))
        return x;
    const double whole = (double)(int64_t)x;
    return whole > x ? whole - 1 : whole;
}

static double floor_of(double a, double b, double rest)
{
    const double near = a / b;
    if (b == 0)
        return near;
    double times = (a - rest) / b;
    if (rest != 0 && (b < 0) != (rest < 0))
        times -= 1;
    if (times == 0)
        return signbit(near) ? -0.0 : 0.0;
    const double below = whole_below(times);
    return times - below > 0.5 ? below + 1 : below;
}

static double floor_divide_f64(double a, double b)
{
    return floor_of(a, b, fmod_f64(a, b));
}

static double trunc_divide_f64(double a, double b)
{
    const double q = a / b;
    return !(q > -0x1p52 && q < 0x1p52) ? q : __builtin_copysign((double)(int64_t)q, q);
}

/* b is not 0. */
static int64_t floor_divide_i64(int64_t a, int64_t b)
{
    if (b == -1)
        return -a; /* wraps */
    const int64_t q = a / b;
    return q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}

static int64_t trunc_divide_i64(int64_t a, int64_t b)
{
    return b == -1 ? -a : a / b;
}

/* ---- f32 in f64, where quotients are small: the same, many at a time, without a loop over digits */

enum { BLOCK = 256 };

/* True if all quotients were small. */
static bool all_there(int64_t n, const double *result)
{
    int none = 0;
    for (int64_t i = 0; i < n; i++)
        none |= result[i] != result[i];
    return !none;
}

/* A row of <op>. */
#define QUICK(op, NAME)                                                                            \
    static void op##_quick(int64_t n, void *outv, int64_t so, const void *av, int64_t sa,          \
                           const void *bv, int64_t sb)                                             \
    {                                                                                              \
        for (int64_t from = 0, m; from < n; from += m) {                                           \
            double a[BLOCK], b[BLOCK], y[BLOCK];                                                   \
            m = n - from < BLOCK ? n - from : BLOCK;                                               \
            hone__k->cast[HONE__F32][HONE__F64](m, a, 1, (const float *)av + from * sa, sa);       \
            hone__k->cast[HONE__F32][HONE__F64](m, b, 1, (const float *)bv + from * sb, sb);       \
            hone__k->formula[HONE__K_FORMULA_##NAME][HONE__F64](                                   \
                NULL, m, (char *[]){ (char *)y, (char *)a, (char *)b }, (int64_t[]){ 1, 1, 1 });   \
            for (int64_t i = 0, large = !all_there(m, y); large && i < m; i++)                     \
                y[i] = op##_f64(a[i], b[i]);                                                       \
            hone__k->cast[HONE__F64][HONE__F32](m, (float *)outv + from * so, so, y, 1);           \
        }                                                                                          \
    }
QUICK(fmod, FMOD_SMALL)
QUICK(remainder, REMAINDER_SMALL)
QUICK(floor_divide, FLOOR_DIVIDE_SMALL)
#undef QUICK
#define trunc_divide_quick NULL /* is quick */

/* ---- of rows */

#define OF_FLOAT(op, a, b)   op##_f64((double)(a), (double)(b))
#define OF_INTEGER(op, a, b) op##_i64((int64_t)(a), (int64_t)(b))
#define OF_BOOL(op, a, b)    ((void)(a), (b)) /* refused before */
#define LOOP(NAME, name, type, size, kind, rank, least, most, file_name, torch_name, op)           \
    static void op##_##name##_row(int64_t n, void *outv, int64_t so, const void *av, int64_t sa,   \
                                  const void *bv, int64_t sb)                                      \
    {                                                                                              \
        type *out = outv;                                                                          \
        const type *a = av, *b = bv;                                                               \
        for (int64_t i = 0; i < n; i++)                                                            \
            out[i * so] = (type)OF_##kind(op, a[i * sa], b[i * sb]);                               \
    }

static bool row_without_zero(void *user, const char *row, int64_t n, int64_t stride)
{
    const hone_dtype dtype = (hone_dtype) * (const uint8_t *)user;
    const int64_t step = stride * (int64_t)hone_dtype_size(dtype);
    for (int64_t i = 0; i < n; i++)
        if (hone__element_i64(dtype, row + i * step) == 0)
            return false;
    return true;
}

/* The result into output 0; b: a tensor, or a number. */
static bool divide(hone_context *ctx, hone_tensor *a, hone__operand b, hone_dtype dtype,
                   const hone__binary_fn *rows, hone__binary_fn quick, bool keep, hone_tensor **out)
{
    hone_tensor *const in[] = { a, b.t };
    hone__shape shape = hone__shape_of(a);
    if (dtype == HONE_BOOL) {
        hone_error_set(HONE_E_DTYPE, "%s: bool can't be divided, got %s", hone__call_name(ctx),
                       hone__tensor_text(a).s);
        return false;
    }
    if (b.t && !hone__broadcast(hone__call_name(ctx), in, 2, &shape))
        return false;
    if (!hone_dtype_is_float(dtype) &&
        (b.t ? !hone__visit_rows(b.t, row_without_zero, &b.t->dtype) : b.number == 0)) {
        hone_error_set(HONE_E_VALUE, "%s: a division of integers by 0", hone__call_name(ctx));
        return false;
    }
    const hone__elementwise_kernel kernel = { .arity = HONE__BINARY,
                                              .fn.binary =
                                                  quick && dtype == HONE_F32 ? quick : rows[dtype],
                                              .reads = { dtype, dtype },
                                              .ns = HONE__NS_POW };
    if (keep && !HONE__SAVE(ctx, a, b.t ? b.t : HONE_NONE))
        return false;
    out[0] = hone__out_along(ctx, dtype, shape.ndim, shape.shape);
    return out[0] && hone__elementwise(&kernel, out[0], (hone__operand[]){ { .t = a }, b }) &&
           (!keep || !hone_needs_input_grad(ctx, 1) || HONE__SAVE(ctx, out[0]));
}

/* da = dy; db = -dy times the whole number that b went into a. */
static void divide_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = dy[0];
    if (hone__input_count(ctx) < 2 || !hone_needs_input_grad(ctx, 1))
        return;
    hone_tensor *whole = hone_sub(hone_saved(ctx, 0), hone_saved(ctx, 2));
    dx[1] = hone_neg(hone_mul(dy[0], hone_round(hone_div(whole, hone_saved(ctx, 1)))));
}

#define ROWS(NAME, name, type, size, kind, rank, least, most, file_name, torch_name, op)           \
    [HONE_##NAME] = op##_##name##_row,
/* Piecewise constant. */
static void zero_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    for (int i = 0; i < hone__input_count(ctx); i++)
        dx[i] = hone_zeros_like(dy[0]);
}

#define DIVISION(op, backward_, keep)                                                              \
    HONE__EACH_DTYPE(LOOP, op)                                                                     \
    static const hone__binary_fn op##_rows[HONE_DTYPES] = { HONE__EACH_DTYPE(ROWS, op) };          \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        return divide(ctx, in[0], (hone__operand){ .t = in[1] }, hone__result_dtype(in, n_in),     \
                      op##_rows, op##_quick, keep, out);                                           \
    }                                                                                              \
    static bool op##_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in,           \
                                    hone_tensor **out)                                             \
    {                                                                                              \
        (void)n_in;                                                                                \
        const double s = hone__number_of(ctx);                                                     \
        const hone_dtype dtype = hone__number_dtype((hone_dtype)in[0]->dtype, s);                  \
        return hone__number_fits(hone__call_name(ctx), dtype, s) &&                                \
               divide(ctx, in[0], (hone__operand){ .number = s }, dtype, op##_rows, op##_quick,    \
                      keep, out);                                                                  \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .backward = backward_,                                                                     \
        .in = { { "a" }, { "b" } },                                                                \
        .forms = HONE__BOTH,                                                                       \
    };                                                                                             \
    const hone__op hone__op_##op##_scalar = {                                                      \
        .name = #op "_scalar",                                                                     \
        .forward = op##_scalar_forward,                                                            \
        .backward = backward_,                                                                     \
        .in = { { "x" } },                                                                         \
        .options = hone__number_table,                                                             \
        .options_bytes = sizeof(hone__number_options),                                             \
        .forms = HONE__BOTH,                                                                       \
    };                                                                                             \
    HONE__ENTRY_XX(op, a, b)                                                                       \
    HONE__ENTRY_XX_(op, a, b)                                                                      \
    HONE__ENTRY_XS(op##_scalar)                                                                    \
    HONE__ENTRY_XS_(op##_scalar)
DIVISION(fmod, divide_backward, true)
DIVISION(remainder, divide_backward, true)
DIVISION(floor_divide, zero_backward, false)
DIVISION(trunc_divide, zero_backward, false)
