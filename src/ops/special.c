/* special.c: lgamma, digamma, polygamma: in double, f32 rounded once. Polynomials interpolate at Chebyshev's
 * points with 60 digits. No fma: without the instruction it is a slow call. Digamma is first turned into
 * c0 + c1 log(v), so that logarithms are taken many at a time by the kernel; lgamma of positive numbers is
 * a kernel of its own. */
#include "ops/unary.h"
#include "runtime/parallel.h"

#include <math.h>

#define PI        3.14159265358979323846
#define LOG_PI    1.14472988584940017414
#define ZERO      0x1.762d86356be3fp0   /* of digamma, the positive one, */
#define ZERO_REST 0x1.b86a722197829p-54 /* in two parts */
#define COUNT(c)  ((int)(sizeof(c) / sizeof *(c)))

enum { CHUNK = 64 };

/* digamma(x) / (x - ZERO) by powers of x - 1.5 on 1 .. 2; (log(x) - 1 / (2
 * x) - digamma(x)) x^2 by powers of 1 / x^2 from 6 on. */
static const double digamma_near[] = {
    0x1.e6f0cbb873617p-1,  -0x1.b1cb63005ee97p-2,  0x1.eca189b8e6da1p-3,  -0x1.2feeeb98a7cd8p-3,
    0x1.8512e5905d18p-4,   -0x1.fb442029cdbf4p-5,  0x1.4de9aa05d3418p-5,  -0x1.b9f8b1367959dp-6,
    0x1.256475e5ac975p-6,  -0x1.86355f6f68797p-7,  0x1.03c00801ba958p-7,  -0x1.5a071c746535bp-8,
    0x1.cd3e42d157015p-9,  -0x1.33661f9073563p-9,  0x1.980fc9c9f0be8p-10, -0x1.1002aaf6255f5p-10,
    0x1.7b3b41b0b38cdp-11, -0x1.f99f529bd0771p-12, 0x1.dc8ae08af0fc4p-13, -0x1.3db05b36d9a48p-13,
    0x1.104c9d0897b58p-12, -0x1.6b107f71aa124p-13
};
static const double digamma_far[] = { 0x1.5555555555555p-4, -0x1.111111111107bp-7,
                                      0x1.04104103b8cf8p-8, -0x1.1111107182decp-8,
                                      0x1.f07b89faa98cp-8,  -0x1.59815fdd0127cp-6,
                                      0x1.53a1df82be88dp-4, -0x1.ae80caf9bf3ffp-2,
                                      0x1.1f586eb4ef82cp1,  -0x1.00b680dc1dc8bp3 };

static double polynomial(double x, const double *c, int n)
{
    double even = c[n - 1], odd = c[n - 2];
    const double z = x * x;
    for (int i = n - 3; i >= 0; i -= 2)
        even = even * z + c[i];
    for (int i = n - 4; i >= 0; i -= 2)
        odd = odd * z + c[i];
    return n % 2 ? odd * x + even : even * x + odd;
}

/* To the nearest whole number; what is larger than 2^52 is one. */
static double nearest(double x)
{
    const double whole = x < 0 ? -0x1p52 : 0x1p52;
    return x > -0x1p52 && x < 0x1p52 ? (x + whole) - whole : x;
}

/* c0 + factor times the polynomial of `near` + c1 log(v) */
typedef struct {
    double c0[CHUNK], c1[CHUNK], v[CHUNK], factor[CHUNK], near[CHUNK];
} pieces;

static void logarithms(int64_t n, double *v)
{
    hone__k->unary[HONE__K_LOG][HONE__F64](n, v, 1, v, 1);
}

/* ---- lgamma: of x > 0 by the kernel; of negative ones by log(pi / |x sin(pi x)|) - lgamma(-x) */

