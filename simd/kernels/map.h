/* map.h: the loops over elements, once for each number of operands. (fragment: real_begin.h)
 *
 * `op` is always a constant, so that it is inlined into its dense loop. Operands that are not
 * contiguous are brought through a buffer on the stack, STAGE elements at a time: every element
 * meets the same vector code, whatever its stride. */
#ifndef STAGE
#define STAGE 256
/* The compiler knows nothing of this number any more: it can't make a loop for each of its values. */
#define FORGET(number) __asm__("" : "+r"(number))
#endif

typedef VREAL (*R(op1))(VREAL);
typedef VREAL (*R(op2))(VREAL, VREAL);

/* `count` lanes at once; all of them is a constant. */
HONE__INLINE VREAL R(take)(const REAL *x, int64_t count)
{
    return count == LANES ? R(load)(x) : R(load_n)(x, count, R(set)(0));
}

HONE__INLINE VREAL R(take_or_1)(const REAL *x, int64_t count)
{
    return count == LANES ? R(load)(x) : R(load_n)(x, count, R(set)(1));
}

HONE__INLINE void R(put)(REAL *y, VREAL v, int64_t count)
{
    if (count == LANES)
        R(store)(y, v);
    else
        R(store_n)(y, v, count);
}

static void R(gather)(int64_t n, REAL *to, const REAL *from, int64_t stride)
{
    if (stride == 1) {
        memcpy(to, from, (size_t)n * sizeof(REAL));
        return;
    }
    for (int64_t i = 0; i < n; i++)
        to[i] = from[i * stride];
}

static void R(scatter)(int64_t n, REAL *to, int64_t stride, const REAL *from)
{
    if (stride == 1) {
        memcpy(to, from, (size_t)n * sizeof(REAL));
        return;
    }
    for (int64_t i = 0; i < n; i++)
        to[i * stride] = from[i];
}

/* Two vectors at a time; what is left, whole or not, is one body: each is long where op is. */
HONE__INLINE void R(map1_dense)(int64_t n, REAL *y, const REAL *x, R(op1) op)
{
    int64_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        const VREAL a = op(R(load)(x + i)), b = op(R(load)(x + i + LANES));
        R(store)(y + i, a);
        R(store)(y + i + LANES, b);
    }
    for (; i < n; i += LANES) {
        const int64_t count = n - i < LANES ? n - i : LANES;
        R(put)(y + i, op(R(take_or_1)(x + i, count)), count);
    }
}

typedef void (*R(dense1))(int64_t n, REAL *y, const REAL *x);

static void R(staged1)(int64_t n, REAL *y, int64_t sy, const REAL *x, int64_t sx, R(dense1) dense)
{
    REAL buffer[STAGE];
    for (int64_t i = 0; i < n; i += STAGE) {
        const int64_t m = n - i < STAGE ? n - i : STAGE;
        R(gather)(m, buffer, x + i * sx, sx);
        dense(m, buffer, buffer);
        R(scatter)(m, y + i * sy, sy, buffer);
    }
}

HONE__INLINE void R(map2_dense)(int64_t n, REAL *out, const REAL *a, const REAL *b, R(op2) op)
{
    int64_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        const VREAL p = op(R(load)(a + i), R(load)(b + i));
        const VREAL q = op(R(load)(a + i + LANES), R(load)(b + i + LANES));
        R(store)(out + i, p);
        R(store)(out + i + LANES, q);
    }
    for (; i < n; i += LANES) {
        const int64_t count = n - i < LANES ? n - i : LANES;
        R(put)(out + i, op(R(take_or_1)(a + i, count), R(take_or_1)(b + i, count)), count);
    }
}

/* b is one number */
HONE__INLINE void R(map2_right)(int64_t n, REAL *out, const REAL *a, REAL b, R(op2) op)
{
    const VREAL vb = R(set)(b);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        R(store)(out + i, op(R(load)(a + i), vb));
    if (i < n)
        R(store_n)(out + i, op(R(load_n)(a + i, n - i, vb), vb), n - i);
}

