/** @file ops.h
 * What can be computed with tensors. Names and meanings are PyTorch's.
 *
 * Unless a comment says otherwise: any strides; any dtype (transcendental functions turn integers
 * into f32); broadcasting of operands by PyTorch's rules; results are fresh, contiguous (but see
 * below) and owned by the current scope; NULL on error (HONE_E_SHAPE, HONE_E_DTYPE, HONE_E_VALUE,
 * HONE_E_INDEX, HONE_E_NOMEM, HONE_E_NULL for a NULL operand). Every op on floats is
 * differentiable, twice and more, except where it says "no gradient". A trailing _ means in place:
 * the first argument is changed and returned (no new reference), HONE_E_STATE if autograd forbids
 * it: a leaf that requires a gradient (change it under HONE_NO_GRAD()), an expanded tensor
 * (hone_clone it), a view that needs a gradient, its base's or the other operand's (unlike PyTorch:
 * change a hone_clone of it, and join the parts with hone_cat or hone_where).
 *
 * Results of elementwise ops (hone_where, hone_to, activations and gradients, too) and of hone_flip
 * lie as their operands do, as PyTorch's: without gaps, the dims in the order of the first operand
 * (of two dims: the first that is broadcast along neither). So make them hone_contiguous() before
 * hone_data() is read row by row, unless the operands are. Unlike PyTorch's, dim 0 of three and
 * more is never the innermost, and hone_clone(), hone_empty_like() .. are contiguous.
 */
#ifndef HONE_OPS_H
#define HONE_OPS_H

#include <hone/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- creation: hone_zeros(HONE_F32, 2, 3); hone_zeros(HONE_F32) is 0-d. The dtype has a type of its
 * own: hone_zeros(2, 3) doesn't compile. */

/** Uninitialised / 0 / 1. The arguments are a dtype and up to 8 extents. */
#define hone_empty(...) hone_empty_v(HONE_DTYPE_DIM_ARGS(__VA_ARGS__))
#define hone_zeros(...) hone_zeros_v(HONE_DTYPE_DIM_ARGS(__VA_ARGS__))
#define hone_ones(...)  hone_ones_v(HONE_DTYPE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_empty_v(const int64_t *dtype_dims_end);
HONE_API hone_tensor *hone_zeros_v(const int64_t *dtype_dims_end);
HONE_API hone_tensor *hone_ones_v(const int64_t *dtype_dims_end);
/** All elements `value`: hone_full(HONE_F64, 0.5, 2, 3). HONE_E_VALUE (here, in hone_scalar and in
 * hone_fill_) for an integer dtype that can't hold it; fractions are truncated. At least one
 * extent: 0-d is hone_scalar. */
