/* Recurrences over a sequence: what torch 2.13 gives, the bits of a loop of cells, and what is
 * refused. tests/golden compares whole networks. */
#include "isa/bf16.h"
#include "isa/isa.h"
#include "support.h"

#include <hone/hone.h>

#include <math.h>
#include <stdlib.h>

SUITE(sequence);

#define NONE HONE_NONE

static hone_tensor *filled(double value, int64_t rows)
{
    return hone_full(HONE_F64, value, rows, 1);
}

/* Gates are i, f, g, o; both biases count. */
Test(sequence, lstm_golden)
{
    hone_tensor *x = T(HONE_F64, (2, 1, 1), .1, .2);
    const hone_lstm_result r =
        hone_lstm(x, NONE, NONE,
                  hone_list(T(HONE_F64, (4, 1), 1, 2, 3, 4), T(HONE_F64, (4, 1), .1, .2, .3, .4),
                            T(HONE_F64, (4), .5, .6, .7, .8), T(HONE_F64, (4), .01, .02, .03, .04)),
                  NULL);
    CHECK_CLOSE(r.output, 1e-14, 0, HONE_F64, (2, 1, 1), 0.3592833035144355, 0.6452344448863716);
    CHECK_CLOSE(r.h_n, 1e-14, 0, HONE_F64, (1, 1, 1), 0.6452344448863716);
    CHECK_CLOSE(r.c_n, 1e-14, 0, HONE_F64, (1, 1, 1), 0.9813328013973938);
}

/* The reset gate multiplies after the product and its bias. */
Test(sequence, gru_golden)
{
    hone_tensor *x = T(HONE_F64, (2, 1), .1, .2);
    const hone_rnn_result r =
        hone_gru(x, NONE,
                 hone_list(T(HONE_F64, (3, 1), 1, 2, 3), T(HONE_F64, (3, 1), .1, .2, .3),
                           T(HONE_F64, (3), .5, .6, .7), T(HONE_F64, (3), .01, .02, .03)),
                 NULL);
    CHECK_CLOSE(r.output, 1e-14, 0, HONE_F64, (2, 1), 0.2353272162434067, 0.399884826382237);
    CHECK_CLOSE(r.h_n, 1e-14, 0, HONE_F64, (1, 1), 0.399884826382237);
}

Test(sequence, rnn_golden)
{
    hone_tensor *x = T(HONE_F64, (2, 1, 1), 1, 2), *half = hone_full(HONE_F64, .5, 1);
    hone_tensor *w = filled(.5, 1), *one = filled(1, 1), *bias = hone_ones(HONE_F64, 1);
    CHECK_CLOSE(hone_rnn_tanh(x, NONE, hone_list(w, w, half, half), NULL).output, 1e-14, 0,
                HONE_F64, (2, 1, 1), 0.9051482536448664, 0.9852922705545135);
    CHECK_VALUES(hone_rnn_relu(x, NONE, hone_list(one, one, bias, bias), NULL).output, HONE_F64,
                 (2, 1, 1), 3, 7);
}

/* States are ordered l0 forward, l0 backward, l1 forward, l1 backward. */
Test(sequence, both_directions_golden)
{
    hone_tensor *x = T(HONE_F64, (2, 1, 1), 1, 2), *b = hone_full(HONE_F64, .5, 4);
    hone_tensor *first = filled(.5, 4), *wide = hone_full(HONE_F64, .5, 4, 2), *list[16];
    for (int i = 0; i < 16; i++)
        list[i] = i % 4 > 1 ? b : i > 7 && i % 4 == 0 ? wide : first;
    const hone_rnn_options o = { .num_layers = 2, .bidirectional = true };
    const hone_lstm_result r = hone_lstm(x, NONE, NONE, hone_list_n(list, 16), &o);
    CHECK_CLOSE(r.output, 1e-14, 0, HONE_F64, (2, 1, 2), 0.5469581097502934, 0.7951476142180413,
                0.8015730728210432, 0.5606633140923599);
    CHECK_CLOSE(hone_reshape(r.h_n, 4), 1e-14, 0, HONE_F64, (4), 0.8280511822068573,
                0.7835450952305247, 0.8015730728210432, 0.7951476142180413);
}