static void lgamma_chunk(int64_t n, double *y, const double *x)
{
    double reflected[CHUNK];
    bool negative = false;
    for (int64_t i = 0; i < n; i++)
        negative = negative || x[i] < -0x1p-60;
    hone__k->formula[HONE__K_FORMULA_LGAMMA_SIZE][HONE__F64](
        NULL, n, (char *[]){ (char *)y, (char *)(uintptr_t)x }, (int64_t[]){ 1, 1 });
    for (int64_t i = 0; negative && i < n; i++)
        reflected[i] = PI * (x[i] - nearest(x[i]));
    if (negative)
        hone__k->unary[HONE__K_SIN][HONE__F64](n, reflected, 1, reflected, 1);
    for (int64_t i = 0; negative && i < n; i++)
        reflected[i] = reflected[i] < 0 ? reflected[i] * x[i] : -reflected[i] * x[i];
    for (int64_t i = 0; negative && i < n; i++) /* |x sin(pi x)| */
        reflected[i] = reflected[i] < 0 ? -reflected[i] : reflected[i];
    if (negative)
        logarithms(n, reflected);
    for (int64_t i = 0; negative && i < n; i++)
        if (x[i] < -0x1p-60 && !isinf(x[i]))
            y[i] = LOG_PI - reflected[i] - y[i];
}

/* ---- digamma: of x > 0 by the polynomial, recurrence or the series in 1 / x; of negative ones
 * digamma(1 - x) - pi / tan(pi x) */

static void digamma_piece(double x, pieces *p, int64_t i)
{
    p->c1[i] = 0;
    p->v[i] = 1;
    if (x >= 6) {
        const double inverse = 1 / x, z = inverse * inverse;
        p->c1[i] = 1;
        p->v[i] = x;
        p->c0[i] = -0.5 * inverse - z * polynomial(z, digamma_far, COUNT(digamma_far));
        p->factor[i] = p->near[i] = 0;
        return;
    }
    const double below_1 = x < 1; /* a number: nobody foretells a branch */
    double sum = (0 - below_1) / x;
    x += below_1;
    for (; x > 2; sum += 1 / x)
        x -= 1;
    p->c0[i] = sum;
    p->factor[i] = (x - ZERO) - ZERO_REST;
    p->near[i] = x - 1.5;
}

/* Adds the polynomials: many at a time, since one alone waits for each of its steps. */
static void digamma_near_ones(pieces *p)
{
    _Static_assert(COUNT(digamma_near) % 2 == 0, "an even one's place is odd");
    const int last = COUNT(digamma_near) - 1;
    double even[CHUNK], odd[CHUNK], z[CHUNK];
    for (int i = 0; i < CHUNK; i++) {
        z[i] = p->near[i] * p->near[i];
        even[i] = digamma_near[last];
        odd[i] = digamma_near[last - 1];
    }
    for (int k = last - 2; k > 0; k -= 2) {
        const double c = digamma_near[k], d = digamma_near[k - 1];
        for (int i = 0; i < CHUNK; i++)
            even[i] = even[i] * z[i] + c;
        for (int i = 0; i < CHUNK; i++)
            odd[i] = odd[i] * z[i] + d;
    }
    for (int i = 0; i < CHUNK; i++)
        p->c0[i] = p->factor[i] * (even[i] * p->near[i] + odd[i]) + p->c0[i];
}

static void digamma_chunk(int64_t n, double *y, const double *x)
{
    pieces p = { 0 };
    double reflected[CHUNK];
    bool negative = false, far = false;
    for (int64_t i = 0; i < n; i++) {
        negative = negative || x[i] < 0;
        digamma_piece(x[i] < 0 ? 1 - x[i] : x[i], &p, i);
        far = far || p.c1[i] != 0;
    }
    digamma_near_ones(&p);
    if (far)
        logarithms(n, p.v);
    for (int64_t i = 0; i < n; i++) {
        y[i] = p.c1[i] == 0 ? p.c0[i] : p.c0[i] + p.v[i];
        y[i] = x[i] == 0 ? (signbit(x[i]) ? (double)INFINITY : -(double)INFINITY) : y[i];
    }
    for (int64_t i = 0; negative && i < n; i++)
        reflected[i] = PI * (x[i] - nearest(x[i]));
    if (negative)
        hone__k->unary[HONE__K_TAN][HONE__F64](n, reflected, 1, reflected, 1);
    for (int64_t i = 0; negative && i < n; i++) /* a pole at whole numbers: NaN, as PyTorch */
        if (x[i] < 0)
            y[i] = reflected[i] == 0 ? (double)NAN : y[i] - PI / reflected[i];
}

