/* recurrent.h: what comes after the products of a step of an RNN, GRU or LSTM, and its gradient, f32
 * and f64. Each operation is rounded as the op of that name (add, mul, sigmoid, tanh ...).
 * (fragment: map.h, elementwise.h) */

/* Gate g of a row. */
HONE__INLINE VREAL R(gate)(const REAL *row, int64_t hidden, int g, int64_t i, int64_t count)
{
    return R(take)(row + g * hidden + i, count);
}

HONE__INLINE void R(put_gate)(REAL *row, int64_t hidden, int g, int64_t i, VREAL v, int64_t count)
{
    R(put)(row + g * hidden + i, v, count);
}

HONE__INLINE int R(gates)(hone__recurrence kind)
{
    return kind == HONE__LSTM ? 4 : kind == HONE__GRU ? 3 : 1;
}

/* The next row's lines of `runs` runs, for what is at i: rows are short and far from each other, so
 * prefetchers come too late. */
HONE__INLINE void R(ask)(const REAL *row, int64_t rs, int runs, int64_t hidden, int64_t i)
{
    for (int g = 0; g < runs; g++)
        __builtin_prefetch(row + rs + g * hidden + i, 0, 3);
}

enum { R(A_LINE) = 64 / sizeof(REAL) };

/* ---- steps */

/* What a step has of one row. */
typedef struct {
    const REAL *x, *product, *before;
    REAL *h, *c, *keep;
    int64_t hidden;
} R(step_row);

HONE__INLINE VREAL R(gate_sum)(const R(step_row) * s, int g, int64_t i, int64_t count)
{
    return R(add)(R(gate)(s->x, s->hidden, g, i, count),
                  R(gate)(s->product, s->hidden, g, i, count));
}

HONE__INLINE void R(rnn_lanes)(const R(step_row) * s, bool relu, int64_t i, int64_t count)
{
    const VREAL sum = R(gate_sum)(s, 0, i, count);
    R(put)(s->h + i, relu ? R(relu)(sum) : R(tanh)(sum), count);
}

HONE__INLINE void R(gru_lanes)(const R(step_row) * s, int64_t i, int64_t count)
{
    const VREAL reset = R(sigmoid)(R(gate_sum)(s, 0, i, count));
    const VREAL update = R(sigmoid)(R(gate_sum)(s, 1, i, count));
    const VREAL inner = R(gate)(s->product, s->hidden, 2, i, count);
    const VREAL fresh =
        R(tanh)(R(add)(R(gate)(s->x, s->hidden, 2, i, count), R(mul)(reset, inner)));
    const VREAL before = R(take)(s->before + i, count);
    if (s->keep) {
        R(put_gate)(s->keep, s->hidden, 0, i, reset, count);
        R(put_gate)(s->keep, s->hidden, 1, i, update, count);
        R(put_gate)(s->keep, s->hidden, 2, i, fresh, count);
        R(put_gate)(s->keep, s->hidden, 3, i, inner, count);
    }
    R(put)(s->h + i, R(add)(fresh, R(mul)(update, R(sub)(before, fresh))), count);
}

HONE__INLINE void R(lstm_lanes)(const R(step_row) * s, int64_t i, int64_t count)
{
    const VREAL in = R(sigmoid)(R(gate_sum)(s, 0, i, count));
    const VREAL forget = R(sigmoid)(R(gate_sum)(s, 1, i, count));
    const VREAL fresh = R(tanh)(R(gate_sum)(s, 2, i, count));
    const VREAL out = R(sigmoid)(R(gate_sum)(s, 3, i, count));
    const VREAL before = R(take)(s->before + i, count);
    const VREAL c = R(add)(R(mul)(forget, before), R(mul)(in, fresh));
    if (s->keep) {
        R(put_gate)(s->keep, s->hidden, 0, i, in, count);
        R(put_gate)(s->keep, s->hidden, 1, i, forget, count);
        R(put_gate)(s->keep, s->hidden, 2, i, fresh, count);
        R(put_gate)(s->keep, s->hidden, 3, i, out, count);
    }
    R(put)(s->c + i, c, count);
    R(put)(s->h + i, R(mul)(out, R(tanh)(c)), count);
}

HONE__INLINE void R(recurrence_lanes)(hone__recurrence kind, const R(step_row) * s, int64_t i,
                                      int64_t count)
{
    switch (kind) {
    case HONE__RNN_TANH:
    case HONE__RNN_RELU:
        R(rnn_lanes)(s, kind == HONE__RNN_RELU, i, count);
        break;
    case HONE__GRU:
        R(gru_lanes)(s, i, count);
        break;
    case HONE__LSTM:
        R(lstm_lanes)(s, i, count);
        break;
    }
}

static void R(k_recurrent_step)(const hone__recurrent_step *step, int64_t begin, int64_t end)
{
    for (int64_t r = begin; r < end; r++) {
        const R(step_row) s = {
            .x = (const REAL *)step->x.p + r * step->x.rs,
            .product = (const REAL *)step->product.p + r * step->product.rs,
            .before = step->before.p ? (const REAL *)step->before.p + r * step->before.rs : NULL,
            .h = (REAL *)step->h.p + r * step->h.rs,
            .c = step->c.p ? (REAL *)step->c.p + r * step->c.rs : NULL,
            .keep = step->keep.p ? (REAL *)step->keep.p + r * step->keep.rs : NULL,
            .hidden = step->hidden,
        };
        int64_t i = 0;
        for (; i + LANES <= step->hidden; i += LANES) {
            if (r + 1 < end && i % R(A_LINE) == 0) {
                R(ask)(s.x, step->x.rs, R(gates)(step->kind), step->hidden, i);
                R(ask)(s.h, step->h.rs, 1, step->hidden, i);
                if (s.c)
                    R(ask)(s.c, step->c.rs, 1, step->hidden, i);
            }
            R(recurrence_lanes)(step->kind, &s, i, LANES);
        }
        if (i < step->hidden)
            R(recurrence_lanes)(step->kind, &s, i, step->hidden - i);
    }
}

