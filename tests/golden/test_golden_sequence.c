/* Recurrences, attention, bags and losses give what PyTorch gives, and its gradients:
 * make_sequence_golden.py says what the file holds. */
#include "support.h"

#include <hone/autograd.h>
#include <hone/io.h>
#include <hone/net.h>

#include <stdio.h>

SUITE(golden_sequence);

#define GOLDEN HONE_SOURCE_DIR "/tests/golden/pytorch_sequence.safetensors"
#define NONE   HONE_NONE

/* What is compared now, in which dtype. */
typedef struct {
    hone_named_list all;
    const char *name;
    hone_dtype dtype;
    double close;
    const char *keys[20]; /* inputs that were asked for */
    hone_tensor *leaves[20];
    int n;
} golden;

static hone_tensor *part(const golden *g, const char *key, const char *end)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%s%s", g->name, key, end);
    hone_tensor *t = hone_named_find(g->all, name);
    cr_assert(t, "%s", name);
    return hone_dtype_of(t) == HONE_F64 ? hone_to(t, g->dtype) : t;
}

static hone_tensor *leaf(golden *g, const char *key)
{
    hone_tensor *t = hone_requires_grad_(hone_clone(part(g, key, "")), true);
    g->keys[g->n] = key;
    return g->leaves[g->n++] = t;
}

/* y is the result, and sends back what it should. */
static void check(golden *g, hone_tensor *y)
{
    cr_assert(y, "%s: %s", g->name, hone_error_message());
    cr_assert(hone_allclose(hone_detach(y), part(g, "result", ""), g->close, g->close), "%s",
              g->name);
    CHECK_OK(hone_backward_with(y, &(hone_backward_options){ .gradient = part(g, "weight", "") }));
    for (int i = 0; i < g->n; i++)
        cr_assert(hone_allclose(hone_grad(g->leaves[i]), part(g, g->keys[i], ".grad"), g->close,
                                g->close),
                  "%s: gradient of %s", g->name, g->keys[i]);
    g->n = 0;
}

static hone_tensor *other(const golden *g, const char *name)
{
    hone_tensor *t = hone_named_find(g->all, name);
    cr_assert(t, "%s", name);
    return hone_dtype_of(t) == HONE_F64 ? hone_to(t, g->dtype) : t;
}

static void recurrences(golden *g)
{
    static const char *const names[] = { "w00", "w01", "w02", "w03", "w04", "w05", "w06", "w07",
                                         "w08", "w09", "w10", "w11", "w12", "w13", "w14", "w15" };
    const hone_rnn_options o = { .num_layers = 2, .bidirectional = true, .batch_first = true };
    for (int kind = 0; kind < 3; kind++) {
        hone_tensor *w[16];
        g->name = kind == 0 ? "rnn_tanh" : kind == 1 ? "gru" : "lstm";
        hone_tensor *x = leaf(g, "x"), *h0 = leaf(g, "h0"), *c0 = kind == 2 ? leaf(g, "c0") : NONE;
        for (int i = 0; i < 16; i++)
            w[i] = leaf(g, names[i]);
        const hone_tensor_list weights = hone_list_n(w, 16);
        if (kind == 2) {
            const hone_lstm_result r = hone_lstm(x, h0, c0, weights, &o);
            check(g, hone_cat(hone_list(hone_reshape(r.output, -1), hone_reshape(r.h_n, -1),
                                        hone_reshape(r.c_n, -1)),
                              0));
            continue;
        }
        const hone_rnn_result r =
            kind ? hone_gru(x, h0, weights, &o) : hone_rnn_tanh(x, h0, weights, &o);
        check(g, hone_cat(hone_list(hone_reshape(r.output, -1), hone_reshape(r.h_n, -1)), 0));
    }
}

static void attention(golden *g)
{
    g->name = "causal";
    hone_tensor *q = leaf(g, "q"), *k = leaf(g, "k"), *v = leaf(g, "v");
    check(g, hone_scaled_dot_product_attention(q, k, v, NONE, true, 0, true));
    g->name = "masked";
    q = leaf(g, "q"), k = leaf(g, "k"), v = leaf(g, "v");
    check(g, hone_scaled_dot_product_attention(q, k, v, part(g, "mask", ""), false, 0.7, false));
}

static void bags(golden *g)
{
    static const char *const names[] = { "bag_mean", "bag_sum", "bag_max" };
    for (int mode = 0; mode < 3; mode++) {
        g->name = names[mode];
        check(g, hone_embedding_bag(other(g, "bag.at"), leaf(g, "w"), other(g, "bag.offsets"), NONE,
                                    (hone_bag_mode)mode, 2, false));
    }
}

static void losses(golden *g)
{
    static const char *const ctc[] = { "ctc_mean", "ctc_sum", "ctc_none" };
    static const char *const ce[] = { "ce_mean", "ce_sum", "ce_none" };
    for (int how = 0; how < 3; how++) {
        g->name = ctc[how];
        check(g, hone_ctc_loss(hone_log_softmax(leaf(g, "x"), 2), other(g, "ctc.targets"),
                               other(g, "ctc.steps"), other(g, "ctc.lengths"), 0,
                               (hone_reduction)how, false));
        g->name = ce[how];
        check(g,
              hone_cross_entropy_loss(leaf(g, "x"), other(g, "ce.target"),
                                      other(g, "ce.class_weight"), -100, 0.1, (hone_reduction)how));
    }
    g->name = "ce_probabilities";
    hone_tensor *x = leaf(g, "x"), *p = leaf(g, "p");
    check(g,
          hone_cross_entropy_loss(x, p, other(g, "ce.class_weight"), -100, 0.2, HONE_REDUCE_MEAN));
}

static void compare(void (*family)(golden *g))
{
    golden g = { .all = hone_safetensors_load(GOLDEN, NULL), .dtype = HONE_F64, .close = 1e-11 };
    cr_assert(g.all.n > 0, "%s", hone_error_message());
    family(&g);
    g.dtype = HONE_F32;
    g.close = 2e-5;
    family(&g);
}

Test(golden_sequence, recurrences)
{
    compare(recurrences);
}

Test(golden_sequence, attention)
{
    compare(attention);
}

Test(golden_sequence, embedding_bags)
{
    compare(bags);
}

Test(golden_sequence, losses)
{
    compare(losses);
}