/* ---- the bits of a loop of cells, values and gradients */

typedef struct {
    hone_tensor *x, *h, *c, *w[4];
} leaves;

static hone_tensor *leaf(hone_tensor *t)
{
    return hone_requires_grad_(hone_mul_scalar(t, 0.3), true);
}

static leaves leaves_of(hone_dtype dtype, int64_t gates, int64_t steps, int64_t n, int64_t in,
                        int64_t hidden)
{
    hone_seed(3);
    const int64_t rows = gates * hidden;
    return (leaves){ leaf(hone_randn(dtype, steps, n, in)),
                     leaf(hone_randn(dtype, n, hidden)),
                     leaf(hone_randn(dtype, n, hidden)),
                     { leaf(hone_randn(dtype, rows, in)), leaf(hone_randn(dtype, rows, hidden)),
                       leaf(hone_randn(dtype, rows)), leaf(hone_randn(dtype, rows)) } };
}

static hone_tensor *by_cells(const leaves *l, int64_t gates)
{
    hone_tensor *h = l->h, *c = l->c, *rows[6], *const *w = l->w;
    for (int t = 0; t < 6; t++) {
        hone_tensor *x = hone_select(l->x, 0, t);
        if (gates == 4) {
            const hone_lstm_state s = hone_lstm_cell(x, h, c, w[0], w[1], w[2], w[3]);
            h = s.h_next;
            c = s.c_next;
        } else if (gates == 3) {
            h = hone_gru_cell(x, h, w[0], w[1], w[2], w[3]);
        } else {
            h = hone_rnn_tanh_cell(x, h, w[0], w[1], w[2], w[3]);
        }
        rows[t] = hone_unsqueeze(h, 0);
    }
    return hone_cat(hone_list_n(rows, 6), 0);
}

static hone_tensor *by_op(const leaves *l, int64_t gates)
{
    const hone_tensor_list w = hone_list_n(l->w, 4);
    hone_tensor *h = hone_unsqueeze(l->h, 0);
    if (gates == 4)
        return hone_lstm(l->x, h, hone_unsqueeze(l->c, 0), w, NULL).output;
    return gates == 3 ? hone_gru(l->x, h, w, NULL).output : hone_rnn_tanh(l->x, h, w, NULL).output;
}

static void check_cells(hone_dtype dtype, int64_t gates)
{
    const leaves a = leaves_of(dtype, gates, 6, 5, 11, 17),
                 b = leaves_of(dtype, gates, 6, 5, 11, 17);
    hone_tensor *y = by_op(&a, gates), *want = by_cells(&b, gates);
    cr_assert(test_same_bits(hone_detach(y), hone_detach(want)), "%d gates", (int)gates);
    hone_tensor *dy = hone_randn(dtype, 6, 5, 17);
    CHECK_OK(hone_backward_with(y, &(hone_backward_options){ .gradient = dy }));
    CHECK_OK(hone_backward_with(want, &(hone_backward_options){ .gradient = dy }));
    cr_expect(test_same_bits(hone_grad(a.x), hone_grad(b.x)));
    cr_expect(test_same_bits(hone_grad(a.h), hone_grad(b.h)));
    const double close = dtype == HONE_F64 ? 1e-12 : 1e-4; /* weights: a loop walks step by step */
    for (int i = 0; i < 4; i++)
        cr_expect(hone_allclose(hone_grad(a.w[i]), hone_grad(b.w[i]), close, close), "weight %d",
                  i);
}