/* ---- gradients */

typedef struct {
    const REAL *dy, *carried, *h, *keep, *before, *c;
    REAL *dc, *dx, *dproduct, *direct;
    int64_t hidden;
} R(back_row);

HONE__INLINE VREAL R(state_slope)(const R(back_row) * b, int64_t i, int64_t count)
{
    const VREAL dy = R(take)(b->dy + i, count);
    return b->carried ? R(add)(dy, R(take)(b->carried + i, count)) : dy;
}

HONE__INLINE void R(rnn_back)(const R(back_row) * b, bool relu, int64_t i, int64_t count)
{
    const VREAL dh = R(state_slope)(b, i, count), h = R(take)(b->h + i, count);
    R(put)(b->dx + i, relu ? R(relu_backward)(dh, h) : R(tanh_backward)(dh, h), count);
}

HONE__INLINE void R(gru_back)(const R(back_row) * b, int64_t i, int64_t count)
{
    const VREAL reset = R(gate)(b->keep, b->hidden, 0, i, count);
    const VREAL update = R(gate)(b->keep, b->hidden, 1, i, count);
    const VREAL fresh = R(gate)(b->keep, b->hidden, 2, i, count);
    const VREAL inner = R(gate)(b->keep, b->hidden, 3, i, count);
    const VREAL dh = R(state_slope)(b, i, count), before = R(take)(b->before + i, count);
    const VREAL direct = R(mul)(dh, update);
    const VREAL dfresh = R(tanh_backward)(R(sub)(dh, direct), fresh);
    const VREAL dreset = R(sigmoid_backward)(R(mul)(dfresh, inner), reset);
    const VREAL dupdate = R(sigmoid_backward)(R(mul)(dh, R(sub)(before, fresh)), update);
    R(put_gate)(b->dx, b->hidden, 0, i, dreset, count);
    R(put_gate)(b->dx, b->hidden, 1, i, dupdate, count);
    R(put_gate)(b->dx, b->hidden, 2, i, dfresh, count);
    R(put_gate)(b->dproduct, b->hidden, 0, i, dreset, count);
    R(put_gate)(b->dproduct, b->hidden, 1, i, dupdate, count);
    R(put_gate)(b->dproduct, b->hidden, 2, i, R(mul)(dfresh, reset), count);
    R(put)(b->direct + i, direct, count);
}

HONE__INLINE void R(lstm_back)(const R(back_row) * b, int64_t i, int64_t count)
{
    const VREAL in = R(gate)(b->keep, b->hidden, 0, i, count);
    const VREAL forget = R(gate)(b->keep, b->hidden, 1, i, count);
    const VREAL fresh = R(gate)(b->keep, b->hidden, 2, i, count);
    const VREAL out = R(gate)(b->keep, b->hidden, 3, i, count);
    const VREAL tanh_c = R(tanh)(R(take)(b->c + i, count)), before = R(take)(b->before + i, count);
    const VREAL dh = R(state_slope)(b, i, count);
    const VREAL dc = R(add)(R(take)(b->dc + i, count), R(tanh_backward)(R(mul)(dh, out), tanh_c));
    R(put_gate)(b->dx, b->hidden, 0, i, R(sigmoid_backward)(R(mul)(dc, fresh), in), count);
    R(put_gate)(b->dx, b->hidden, 1, i, R(sigmoid_backward)(R(mul)(dc, before), forget), count);
    R(put_gate)(b->dx, b->hidden, 2, i, R(tanh_backward)(R(mul)(dc, in), fresh), count);
    R(put_gate)(b->dx, b->hidden, 3, i, R(sigmoid_backward)(R(mul)(dh, tanh_c), out), count);
    R(put)(b->dc + i, R(mul)(dc, forget), count);
}

HONE__INLINE void R(back_lanes)(hone__recurrence kind, const R(back_row) * b, int64_t i,
                                int64_t count)
{
    switch (kind) {
    case HONE__RNN_TANH:
    case HONE__RNN_RELU:
        R(rnn_back)(b, kind == HONE__RNN_RELU, i, count);
        break;
    case HONE__GRU:
        R(gru_back)(b, i, count);
        break;
    case HONE__LSTM:
        R(lstm_back)(b, i, count);
        break;
    }
}

static void R(k_recurrent_back)(const hone__recurrent_back *back, int64_t begin, int64_t end)
{
#define ROW(member) (back->member.p ? (REAL *)back->member.p + r * back->member.rs : NULL)
    for (int64_t r = begin; r < end; r++) {
        const R(back_row)
            b = { ROW(dy), ROW(carried), ROW(h),        ROW(keep),   ROW(before), ROW(c),
                  ROW(dc), ROW(dx),      ROW(dproduct), ROW(direct), back->hidden };
        int64_t i = 0;
        for (; i + LANES <= back->hidden; i += LANES) {
            if (r + 1 < end && i % R(A_LINE) == 0) {
                R(ask)(b.dx, back->dx.rs, R(gates)(back->kind), back->hidden, i);
                R(ask)(b.dy, back->dy.rs, 1, back->hidden, i);
                if (b.keep) {
                    R(ask)(b.keep, back->keep.rs, 4, back->hidden, i);
                    R(ask)(b.before, back->before.rs, 1, back->hidden, i);
                }
            }
            R(back_lanes)(back->kind, &b, i, LANES);
        }
        if (i < back->hidden)
            R(back_lanes)(back->kind, &b, i, back->hidden - i);
    }
#undef ROW
}