/* ---- rows of f32 and f64 by chunks */

#define ROWS(op, name, NAME, type)                                                                 \
    static void op##_##name##_row(int64_t n, void *y, int64_t sy, const void *x, int64_t sx)       \
    {                                                                                              \
        double from[CHUNK], to[CHUNK];                                                             \
        for (int64_t begin = 0; begin < n; begin += CHUNK) {                                       \
            const int64_t m = n - begin < CHUNK ? n - begin : CHUNK;                               \
            const hone__cast_fn in = hone__k->cast[HONE__##NAME][HONE__F64],                       \
                                out = hone__k->cast[HONE__F64][HONE__##NAME];                      \
            in(m, from, 1, (const type *)x + begin * sx, sx);                                      \
            op##_chunk(m, to, from);                                                               \
            out(m, (type *)y + begin * sy, sy, to, 1);                                             \
        }                                                                                          \
    }
#define SPECIAL(op)                                                                                \
    ROWS(op, f32, F32, float)                                                                      \
    ROWS(op, f64, F64, double)                                                                     \
    static hone_tensor *op##_of(hone_context *ctx, hone_tensor *x)                                 \
    {                                                                                              \
        const hone_dtype dtype = x->dtype == HONE_F64 ? HONE_F64 : HONE_F32;                       \
        const hone__elementwise_kernel kernel = { .arity = HONE__UNARY,                            \
                                                  .fn.unary = dtype == HONE_F32 ? op##_f32_row     \
                                                                                : op##_f64_row,    \
                                                  .reads = { dtype },                              \
                                                  .ns = 10 };                                      \
        return hone__unary_run(ctx, x, dtype, &kernel, HONE__KEEP_INPUT);                          \
    }
SPECIAL(lgamma)
SPECIAL(digamma)

static void lgamma_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_mul(dy[0], hone_digamma(hone_saved(ctx, 0)));
}

static void digamma_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_mul(dy[0], hone_polygamma(hone_saved(ctx, 0), 1));
}

HONE__UNARY_BLOCK(lgamma, lgamma_of(ctx, in[0]), HONE__BOTH)
HONE__ENTRY_X_(lgamma)
HONE__UNARY_BLOCK(digamma, digamma_of(ctx, in[0]), HONE__BOTH)
HONE__ENTRY_X_(digamma)

/* ---- polygamma: the n-th derivative of digamma, (-1)^(n + 1) n! sum over k of 1 / (x + k)^(n + 1):
 * terms until x + k is past n + 12, then Euler's and Maclaurin's formula; below 1/2 by the derivatives
 * of pi cot(pi x), polynomials in the cotangent */

enum { ORDER_MAX = 60, TERMS = 10 };

typedef struct {
    int64_t n;
    double factorial, turn[ORDER_MAX + 2]; /* n!; by powers of cot(pi x) */
} polygamma_plan;

static double power_of(double x, int64_t n)
{
    double y = 1;
    for (; n; n >>= 1, x *= x)
        y *= n & 1 ? x : 1;
    return y;
}

/* sum over k of (x + k)^-s, x > 0, s > 1 */
static double zeta(double x, int64_t s)
{
    /* (2k)! / B2k */
    static const double a[TERMS] = { 12.0,
                                     -720.0,
                                     30240.0,
                                     -1209600.0,
                                     47900160.0,
                                     -1307674368000.0 / 691,
                                     74724249600.0,
                                     -10670622842880000.0 / 3617,
                                     5109094217170944000.0 / 43867,
                                     -802857662698291200000.0 / 174611 };
    double sum = 0;
    const double end = (double)s + 12;
    for (; x < end; x += 1)
        sum += power_of(1 / x, s);
    double power = power_of(1 / x, s);
    sum += power_of(1 / x, s - 1) / (double)(s - 1) + 0.5 * power;
    double factor = (double)s;
    power /= x;
    for (int k = 0; k < TERMS; k++) {
        sum += factor * power / a[k];
        factor *= (double)(s + 2 * k + 1) * (double)(s + 2 * k + 2);
        power /= x * x;
    }
    return sum;
}