#define hone_full(dtype, value, ...)                                                               \
    hone_full_v(HONE_DTYPE_ARG(dtype), value, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_full_v(hone_dtype dtype, double value, const int64_t *dims_end);
/** A 0-d tensor. */
HONE_API hone_tensor *hone_scalar(hone_dtype dtype, double value);
/** A copy of row-major memory: hone_from_data(HONE_F32, values, 2, 3); at least one extent. */
#define hone_from_data(dtype, data, ...)                                                           \
    hone_from_data_v(HONE_DTYPE_ARG(dtype), data, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_from_data_v(hone_dtype dtype, const void *data, const int64_t *dims_end);
/** start, start + step, ... before end: [ceil((end - start) / step)]. An integer dtype, start and
 * step: computed as integers, so exact to the ends of i64 (0x1p63 may be the end). An integer dtype
 * and fractions: computed in double and truncated. HONE_E_VALUE: step 0, an end on the wrong side,
 * something not finite, more than 2^53 elements, elements that an integer dtype can't hold, or
 * fractions beside integers past 2^53. */
HONE_API hone_tensor *hone_arange(hone_dtype dtype, double start, double end, double step);
/** [steps] numbers from start to end, both included, at equal distances, computed in double from the end
 * that is nearer and cast (an integer dtype truncates). HONE_E_VALUE: steps below 0, an integer dtype
 * that can't hold the ends. */
HONE_API hone_tensor *hone_linspace(hone_dtype dtype, double start, double end, int64_t steps);
/** [n, m] with ones on the diagonal. */
HONE_API hone_tensor *hone_eye(hone_dtype dtype, int64_t n, int64_t m);
/** The same shape and dtype as x, contiguous. */
HONE_API hone_tensor *hone_empty_like(hone_tensor *x);
HONE_API hone_tensor *hone_zeros_like(hone_tensor *x);
HONE_API hone_tensor *hone_ones_like(hone_tensor *x);
HONE_API hone_tensor *hone_full_like(hone_tensor *x, double value);

/** Uniform in [0, 1) / normal with mean 0 and variance 1 (f32, f64) / integers in [low, high) (any
 * dtype that holds them). Each call takes the next stream of the thread's generator (random.h);
 * element i depends on (seed, stream, i) only. HONE_E_STATE on a second thread without a generator.
 * Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011), Philox4x32-10; Box and
 * Muller (1958). */
#define hone_rand(...)  hone_rand_v(HONE_DTYPE_DIM_ARGS(__VA_ARGS__))
#define hone_randn(...) hone_randn_v(HONE_DTYPE_DIM_ARGS(__VA_ARGS__))
#define hone_randint(dtype, low, high, ...)                                                        \
    hone_randint_v(HONE_DTYPE_ARG(dtype), low, high, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_rand_v(const int64_t *dtype_dims_end);
HONE_API hone_tensor *hone_randn_v(const int64_t *dtype_dims_end);
HONE_API hone_tensor *hone_randint_v(hone_dtype dtype, int64_t low, int64_t high,
                                     const int64_t *dims_end);
/** The same with the shape and dtype (f32, f64) of x. */
HONE_API hone_tensor *hone_rand_like(hone_tensor *x);
HONE_API hone_tensor *hone_randn_like(hone_tensor *x);
#ifndef __cplusplus /* where an int is no dtype by itself */
#define hone_scalar(dtype, value)            hone_scalar(HONE_DTYPE_ARG(dtype), value)
#define hone_arange(dtype, start, end, step) hone_arange(HONE_DTYPE_ARG(dtype), start, end, step)
#define hone_linspace(dtype, start, end, n)  hone_linspace(HONE_DTYPE_ARG(dtype), start, end, n)
#define hone_eye(dtype, n, m)                hone_eye(HONE_DTYPE_ARG(dtype), n, m)
#endif
/** A random order of 0..n-1, i64 [n]; takes a stream as hone_rand does. */
HONE_API hone_tensor *hone_randperm(int64_t n);

/* ---- unary: [any] -> [same] */

/** -x; no bool. Grad: -dy. */
HONE_API hone_tensor *hone_neg(hone_tensor *x);
HONE_API hone_tensor *hone_neg_(hone_tensor *x);
/** |x|; no bool. Grad: dy * sign(x), so 0 at 0 and at NaN, as PyTorch. */
HONE_API hone_tensor *hone_abs(hone_tensor *x);
HONE_API hone_tensor *hone_abs_(hone_tensor *x);
/** -1, 0 or 1; 0 of -0 and, as PyTorch, of NaN. Grad: 0. */
HONE_API hone_tensor *hone_sign(hone_tensor *x);
HONE_API hone_tensor *hone_sign_(hone_tensor *x);
/** e^x. Grad: dy * y. */
HONE_API hone_tensor *hone_exp(hone_tensor *x);
HONE_API hone_tensor *hone_exp_(hone_tensor *x);
/** natural logarithm. Grad: dy / x. */
HONE_API hone_tensor *hone_log(hone_tensor *x);
HONE_API hone_tensor *hone_log_(hone_tensor *x);
/** square root. Grad: dy / (2 y). */
HONE_API hone_tensor *hone_sqrt(hone_tensor *x);
HONE_API hone_tensor *hone_sqrt_(hone_tensor *x);
/** x * x (bool: i64). Grad: dy * 2x. */
HONE_API hone_tensor *hone_square(hone_tensor *x);
HONE_API hone_tensor *hone_square_(hone_tensor *x);
/** 1 / x. Grad: -dy * y^2. */
HONE_API hone_tensor *hone_reciprocal(hone_tensor *x);
HONE_API hone_tensor *hone_reciprocal_(hone_tensor *x);
/** max(x, 0); no bool; NaN stays NaN, -0 gives 0. Grad: 0 where y <= 0, else dy, so dy at NaN, as
 * PyTorch. */
HONE_API hone_tensor *hone_relu(hone_tensor *x);
HONE_API hone_tensor *hone_relu_(hone_tensor *x);
/** 1 / (1 + e^-x). Grad: dy * y * (1 - y). */
HONE_API hone_tensor *hone_sigmoid(hone_tensor *x);
HONE_API hone_tensor *hone_sigmoid_(hone_tensor *x);
/** hyperbolic tangent. Grad: dy * (1 - y^2). */
HONE_API hone_tensor *hone_tanh(hone_tensor *x);
HONE_API hone_tensor *hone_tanh_(hone_tensor *x);
/** log(1 + x), without loss near 0. Grad: dy / (1 + x). */
HONE_API hone_tensor *hone_log1p(hone_tensor *x);
HONE_API hone_tensor *hone_log1p_(hone_tensor *x);
/** e^x - 1, without loss near 0. Grad: dy * (y + 1). */
HONE_API hone_tensor *hone_expm1(hone_tensor *x);
HONE_API hone_tensor *hone_expm1_(hone_tensor *x);
/** 1 / sqrt(x). Grad: -dy * y^3 / 2. */
HONE_API hone_tensor *hone_rsqrt(hone_tensor *x);
HONE_API hone_tensor *hone_rsqrt_(hone_tensor *x);
/** Sine, cosine and tangent of radians. Grad: dy * cos(x); -dy * sin(x); dy * (1 + y^2). */
HONE_API hone_tensor *hone_sin(hone_tensor *x);
HONE_API hone_tensor *hone_sin_(hone_tensor *x);
HONE_API hone_tensor *hone_cos(hone_tensor *x);
HONE_API hone_tensor *hone_cos_(hone_tensor *x);
HONE_API hone_tensor *hone_tan(hone_tensor *x);
HONE_API hone_tensor *hone_tan_(hone_tensor *x);
/** Error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x. Grad: dy * 2 / sqrt(pi)
 * * e^(-x^2). */
HONE_API hone_tensor *hone_erf(hone_tensor *x);
HONE_API hone_tensor *hone_erf_(hone_tensor *x);
/** x * Phi(x), where Phi(x) = (1 + erf(x / sqrt(2))) / 2 is the normal distribution. Grad: dy *
 * (Phi(x) + x * e^(-x^2 / 2) / sqrt(2 pi)). Source: Hendrycks and Gimpel, Gaussian error linear
 * units (2016). */
HONE_API hone_tensor *hone_gelu(hone_tensor *x);
/** Its approximation x / 2 * (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) = x * s, where s =
 * sigmoid(u), u = 2 sqrt(2 / pi) (x + 0.044715 x^3). Grad: dy * (s + x * u' * s * (1 - s)). Source:
 * as gelu. */
HONE_API hone_tensor *hone_gelu_tanh(hone_tensor *x);
/** x * s, where s = sigmoid(x). Grad: dy * (s + x * s * (1 - s)). Source: Elfwing, Uchibe and Doya,
 * Sigmoid-weighted linear units for neural network function approximation in reinforcement
 * learning (2017). */
HONE_API hone_tensor *hone_silu(hone_tensor *x);
HONE_API hone_tensor *hone_silu_(hone_tensor *x);
/** log(1 + e^x), without overflow and without PyTorch's threshold. Grad: dy * sigmoid(x). */
HONE_API hone_tensor *hone_softplus(hone_tensor *x);

/** To a whole number: down, up, towards 0, to the nearest (of two the even one); integers stay, no bool;
 * zeros keep their sign, a result of 0 has x's. Grad: 0. */
HONE_API hone_tensor *hone_floor(hone_tensor *x);
HONE_API hone_tensor *hone_floor_(hone_tensor *x);
HONE_API hone_tensor *hone_ceil(hone_tensor *x);
HONE_API hone_tensor *hone_ceil_(hone_tensor *x);
HONE_API hone_tensor *hone_trunc(hone_tensor *x);
HONE_API hone_tensor *hone_trunc_(hone_tensor *x);
HONE_API hone_tensor *hone_round(hone_tensor *x);
HONE_API hone_tensor *hone_round_(hone_tensor *x);
/** x - trunc(x), exact; floats only. Grad: dy. */
HONE_API hone_tensor *hone_frac(hone_tensor *x);
/** x with NaN, inf and -inf replaced by numbers; an infinite posinf or neginf (the defaults of
 * hone_call; nan: 0) stands for the dtype's largest or lowest number; integers and bool stay. Grad: dy
 * where x is finite, else 0. */
HONE_API hone_tensor *hone_nan_to_num(hone_tensor *x, double nan, double posinf, double neginf);

/** Gradients of relu, sigmoid and tanh from their output y, in one pass: 0 where y <= 0, else dy;
 * dy y (1 - y); dy (1 - y^2). */
HONE_API hone_tensor *hone_relu_backward(hone_tensor *dy, hone_tensor *y);
HONE_API hone_tensor *hone_sigmoid_backward(hone_tensor *dy, hone_tensor *y);
HONE_API hone_tensor *hone_tanh_backward(hone_tensor *dy, hone_tensor *y);
/** Gradients of gelu, gelu_tanh, silu and softplus from their input x, in one pass. At infinities
 * they are the limits, 0 and dy (PyTorch: NaN, but for softplus). */
HONE_API hone_tensor *hone_gelu_backward(hone_tensor *dy, hone_tensor *x);
HONE_API hone_tensor *hone_gelu_tanh_backward(hone_tensor *dy, hone_tensor *x);
HONE_API hone_tensor *hone_silu_backward(hone_tensor *dy, hone_tensor *x);
HONE_API hone_tensor *hone_softplus_backward(hone_tensor *dy, hone_tensor *x);

/* ---- binary with broadcasting */

/** a + b (bool: or). Grad: da = dy, db = dy. */
HONE_API hone_tensor *hone_add(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_add_(hone_tensor *a, hone_tensor *b);
/** a - b; no bool. Grad: da = dy, db = -dy. */
HONE_API hone_tensor *hone_sub(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_sub_(hone_tensor *a, hone_tensor *b);
/** a * b (bool: and). Grad: da = dy b, db = dy a. */
HONE_API hone_tensor *hone_mul(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_mul_(hone_tensor *a, hone_tensor *b);
/** a / b; integers give f32. Grad: da = dy / b, db = -dy a / b^2. */
HONE_API hone_tensor *hone_div(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_div_(hone_tensor *a, hone_tensor *b);
/** a^b, within 2 ulp, special values as C17's annex F has them (F.10.4.4); integers: negative
 * exponents are HONE_E_VALUE. Grad: da = dy b a^(b-1), 0 where b = 0, whatever a is; db = dy a^b
 * log a, 0 where a = 0 and b >= 0. */
HONE_API hone_tensor *hone_pow(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_pow_(hone_tensor *a, hone_tensor *b);
/** The larger / smaller of a and b; NaN wins, and of +0 and -0, which are equal, the first operand.
 * Grad: to the chosen one, half each where equal, all to both where one is NaN (as PyTorch). */
HONE_API hone_tensor *hone_maximum(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_minimum(hone_tensor *a, hone_tensor *b);

/** The same with a number, which takes the tensor's dtype (rounded to it); an integer tensor gives
 * f32 if s is not a whole number in i64's range, and bool gives i64 beside one that is. Numbers
 * that an integer dtype can't hold: add, sub and mul give the exact result modulo 2^bits, as all
 * integer arithmetic here; div is in f32 anyway; maximum and minimum give x if it is always the
 * one chosen, else HONE_E_VALUE; pow gives HONE_E_VALUE, as for negative s. The powers -2, -1,
 * -1/2, 1/2, 1, 3/2, 2, 3 and 4 cost a multiplication, a division or a root or two. */
HONE_API hone_tensor *hone_add_scalar(hone_tensor *x, double s);
HONE_API hone_tensor *hone_add_scalar_(hone_tensor *x, double s);
HONE_API hone_tensor *hone_sub_scalar(hone_tensor *x, double s);
HONE_API hone_tensor *hone_sub_scalar_(hone_tensor *x, double s);
HONE_API hone_tensor *hone_mul_scalar(hone_tensor *x, double s);
HONE_API hone_tensor *hone_mul_scalar_(hone_tensor *x, double s);
HONE_API hone_tensor *hone_div_scalar(hone_tensor *x, double s);
HONE_API hone_tensor *hone_div_scalar_(hone_tensor *x, double s);
HONE_API hone_tensor *hone_pow_scalar(hone_tensor *x, double s);
HONE_API hone_tensor *hone_pow_scalar_(hone_tensor *x, double s);
HONE_API hone_tensor *hone_maximum_scalar(hone_tensor *x, double s);
HONE_API hone_tensor *hone_minimum_scalar(hone_tensor *x, double s);

/** log(e^a + e^b), without overflow: max(a, b) + log1p(e^-|a - b|); floats. Grad: dy sigmoid(a - b), dy
 * sigmoid(b - a); NaN where both are the same infinity, as PyTorch. */
HONE_API hone_tensor *hone_logaddexp(hone_tensor *a, hone_tensor *b);
/** What a divided by b leaves, exactly: a minus b times a whole number, with the sign of a (fmod) or of b
 * (remainder), and smaller than b. Of floats by 0, of an infinite a: NaN; by an infinite b: a, but
 * remainder gives b where the signs differ, as PyTorch. Integers by 0: HONE_E_VALUE; no bool. The number
 * s takes the tensor's dtype as of hone_add_scalar. Grad: da = dy; db = -dy times that whole number. */
HONE_API hone_tensor *hone_fmod(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_fmod_(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_fmod_scalar(hone_tensor *x, double s);
HONE_API hone_tensor *hone_fmod_scalar_(hone_tensor *x, double s);
HONE_API hone_tensor *hone_remainder(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_remainder_(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_remainder_scalar(hone_tensor *x, double s);
HONE_API hone_tensor *hone_remainder_scalar_(hone_tensor *x, double s);
/** a + alpha b, a - alpha b: torch.add and torch.sub with alpha; of integers and bool alpha must be one of
 * them (HONE_E_VALUE). In two steps, each rounded. Grad: da = dy, db = dy alpha, -dy alpha. */
HONE_API hone_tensor *hone_add_alpha(hone_tensor *a, hone_tensor *b, double alpha);
HONE_API hone_tensor *hone_sub_alpha(hone_tensor *a, hone_tensor *b, double alpha);
/** input + (value tensor1) tensor2 / input + (value tensor1) / tensor2, broadcast and promoted; addcdiv
 * of floats only, addcmul not of bool; integers need a whole value (HONE_E_VALUE). Default of hone_call:
 * value 1. Grad: dinput = dy; dtensor1 = dy tensor2 value, dtensor2 = dy tensor1 value; dy / tensor2
 * value, -dy tensor1 / tensor2^2 value. */
HONE_API hone_tensor *hone_addcmul(hone_tensor *input, hone_tensor *tensor1, hone_tensor *tensor2,
                                   double value);
HONE_API hone_tensor *hone_addcmul_(hone_tensor *input, hone_tensor *tensor1, hone_tensor *tensor2,
                                    double value);
HONE_API hone_tensor *hone_addcdiv(hone_tensor *input, hone_tensor *tensor1, hone_tensor *tensor2,
                                   double value);
HONE_API hone_tensor *hone_addcdiv_(hone_tensor *input, hone_tensor *tensor1, hone_tensor *tensor2,
                                    double value);
/** start + weight (end - start) where |weight| < 0.5, else end - (end - start) (1 - weight), which is
 * the same but exact at 0 and at 1; all f32 or all f64, broadcast; lerp_scalar has a number as weight.
 * Grad: dstart = dy (1 - weight), dend = dy weight, dweight = dy (end - start). HONE_E_DTYPE. */
HONE_API hone_tensor *hone_lerp(hone_tensor *start, hone_tensor *end, hone_tensor *weight);
HONE_API hone_tensor *hone_lerp_(hone_tensor *start, hone_tensor *end, hone_tensor *weight);
HONE_API hone_tensor *hone_lerp_scalar(hone_tensor *start, hone_tensor *end, double s);
HONE_API hone_tensor *hone_lerp_scalar_(hone_tensor *start, hone_tensor *end, double s);

/* ---- comparisons: bool results, no gradient. Between an integer tensor and a number they are
 * exact, whatever the number (PyTorch wraps or rounds some). */

HONE_API hone_tensor *hone_eq(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_eq_scalar(hone_tensor *x, double s);
HONE_API hone_tensor *hone_ne(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_ne_scalar(hone_tensor *x, double s);
HONE_API hone_tensor *hone_lt(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_lt_scalar(hone_tensor *x, double s);
HONE_API hone_tensor *hone_le(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_le_scalar(hone_tensor *x, double s);
HONE_API hone_tensor *hone_gt(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_gt_scalar(hone_tensor *x, double s);
HONE_API hone_tensor *hone_ge(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_ge_scalar(hone_tensor *x, double s);
/** Whether x is NaN, infinite, neither, 0; whether a and b, or one of them, or just one, is not 0 (NaN
 * isn't 0). */
HONE_API hone_tensor *hone_isnan(hone_tensor *x);
HONE_API hone_tensor *hone_isinf(hone_tensor *x);
HONE_API hone_tensor *hone_isfinite(hone_tensor *x);
HONE_API hone_tensor *hone_logical_not(hone_tensor *x);
HONE_API hone_tensor *hone_logical_and(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_logical_or(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_logical_xor(hone_tensor *a, hone_tensor *b);
/** a where condition (bool) is true, else b. Grad: da = dy where true, db = dy where false. */
HONE_API hone_tensor *hone_where(hone_tensor *condition, hone_tensor *a, hone_tensor *b);

/* ---- copies */

/** x in another dtype (x itself if it has it), lying as x does. Float to integer truncates and saturates, NaN gives
 * 0; to bool: x != 0. Grad: dy cast back. */
HONE_API hone_tensor *hone_to(hone_tensor *x, hone_dtype dtype);
/** A contiguous copy. Grad: dy. */
HONE_API hone_tensor *hone_clone(hone_tensor *x);
/** x itself if it is contiguous, else a contiguous copy. Grad: dy. */
HONE_API hone_tensor *hone_contiguous(hone_tensor *x);
/** Overwrites x by src (broadcast, cast) / by a value / by 0. Returns x. Grad of copy_: dsrc: dy. */
HONE_API hone_tensor *hone_copy_(hone_tensor *x, hone_tensor *src);
HONE_API hone_tensor *hone_fill_(hone_tensor *x, double value);
HONE_API hone_tensor *hone_zero_(hone_tensor *x);

/* ---- reductions */
/* name(x) over all dims -> 0-d; name_dim(x, dim, keepdim) over one; name_dims(x, keepdim, d0, d1,
 * ...) over several. */

/** Sum. Integers and bool sum into i64; no elements: 0. Over all dims, the last of which (of more than
 * one element) has 512 or more: of the rows' sums. Of f32 over dim 0 (and others, but not the last), 512
 * numbers or more into each of at most 1024: in blocks of 512, number i of one in chain i modulo 4, joined
 * as (0 + 2) + (1 + 3), the blocks pairwise. Grad: dy expanded. */
HONE_API hone_tensor *hone_sum(hone_tensor *x);
HONE_API hone_tensor *hone_sum_dim(hone_tensor *x, int dim, bool keepdim);
#define hone_sum_dims(x, keepdim, ...) hone_sum_dims_v(x, keepdim, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_sum_dims_v(hone_tensor *x, bool keepdim, const int64_t *dims_end);
/** Mean; floats only; no elements: NaN. Grad: dy / n expanded. */
HONE_API hone_tensor *hone_mean(hone_tensor *x);
HONE_API hone_tensor *hone_mean_dim(hone_tensor *x, int dim, bool keepdim);
#define hone_mean_dims(x, keepdim, ...) hone_mean_dims_v(x, keepdim, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_mean_dims_v(hone_tensor *x, bool keepdim, const int64_t *dims_end);
/** Variance: sum((x - mean)^2) / max(0, n - correction), where PyTorch's default correction is 1
 * (0: of all there is, not of a sample). Floats only; a divisor of 0 gives NaN or inf. Each block
 * of the data is read twice in cache (its mean, then the deviations from it, which also correct
 * the mean), so a large mean costs no accuracy; rows whose squares over- or underflow are computed
 * again, scaled by a power of two. Grad: dy 2 (x - mean) / (n - correction), finite even where the
 * variance is not; as in PyTorch, a correction of more than n makes its sign the other one.
 *  Error:   for any finite x, at most 2^-16 of the value (f64: 2^-45), 2^-22 (2^-51) as a rule,
 *           as long as x deviates by more than the rounding of its mean; of results that are not
 *           normal numbers also one unit of the least one.
 *  Errors:  HONE_E_DTYPE, HONE_E_VALUE (correction not finite), HONE_E_SHAPE, HONE_E_NOMEM. */
HONE_API hone_tensor *hone_var(hone_tensor *x, double correction);
HONE_API hone_tensor *hone_var_dim(hone_tensor *x, int dim, double correction, bool keepdim);
#define hone_var_dims(x, correction, keepdim, ...)                                                 \
    hone_var_dims_v(x, correction, keepdim, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_var_dims_v(hone_tensor *x, double correction, bool keepdim,
                                      const int64_t *dims_end);
/** Standard deviation: the square root of the variance, with its error, also where the variance is
 * beyond the dtype (the numbers 0, 1e19 .. 9e19, or 1e-23, of f32). Grad: dy (x - mean) / (y (n -
 * correction)), as right, and 0 where y is 0. */
HONE_API hone_tensor *hone_std(hone_tensor *x, double correction);
HONE_API hone_tensor *hone_std_dim(hone_tensor *x, int dim, double correction, bool keepdim);
#define hone_std_dims(x, correction, keepdim, ...)                                                 \
    hone_std_dims_v(x, correction, keepdim, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_std_dims_v(hone_tensor *x, double correction, bool keepdim,
                                      const int64_t *dims_end);
/** Largest / smallest value; NaN wins; of +0 and -0, which are equal, one that their places choose;
 * no elements: HONE_E_SHAPE. Grad of _dim: to the first such element; of the others: shared evenly
 * by ties. Where the result is NaN, those of max and min are the NaNs, and max_dims and min_dims
 * give NaN to every element (all as PyTorch's max() and amax()). */
HONE_API hone_tensor *hone_max(hone_tensor *x);
HONE_API hone_tensor *hone_max_dim(hone_tensor *x, int dim, bool keepdim);
#define hone_max_dims(x, keepdim, ...) hone_max_dims_v(x, keepdim, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_max_dims_v(hone_tensor *x, bool keepdim, const int64_t *dims_end);
HONE_API hone_tensor *hone_min(hone_tensor *x);
HONE_API hone_tensor *hone_min_dim(hone_tensor *x, int dim, bool keepdim);
#define hone_min_dims(x, keepdim, ...) hone_min_dims_v(x, keepdim, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_min_dims_v(hone_tensor *x, bool keepdim, const int64_t *dims_end);
/** Index (i64) of the first largest / smallest element along dim (+0 and -0 are equal), or of the
 * first NaN. No gradient. */
HONE_API hone_tensor *hone_argmax(hone_tensor *x, int dim, bool keepdim);
HONE_API hone_tensor *hone_argmin(hone_tensor *x, int dim, bool keepdim);
/** log(sum(e^x)) along dim or several, without overflow. Grad: dy * softmax(x); where the result is
 * inf, 0 for what is finite and NaN for the infinities. */
HONE_API hone_tensor *hone_logsumexp(hone_tensor *x, int dim, bool keepdim);
#define hone_logsumexp_dims(x, keepdim, ...)                                                       \
    hone_logsumexp_dims_v(x, keepdim, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_logsumexp_dims_v(hone_tensor *x, bool keepdim, const int64_t *dims_end);

/** Running sums / products along dim: y[i] = y[i - 1] + x[i] and y[i - 1] * x[i], one chain a line, f32
 * in f64, rounded once an element. Integers and bool give i64. Grad of cumsum: the running sum of dy
 * from the end; of cumprod: (product of x before i) times the sum over j from i of dy[j] times the
 * product of x between i and j, without a division, so right wherever zeros are. _as: of x in another
 * dtype, PyTorch's dtype=, here and below. */
HONE_API hone_tensor *hone_cumsum(hone_tensor *x, int dim);
HONE_API hone_tensor *hone_cumprod(hone_tensor *x, int dim);
HONE_API hone_tensor *hone_cumsum_as(hone_tensor *x, int dim, hone_dtype dtype);
HONE_API hone_tensor *hone_cumprod_as(hone_tensor *x, int dim, hone_dtype dtype);
/** Product. Integers and bool give i64; no elements: 1. Order: along the last dim of more than one
 * element in pieces of 4096: 8 chains, element i in chain i modulo 8, multiplied as a tree of
 * neighbours, and the pieces in order; along another dim one chain an output. Over all of x: as one
 * such row; where several along that last dim have 64 elements or more, of the rows' products. f32 is
 * computed in f64, but for whole runs of 64 elements along the last dim: each chain's eight are multiplied
 * first, as a tree of neighbours, in f32 if the f32 products of all four pairs are at least 2^-15 and less
 * than 2^17 in size, which none of them leaves, else in f64, where eight that are less than 2^-1022
 * underflow whatever they are multiplied by later. Each of n elements costs less than one rounding of
 * 2^-24, which make 2^-24 sqrt(n) as a rule. Grad: dy times the products of those before and behind each,
 * wherever zeros are. */
HONE_API hone_tensor *hone_prod(hone_tensor *x);
HONE_API hone_tensor *hone_prod_dim(hone_tensor *x, int dim, bool keepdim);
HONE_API hone_tensor *hone_prod_as(hone_tensor *x, hone_dtype dtype);
HONE_API hone_tensor *hone_prod_dim_as(hone_tensor *x, int dim, bool keepdim, hone_dtype dtype);
/** sum(|x|^p)^(1/p); p 0: how many are not 0, 1: sum of sizes, INFINITY, -INFINITY: the largest and the
 * smallest size; any other number. Floats only. Order: that of hone_sum_dims (of squares, where p is 2,
 * in one pass; squares of f32 over- and underflow). Grad: of p 0: 0; 1: dy sign(x); the infinities: dy,
 * shared by ties, with their signs; else dy sign(x) (|x| / y)^(p - 1), 0 where y is 0 and, unless p is
 * 2, where x is. HONE_E_SHAPE: no elements where p is infinite or below 0; HONE_E_VALUE: p is NaN;
 * HONE_E_DTYPE. Source: torch.linalg.vector_norm. */
HONE_API hone_tensor *hone_norm(hone_tensor *x, double p);
HONE_API hone_tensor *hone_norm_dim(hone_tensor *x, int dim, double p, bool keepdim);
#define hone_norm_dims(x, p, keepdim, ...)                                                         \
    hone_norm_dims_v(x, p, keepdim, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_norm_dims_v(hone_tensor *x, double p, bool keepdim,
                                       const int64_t *dims_end);
/** Whether any element, or each, is not 0 (NaN isn't): bool, but u8 of u8, as in PyTorch. Of no
 * elements: false, and true. No gradient. */
HONE_API hone_tensor *hone_any(hone_tensor *x);
HONE_API hone_tensor *hone_any_dim(hone_tensor *x, int dim, bool keepdim);
#define hone_any_dims(x, keepdim, ...) hone_any_dims_v(x, keepdim, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_any_dims_v(hone_tensor *x, bool keepdim, const int64_t *dims_end);
HONE_API hone_tensor *hone_all(hone_tensor *x);
HONE_API hone_tensor *hone_all_dim(hone_tensor *x, int dim, bool keepdim);
#define hone_all_dims(x, keepdim, ...) hone_all_dims_v(x, keepdim, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_all_dims_v(hone_tensor *x, bool keepdim, const int64_t *dims_end);

/** hone_var, or hone_std, and hone_mean; both NULL on error. */
typedef struct {
    hone_tensor *var, *mean;
} hone_var_and_mean;
typedef struct {
    hone_tensor *std, *mean;
} hone_std_and_mean;
HONE_API hone_var_and_mean hone_var_mean(hone_tensor *x, double correction);
HONE_API hone_var_and_mean hone_var_mean_dim(hone_tensor *x, int dim, double correction,
                                             bool keepdim);
#define hone_var_mean_dims(x, correction, keepdim, ...)                                            \
    hone_var_mean_dims_v(x, correction, keepdim, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_var_and_mean hone_var_mean_dims_v(hone_tensor *x, double correction, bool keepdim,
                                                const int64_t *dims_end);
HONE_API hone_std_and_mean hone_std_mean(hone_tensor *x, double correction);
HONE_API hone_std_and_mean hone_std_mean_dim(hone_tensor *x, int dim, double correction,
                                             bool keepdim);
#define hone_std_mean_dims(x, correction, keepdim, ...)                                            \
    hone_std_mean_dims_v(x, correction, keepdim, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_std_and_mean hone_std_mean_dims_v(hone_tensor *x, double correction, bool keepdim,
                                                const int64_t *dims_end);

/* ---- softmax */

/** e^(x - max) / sum(e^(x - max)) along dim, and its logarithm. Grad: y (dy - sum(dy y)); dy - e^y
 * sum(dy). _as: of x in another dtype. */
HONE_API hone_tensor *hone_softmax(hone_tensor *x, int dim);
HONE_API hone_tensor *hone_log_softmax(hone_tensor *x, int dim);
HONE_API hone_tensor *hone_softmax_as(hone_tensor *x, int dim, hone_dtype dtype);
HONE_API hone_tensor *hone_log_softmax_as(hone_tensor *x, int dim, hone_dtype dtype);
/** Their gradients from the output y, in one pass. */
HONE_API hone_tensor *hone_softmax_backward(hone_tensor *dy, hone_tensor *y, int dim);
HONE_API hone_tensor *hone_log_softmax_backward(hone_tensor *dy, hone_tensor *y, int dim);

/* ---- normalisation */

/** Layer norm over the last `n_dims` dims: (x - mean) / sqrt(var + eps) * weight + bias, with the
 * mean and the variance (correction 0) of those dims; PyTorch's default eps is 1e-5.
 *  @param x             [.., d0..dn] f32|f64, any strides.
 *  @param weight, bias  [d0..dn], the last n_dims dims of x; or HONE_NONE.
 *  @param n_dims        1..ndim of x.
 *  @return  [same as x], contiguous; NULL on error.
 *  Grad:    of x, weight and bias; the first two are the ops below. Twice differentiable.
 *  Error:   for any finite x that of the standard deviation (see hone_var), of sqrt(n) before
 *           weight and bias: neither a large mean nor squares that over- or underflow matter.
 *  Errors:  HONE_E_SHAPE, HONE_E_DTYPE, HONE_E_VALUE (n_dims; eps negative or not finite),
 *           HONE_E_NOMEM.
 *  Source:  Ba, Kiros, Hinton: Layer Normalization (2016). */
HONE_API hone_tensor *hone_layer_norm(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                                      int n_dims, double eps);
/** Its gradient by x in one pass: (g - mean(g) - v mean(g v)) / sqrt(var + eps) with g = dy weight
 * and v the normalised x. */
HONE_API hone_tensor *hone_layer_norm_backward(hone_tensor *dy, hone_tensor *x, hone_tensor *weight,
                                               int n_dims, double eps);
/** Its gradient by weight in one pass: the sum of dy v over the leading dims, [d0..dn]: within each
 * sample (dim 0) as hone_sum_dim sums, then one chain over the samples from +0. */
HONE_API hone_tensor *hone_layer_norm_weight_backward(hone_tensor *dy, hone_tensor *x, int n_dims,
                                                      double eps);

/** Options of hone_batch_norm. */
typedef struct {
    bool training;      /**< normalise by the batch's statistics, and let the running ones follow */
    double momentum;    /**< weight of the batch in the running statistics: default 0.1; HONE_ZERO
                             is 0 */
    int64_t cumulative; /**< > 0: they are the average over so many batches, this one included
                             (PyTorch's momentum=None); momentum is not looked at */
    double eps;         /**< default 1e-5; HONE_ZERO is 0, which only evaluation takes */
    HONE_RESERVE(32);
} hone_batch_norm_options;

/** Batch norm of each channel: (x - mean) / sqrt(var + eps) * weight + bias. Evaluation takes mean
 * and var from the running statistics. Training takes them (var with correction 0) from the
 * channel's elements in the whole batch, and changes the running ones in place, if they are given:
 * running = (1 - momentum) running + momentum batch, with a var of correction 1; an empty batch
 * changes nothing.
 *  @param x             [N, C, ...] f32|f64, any strides.
 *  @param running_mean, running_var  [C] of x's dtype, both or none (HONE_NONE); evaluation needs
 *                       them. They take no gradient.
 *  @param weight, bias  [C] of x's dtype, or HONE_NONE: 1 and 0.
 *  @param options       NULL: evaluation with the defaults.
 *  @return  [same as x], contiguous; NULL on error.
 *  Order:   the mean and the sum of squared deviations are those of hone_var_dims over all dims but
 *           1, the mean as base + shift, a number close to the elements and what is left, so a
 *           large mean costs no accuracy. With scale = 1 / sqrt(var + eps) and offset = -shift
 *           scale, v = fma(x - base, scale, offset), and fma(v, weight, bias). Running statistics
 *           are computed in f64 and rounded once.
 *  Error:   that of the standard deviation, but squares of f32 overflow where x is 1e19 off the
 *           mean: then var is inf and v 0, as in PyTorch.
 *  Batch:   in training a sample's result depends on the whole batch: that is the method, so it
 *           can't be cut into micro-batches that end in the same bits (unlike every other op). In
 *           evaluation it can: samples are independent, and gradients of weight and bias are
 *           chains over the samples.
 *  Grad:    of x, weight and bias, by hone_batch_norm_backward. Twice differentiable.
 *  Errors:  HONE_E_SHAPE, HONE_E_DTYPE, HONE_E_VALUE (one value a channel in training; eps; no
 *           running statistics in evaluation, or one of them), HONE_E_STATE (running statistics
 *           that require a gradient or are expanded), HONE_E_NOMEM.
 *  Source:  Ioffe, Szegedy: Batch Normalization: Accelerating Deep Network Training by Reducing
 *           Internal Covariate Shift (2015). */
HONE_API hone_tensor *hone_batch_norm(hone_tensor *x, hone_tensor *running_mean,
                                      hone_tensor *running_var, hone_tensor *weight,
                                      hone_tensor *bias, const hone_batch_norm_options *options);

/** Gradients; NULL on error, all of them. */
typedef struct {
    hone_tensor *dx, *dweight, *dbias;
} hone_batch_norm_gradients;
/** Its gradients in two passes over dy and x: dbias = sum(dy), dweight = sum(dy v), and with g = dy
 * weight and r = 1 / sqrt(var + eps): dx = (g - mean(g) - v mean(g v)) r in training, g r in
 * evaluation. The sums: each sample's by the order of hone_sum over a row, then a chain over the
 * samples. Running statistics are needed in evaluation alone. */
HONE_API hone_batch_norm_gradients hone_batch_norm_backward(hone_tensor *dy, hone_tensor *x,
                                                            hone_tensor *running_mean,
                                                            hone_tensor *running_var,
                                                            hone_tensor *weight, bool training,
                                                            double eps);

/** Values and where they come from; both NULL on error. */
typedef struct {
    hone_tensor *values, *indices;
} hone_values_indices;

/* ---- shape: views where strides allow it */

/** The same elements in another shape; one extent may be -1. A view if possible, else a copy.
 * At least one extent: 0-d is hone_reshape_v(x, (const int64_t[]){ HONE_END_DIM }). */
#define hone_reshape(x, ...) hone_reshape_v(x, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_reshape_v(hone_tensor *x, const int64_t *shape_end);
/** Dims start..last made one: [2, 3, 4] with start 1 -> [2, 12]. */
HONE_API hone_tensor *hone_flatten(hone_tensor *x, int start);
/** Views with two dims swapped / all dims reordered / dim removed (kept as it is unless its extent
 * is 1), several of them, all extents of 1 / an extent-1 dim put in. */
HONE_API hone_tensor *hone_transpose(hone_tensor *x, int dim0, int dim1);
#define hone_permute(x, ...) hone_permute_v(x, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_permute_v(hone_tensor *x, const int64_t *dims_end);
HONE_API hone_tensor *hone_squeeze(hone_tensor *x, int dim);
#define hone_squeeze_dims(x, ...) hone_squeeze_dims_v(x, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_squeeze_dims_v(hone_tensor *x, const int64_t *dims_end);
HONE_API hone_tensor *hone_squeeze_all(hone_tensor *x);
HONE_API hone_tensor *hone_unsqueeze(hone_tensor *x, int dim);
/** A view in which extent-1 dims (and new leading dims) are repeated without copying; -1 keeps an
 * extent. Grad: summed. */
#define hone_expand(x, ...) hone_expand_v(x, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_expand_v(hone_tensor *x, const int64_t *size_end);
/** View of one index of dim (which disappears) / of start, start + step, ... below end. Negative
 * indices count from the end; start and end are clamped, step > 0. INT64_MAX as end: to the end.
 *  Grad: zeros with dy in place. */
HONE_API hone_tensor *hone_select(hone_tensor *x, int dim, int64_t index);
HONE_API hone_tensor *hone_slice(hone_tensor *x, int dim, int64_t start, int64_t end, int64_t step);
/** Zeros of the given shape with dy put where hone_slice(.., dim, start, end, step) would read. */
HONE_API hone_tensor *hone_slice_backward_v(hone_tensor *dy, const int64_t *shape_end, int dim,
                                            int64_t start, int64_t end, int64_t step);
/** View of the elements whose index along dim2 is that along dim1 plus offset, along a new last dim;
 * defaults of hone_call: offset 0, dims 0 and 1. Grad: zeros with dy on the diagonal. HONE_E_SHAPE:
 * the dims are one, or not there. */
HONE_API hone_tensor *hone_diagonal(hone_tensor *x, int64_t offset, int dim1, int dim2);
/** View with dim `source` at place `destination`, the others in their order. */
HONE_API hone_tensor *hone_movedim(hone_tensor *x, int source, int destination);
/** Views of each index of dim, which disappears. */
HONE_API hone_tensor_list hone_unbind(hone_tensor *x, int dim);
/** Views of `size` indices of dim each; the last may be smaller. */
HONE_API hone_tensor_list hone_split(hone_tensor *x, int64_t size, int dim);
/** Joined along dim; the other extents are equal, dtypes promoted; a tensor [0]
 * fits to any. Grad: slices. */
HONE_API hone_tensor *hone_cat(hone_tensor_list tensors, int dim);

/** Views of dim cut into at most `chunks` parts of ceil(extent / chunks) indices, of which the last
 * may have fewer; of an extent of 0 `chunks` empty ones. HONE_E_VALUE: chunks below 1. */
HONE_API hone_tensor_list hone_chunk(hone_tensor *x, int64_t chunks, int dim);
/** Tensors of one shape joined along a new dim, which is -n-1..n (n: their dims); dtypes promoted.
 * Grad: slices. */
HONE_API hone_tensor *hone_stack(hone_tensor_list tensors, int dim);
/** The elements in reverse order along the dims: hone_flip(x, 0, -1). Grad: dy, flipped.
 * HONE_E_SHAPE: a dim that is given twice. */
#define hone_flip(x, ...) hone_flip_v(x, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_flip_v(hone_tensor *x, const int64_t *dims_end);
/** The elements moved by `shift` places along dim; what passes the end comes in at the beginning. The
 * function takes several shifts and as many dims, or one shift and no dim: then along all elements in
 * row-major order. Grad: dy, moved back. HONE_E_VALUE: not as many shifts as dims. */
#define hone_roll(x, shift, dim) hone_roll_v(x, HONE_DIM_ARGS(shift), HONE_DIM_ARGS(dim))
HONE_API hone_tensor *hone_roll_v(hone_tensor *x, const int64_t *shifts_end,
                                  const int64_t *dims_end);
/** x put side by side with copies of itself, as many times along each dim as the numbers say:
 * hone_repeat(x, 2, 3) of [4, 5] -> [8, 15]. More numbers than dims: the first are of new leading
 * dims. Grad: summed over the copies, a dim at a time from the first, by the order of hone_sum_dim of
 * [before, copies, behind]. HONE_E_SHAPE: fewer numbers than dims; HONE_E_VALUE: one below 0. */
#define hone_repeat(x, ...) hone_repeat_v(x, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_repeat_v(hone_tensor *x, const int64_t *repeats_end);
/** Each index of dim `repeats` times in a row: [1, 2] -> [1, 1, 2, 2]; a 0-d x counts as [1]. Grad:
 * summed over the copies, as of hone_repeat. HONE_E_VALUE: repeats below 0. */
HONE_API hone_tensor *hone_repeat_interleave(hone_tensor *x, int64_t repeats, int dim);
/** The same with a number for each index: repeats i64|i32 [extent of dim] or [1]. Grad: dy added at
 * the indices. HONE_E_SHAPE, HONE_E_VALUE. */
HONE_API hone_tensor *hone_repeat_interleave_tensor(hone_tensor *x, hone_tensor *repeats, int dim);
/** The lower / upper triangle of matrices [.., n, m]: x where column - row is at most / at least
 * `diagonal` (default 0), zeros elsewhere. Grad: the same of dy. HONE_E_SHAPE: fewer than 2 dims. */
HONE_API hone_tensor *hone_tril(hone_tensor *x, int64_t diagonal);
HONE_API hone_tensor *hone_triu(hone_tensor *x, int64_t diagonal);

#ifdef __cplusplus
}
#endif

#include <hone/conv.h>
#include <hone/index.h>
#include <hone/pool.h>
#include <hone/products.h>

#endif