/* a is one number */
HONE__INLINE void R(map2_left)(int64_t n, REAL *out, REAL a, const REAL *b, R(op2) op)
{
    const VREAL va = R(set)(a);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        R(store)(out + i, op(va, R(load)(b + i)));
    if (i < n)
        R(store_n)(out + i, op(va, R(load_n)(b + i, n - i, va)), n - i);
}

typedef void (*R(dense2))(int64_t n, REAL *out, const REAL *a, const REAL *b);

static void R(staged2)(int64_t n, REAL *out, int64_t so, const REAL *a, int64_t sa, const REAL *b,
                       int64_t sb, R(dense2) dense)
{
    REAL left[STAGE], right[STAGE];
    for (int64_t i = 0; i < n; i += STAGE) {
        const int64_t m = n - i < STAGE ? n - i : STAGE;
        R(gather)(m, left, a + i * sa, sa);
        R(gather)(m, right, b + i * sb, sb);
        dense(m, left, left, right);
        R(scatter)(m, out + i * so, so, left);
    }
}

#if CAN_GO_PAST
/* ---- past the caches: whole lines of the result; `kernel` does what is before and behind them */

/* Elements before the first line of y, at most n. */
HONE__INLINE int64_t R(before_line)(int64_t n, const REAL *y)
{
    const int64_t head = (int64_t)(-(uintptr_t)y % 64 / sizeof(REAL));
    return head < n ? head : n;
}

typedef void (*R(kernel1))(int64_t n, void *y, int64_t sy, const void *x, int64_t sx);

HONE__INLINE void R(map1_past)(int64_t n, REAL *y, const REAL *x, R(op1) op, R(kernel1) kernel)
{
    const int64_t line = 64 / sizeof(REAL);
    int64_t i = R(before_line)(n, y);
    kernel(i, y, 1, x, 1);
    for (; i + line <= n; i += line) {
        __builtin_prefetch((const char *)(x + i) + PAST_AHEAD);
        for (int64_t v = 0; v < line; v += LANES)
            R(store_past)(y + i + v, op(R(load_far)(x + i + v)));
    }
    kernel(n - i, y + i, 1, x + i, 1);
}

/* n elements, whole lines; an operand that isn't `many` (a constant) is one number. What asks ahead
 * is one stream of reads: two were seen to be slower with it. */
HONE__INLINE void R(lines2_past)(int64_t n, REAL *out, const REAL *a, bool many_a, const REAL *b,
                                 bool many_b, R(op2) op)
{
    const int64_t line = 64 / sizeof(REAL);
    const VREAL va = R(set)(many_a ? 0 : *a), vb = R(set)(many_b ? 0 : *b);
    for (int64_t i = 0; i < n; i += line) {
        if (!many_a || !many_b)
            __builtin_prefetch((const char *)((many_a ? a : b) + i) + PAST_AHEAD);
        for (int64_t v = i; v < i + line; v += LANES)
            R(store_past)
        (out + v, op(many_a ? R(load_far)(a + v) : va, many_b ? R(load_far)(b + v) : vb));
    }
}

typedef void (*R(kernel2))(int64_t n, void *out, int64_t so, const void *a, int64_t sa,
                           const void *b, int64_t sb);

HONE__INLINE void R(map2_past)(int64_t n, REAL *out, const REAL *a, int64_t sa, const REAL *b,
                               int64_t sb, R(op2) op, R(kernel2) kernel)
{
    const int64_t head = R(before_line)(n, out), tail = (n - head) % (int64_t)(64 / sizeof(REAL));
    kernel(head, out, 1, a, sa, b, sb);
    out += head;
    a += head * sa;
    b += head * sb;
    n -= head + tail;
    if (sa && sb)
        R(lines2_past)(n, out, a, true, b, true, op);
    else if (sa)
        R(lines2_past)(n, out, a, true, b, false, op);
    else
        R(lines2_past)(n, out, a, false, b, true, op);
    kernel(tail, out + n, 1, a + n * sa, sa, b + n * sb, sb);
}
#endif
