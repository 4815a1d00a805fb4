/* encoder_decoder.c: Transformer, which is a TransformerEncoder and a TransformerDecoder. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"
#include "runtime/fpmode.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <math.h>

typedef struct {
    hone_module base;
    hone_module *encoder, *decoder;
} transformer;

enum {
    MODEL,
    HEADS,
    ENCODERS,
    DECODERS,
    FEEDFORWARD,
    DROPOUT,
    ACTIVATION,
    EPS,
    BATCH_FIRST,
    NORM_FIRST,
    BIAS,
    CAUSAL,
    DTYPE
};
static const char *const activations[] = { "relu", "gelu", NULL };
/* PyTorch's custom_encoder and custom_decoder stand before eps, so what follows has names. */
static const hone__parameter arguments[] = {
    [MODEL] = { "d_model", HONE__WHOLE, "512", .min = 1, .max = INFINITY },
    [HEADS] = { "nhead", HONE__WHOLE, "8", .min = 1, .max = INFINITY },
    [ENCODERS] = { "num_encoder_layers", HONE__WHOLE, "6", .min = 1, .max = 1 << 20 },
    [DECODERS] = { "num_decoder_layers", HONE__WHOLE, "6", .min = 1, .max = 1 << 20 },
    [FEEDFORWARD] = { "dim_feedforward", HONE__WHOLE, "2048", .min = 1, .max = INFINITY },
    [DROPOUT] = { "dropout", HONE__REAL, "0.1", .max = 1 },
    [ACTIVATION] = { "activation", HONE__CHOICE, "'relu'", .choices = activations },
    [EPS] = { "layer_norm_eps", HONE__REAL, "1e-05", .named = true, .max = INFINITY },
    [BATCH_FIRST] = { "batch_first", HONE__TRUTH, "False", .named = true },
    [NORM_FIRST] = { "norm_first", HONE__TRUTH, "False", .named = true },
    [BIAS] = { "bias", HONE__TRUTH, "True", .named = true },
    [CAUSAL] = { "tgt_is_causal", HONE__TRUTH, "False", .named = true },
    [DTYPE] = HONE__DTYPE_ARGUMENT,
    { 0 }
};

static const hone_field fields[] = { HONE_CHILD(transformer, encoder),
                                     HONE_CHILD(transformer, decoder), HONE_FIELDS_END };

/* src, tgt, src_mask, tgt_mask, memory_mask, and the key_padding_masks of src, tgt and memory. */
static hone_tensor *forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    const transformer *l = (const transformer *)self;
    enum { SRC, TGT, SRC_MASK, TGT_MASK, MEMORY_MASK, SRC_KEYS, TGT_KEYS, MEMORY_KEYS, MOST };
    hone_tensor *x[MOST];
    if (n_in < 2 || n_in > MOST) {
        hone_error_set(HONE_E_VALUE, "Transformer: %d inputs were given, 2 to 8 wanted", n_in);
        return NULL;
    }
    for (int i = 0; i < MOST; i++)
        x[i] = i < n_in ? in[i] : HONE_NONE;
    hone_tensor *memory = hone_forward(l->encoder, x[SRC], x[SRC_MASK], x[SRC_KEYS]);
    return memory ? hone_forward(l->decoder, x[TGT], memory, x[TGT_MASK], x[MEMORY_MASK],
                                 x[TGT_KEYS], x[MEMORY_KEYS])
                  : NULL;
}

static const hone_module_class transformer_class = {
    .name = "Transformer", .size = sizeof(transformer), .fields = fields, .forward = forward
};

static const char *truth(bool value)
{
    return value ? "True" : "False";
}

/* Of n layers with a norm at the end. */
static hone_module *stack_of(const char *kind, const hone__argument *a, int64_t n, bool causal)
{
    char name[40], dropout[40], eps[40];
    const char *dtype = a[DTYPE].dtype == HONE_F64 ? "f64" : "f32";
    hone__format(name, sizeof name, "Transformer%s", kind);
    hone__format_real(dropout, sizeof dropout, a[DROPOUT].number);
    hone__format_real(eps, sizeof eps, a[EPS].number);
    return hone_nn_layer_format(
        name,
        "Transformer%sLayer(%lld, %lld, %lld, %s, '%s', %s, %s, %s, %s, is_causal=%s, dtype=%s), "
        "%lld, norm=LayerNorm(%lld, %s, bias=%s, dtype=%s)",
        kind, (long long)a[MODEL].at[0], (long long)a[HEADS].at[0], (long long)a[FEEDFORWARD].at[0],
        dropout, activations[a[ACTIVATION].choice], eps, truth(a[BATCH_FIRST].truth),
        truth(a[NORM_FIRST].truth), truth(a[BIAS].truth), truth(causal), dtype, (long long)n,
        (long long)a[MODEL].at[0], eps, truth(a[BIAS].truth), dtype);
}

/* All that has two dims or more evenly within sqrt(6 / (in + out)) (Glorot, Bengio, 2010). */
static bool begin(hone_module *module)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    HONE__FP_GUARD();
    const hone_tensor_list all = hone_parameters(module);
    for (int i = 0; i < all.n; i++) {
        hone_tensor *p = all.at[i];
        if (hone_dim(p) < 2)
            continue;
        const double bound = sqrt(6 / ((double)hone_size(p, 0) + (double)hone_size(p, 1)));
        hone_tensor *drawn = hone_mul_scalar_(hone_rand_like(p), 2 * bound);
        if (!hone_copy_(p, hone_sub_scalar_(drawn, bound)))
            return false;
    }
    return all.at != NULL;
}

static hone_module *make(const hone__argument *a)
{
    transformer *l = hone_module_new(&transformer_class);
    if (!l)
        return NULL;
    l->encoder = stack_of("Encoder", a, a[ENCODERS].at[0], false);
    if (l->encoder)
        l->decoder = stack_of("Decoder", a, a[DECODERS].at[0], a[CAUSAL].truth);
    if (l->decoder && begin(&l->base))
        return &l->base;
    hone_module_free(&l->base);
    return NULL;
}

const hone__layer hone__layer_Transformer = { "Transformer", arguments, make };