Test(sequence, bits_of_cells)
{
    for (int64_t gates = 1; gates <= 4; gates++) {
        if (gates == 2)
            continue;
        check_cells(HONE_F32, gates);
        check_cells(HONE_F64, gates);
    }
}

/* ---- the bits of bf16, whatever multiplies it */

static void divide_all(void)
{
    setenv("HONE_FORCE_THREADS", "3", 1);
    test_begin();
}
TestSuite(sequence_halves, .init = divide_all, .fini = test_end);

enum { RESULTS = 8 };

/* The output; the gradients of x, h, c (of an LSTM) and the weights. */
static void run_halves(int64_t gates, hone_tensor **got)
{
    HONE_AUTOCAST(HONE_BF16);
    HONE_BF16_ORDER(HONE_TILES);
    const leaves l = leaves_of(HONE_F32, gates, 5, 32, 32, 64);
    hone_tensor *y = by_op(&l, gates);
    cr_assert(y, "%s", hone_error_message());
    got[0] = hone_detach(y);
    hone_tensor *dy = hone_randn_like(got[0]);
    CHECK_OK(hone_backward_with(y, &(hone_backward_options){ .gradient = dy }));
    got[1] = hone_grad(l.x);
    got[2] = hone_grad(l.h);
    got[3] = gates == 4 ? hone_grad(l.c) : got[2];
    for (int i = 0; i < 4; i++)
        got[4 + i] = hone_grad(l.w[i]);
}

static void check_tables(int64_t gates)
{
    hone_tensor *want[RESULTS];
    const hone__bf16_kernel *kernel;
    for (int a = 0; (kernel = hone__bf16_available(a)); a++) {
        hone__isa_use(hone__isa_find(kernel->isa));
        hone__bf16_use(kernel);
        for (int threads = 1; threads <= 3; threads++) {
            CHECK_OK(hone_set_threads(threads));
            hone_tensor *got[RESULTS];
            run_halves(gates, a || threads > 1 ? got : want);
            for (int i = 0; i < RESULTS && (a || threads > 1); i++)
                cr_expect(test_same_bits(got[i], want[i]), "%d gates, result %d, %s, %d threads",
                          (int)gates, i, kernel->name, threads);
        }
    }
    hone__isa_use(hone__isa_best());
    hone__bf16_use(NULL);
}

/* So many rows that products of a step may take blocks of their own. */
Test(sequence_halves, lstm_in_tiles)
{
    check_tables(4);
}

Test(sequence_halves, gru_in_tiles)
{
    check_tables(3);
}

Test(sequence_halves, rnn_in_tiles)
{
    check_tables(1);
}

/* The same numbers are dropped whichever dim comes first, and none without training. */
Test(sequence, dropout)
{
    hone_tensor *x = hone_randn(HONE_F64, 4, 3, 2), *list[4];
    for (int i = 0; i < 4; i++)
        list[i] = hone_randn(HONE_F64, 8, 2);
    const hone_tensor_list w = hone_list_n(list, 4);
    hone_rnn_options o = { .num_layers = 2, .dropout = 0.5, .training = true, .batch_first = true };
    hone_seed(5);
    hone_tensor *batch = hone_lstm(hone_transpose(x, 0, 1), NONE, NONE, w, &o).output;
    o.batch_first = false;
    hone_seed(5);
    hone_tensor *time = hone_lstm(x, NONE, NONE, w, &o).output;
    cr_expect(hone_allclose(time, hone_transpose(batch, 0, 1), 0, 0));
    o.training = false;
    cr_expect(!hone_allclose(hone_lstm(x, NONE, NONE, w, &o).output, time, 1e-9, 1e-9));
}

static bool each_walk(void)
{
    HONE_SCOPE();
    hone_tensor *x = hone_ones(HONE_F32, 2, 2, 2),
                *w[2] = { hone_ones(HONE_F32, 6, 2), hone_ones(HONE_F32, 6, 2) };
    hone_requires_grad_(w[0], true);
    hone_requires_grad_(w[1], true);
    return hone_backward(hone_sum(hone_gru(x, NONE, hone_list_n(w, 2), NULL).h_n)) == HONE_OK;
}