static double polygamma_of(const polygamma_plan *p, double x)
{
    const double sign = p->n % 2 ? 1 : -1;
    if (x != x || isinf(x))
        return x > 0 ? 0 * sign : (double)NAN;
    if (x >= 0.5)
        return sign * p->factorial * zeta(x, p->n + 1);
    const double r = x - nearest(x);
    if (r == 0)
        return sign * (double)INFINITY;
    double tangent = PI * r, turned = 0;
    hone__k->unary[HONE__K_TAN][HONE__F64](1, &tangent, 1, &tangent, 1);
    for (int64_t i = p->n + 1; i >= 0; i--)
        turned = turned / tangent + p->turn[i];
    return -turned - p->factorial * zeta(1 - x, p->n + 1);
}

/* d/dx of u^k, u = cot(pi x), is -pi k (u^(k - 1) + u^(k + 1)). */
static void make_plan(int64_t n, polygamma_plan *p)
{
    *p = (polygamma_plan){ .n = n, .factorial = 1, .turn = { 0, PI } };
    for (int64_t k = 1; k <= n; k++) {
        double next[ORDER_MAX + 3] = { 0 };
        p->factorial *= (double)k;
        for (int64_t i = 1; i <= k; i++) {
            next[i - 1] -= PI * (double)i * p->turn[i];
            next[i + 1] -= PI * (double)i * p->turn[i];
        }
        for (int64_t i = 0; i <= k + 1; i++)
            p->turn[i] = next[i];
    }
}

typedef struct {
    const polygamma_plan *plan;
    const double *x;
    double *y;
} polygamma_job;

static void polygamma_range(void *ctx, int64_t begin, int64_t end)
{
    const polygamma_job *j = ctx;
    for (int64_t i = begin; i < end; i++)
        j->y[i] = polygamma_of(j->plan, j->x[i]);
}

typedef struct {
    int64_t n;
} polygamma_options;

static const hone__option polygamma_table[] = {
    HONE__OPTION(polygamma_options, n, HONE__OPT_INT, .required = true, .min = 1, .max = ORDER_MAX),
    { NULL },
};

static bool polygamma_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    (void)n_in;
    const polygamma_options *o = hone__options(ctx);
    hone_tensor *x = in[0], *from = hone_contiguous(hone_to(x, HONE_F64));
    hone_tensor *to = hone_empty_like(from);
    polygamma_plan plan;
    if (o->n < 1 || o->n > ORDER_MAX) {
        hone_error_set(HONE_E_VALUE, "polygamma: n is %lld, 1 to %d is wanted", (long long)o->n,
                       ORDER_MAX);
        return false;
    }
    if (!to || !HONE__SAVE(ctx, x))
        return false;
    make_plan(o->n, &plan);
    hone__parallel_for(to->numel, 1, 100, polygamma_range,
                       &(polygamma_job){ &plan, hone__data(from), hone__data(to) });
    out[0] = hone__out_along(ctx, x->dtype == HONE_F64 ? HONE_F64 : HONE_F32, x->ndim, x->shape);
    return out[0] && hone__copy_elements(out[0], to);
}

static void polygamma_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const polygamma_options *o = hone__options(ctx);
    dx[0] = hone_mul(dy[0], hone_polygamma(hone_saved(ctx, 0), o->n + 1));
}

/* The 0-th is digamma, which has another way. */
const hone__op hone__op_polygamma = {
    .name = "polygamma",
    .forward = polygamma_forward,
    .backward = polygamma_backward,
    .in = { { "x" } },
    .options = polygamma_table,
    .options_bytes = sizeof(polygamma_options),
};

hone_tensor *hone_polygamma(hone_tensor *x, int64_t n)
{
    return hone__call(&hone__op_polygamma, IN(x), &(polygamma_options){ n });
}