Test(sequence, out_of_memory)
{
    test_each_allocation_fails(each_walk);
}

Test(sequence, errors)
{
    hone_tensor *x = hone_zeros(HONE_F32, 5, 2, 3), *h = hone_zeros(HONE_F32, 1, 2, 4);
    hone_tensor *ih = hone_zeros(HONE_F32, 4, 3), *hh = hone_zeros(HONE_F32, 4, 4);
    const hone_tensor_list w = hone_list(ih, hh);
    CHECK_FAILS(hone_rnn_tanh(x, h, hone_list(ih), NULL).output, HONE_E_VALUE,
                "rnn_tanh: 1 weights, but 4 of 1 layers in 1 directions are wanted");
    const hone_rnn_options deep = { .num_layers = 2 }, both = { .bidirectional = true };
    CHECK_FAILS(hone_rnn_tanh(x, h, w, &deep).output, HONE_E_VALUE, "2 weights, but 8 of 2 layers");
    CHECK_FAILS(hone_gru(x, h, w, NULL).output, HONE_E_SHAPE,
                "gru: w_ih of layer 0 must be [12, 3] of f32, got f32 [4, 3]");
    CHECK_FAILS(hone_rnn_relu(x, h, hone_list(ih, hh, ih, hh), &both).output, HONE_E_SHAPE,
                "rnn_relu: h0 must be [2, 2, 4] of f32");
    CHECK_FAILS(hone_rnn_relu(x, NONE, hone_list(ih, hh, hh, hh), &both).output, HONE_E_SHAPE,
                "w_ih of layer 0 backwards must be [4, 3]");
    CHECK_FAILS(hone_rnn_tanh(hone_zeros(HONE_F32, 0, 2, 3), h, w, NULL).output, HONE_E_SHAPE,
                "has no step");
    CHECK_FAILS(hone_rnn_tanh(hone_zeros(HONE_F32, 3), h, w, NULL).output, HONE_E_SHAPE,
                "[T, N, inputs] or [T, inputs]");
    CHECK_FAILS(hone_rnn_tanh(hone_zeros(HONE_I64, 5, 2, 3), h, w, NULL).output, HONE_E_DTYPE,
                "f32 or f64");
    CHECK_FAILS(hone_rnn_tanh(hone_zeros(HONE_F64, 5, 2, 3), NONE, w, NULL).output, HONE_E_DTYPE,
                "of f64, got f32 [4, 3]");
    CHECK_FAILS(hone_rnn_tanh(x, hone_zeros(HONE_F64, 1, 2, 4), w, NULL).output, HONE_E_DTYPE,
                "h0 must be [1, 2, 4] of f32");
    CHECK_FAILS(hone_rnn_tanh(x, h, hone_list(ih, hh, hh, hh), NULL).output, HONE_E_SHAPE,
                "b_ih of layer 0 must be [4]");
    const hone_rnn_options less = { .num_layers = -1 }, more = { .dropout = 1.5 };
    CHECK_FAILS(hone_rnn_tanh(x, h, w, &less).output, HONE_E_VALUE, "num_layers is -1");
    CHECK_FAILS(hone_rnn_tanh(x, h, w, &more).output, HONE_E_VALUE, "dropout is 1.5");
    CHECK_FAILS(hone_lstm(x, h, NONE, w, NULL).output, HONE_E_VALUE, "h0 and c0");
    CHECK_FAILS(hone_lstm(x, NONE, NONE, (hone_tensor_list){ NULL, 0 }, NULL).output, HONE_E_NULL,
                "lstm");
    CHECK_FAILS(hone_rnn_tanh(x, h, hone_list_n(NULL, 0), NULL).output, HONE_E_VALUE, "0 weights");
}
