/* transformer.c: TransformerEncoderLayer, TransformerDecoderLayer and their stacks. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"
#include "nn/walk.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <math.h>
#include <string.h>

/* ---- what a layer is made of */

typedef struct {
    hone__plain plain;
    hone_module *self_attn, *multihead_attn; /* the second one of a decoder */
    hone_module *linear1, *dropout, *linear2;
    hone_module *norm1, *norm2, *norm3; /* the third one of a decoder, as below */
    hone_module *dropout1, *dropout2, *dropout3;
} block;

enum {
    MODEL,
    HEADS,
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
static const hone__parameter block_arguments[] = {
    [MODEL] = { "d_model", HONE__WHOLE, .min = 1, .max = INFINITY },
    [HEADS] = { "nhead", HONE__WHOLE, .min = 1, .max = INFINITY },
    [FEEDFORWARD] = { "dim_feedforward", HONE__WHOLE, "2048", .min = 1, .max = INFINITY },
    [DROPOUT] = { "dropout", HONE__REAL, "0.1", .max = 1 },
    [ACTIVATION] = { "activation", HONE__CHOICE, "'relu'", .choices = activations },
    [EPS] = { "layer_norm_eps", HONE__REAL, "1e-05", .max = INFINITY },
    [BATCH_FIRST] = { "batch_first", HONE__TRUTH, "False" },
    [NORM_FIRST] = { "norm_first", HONE__TRUTH, "False" },
    [BIAS] = { "bias", HONE__TRUTH, "True" },
    [CAUSAL] = { "is_causal", HONE__TRUTH, "False", .named = true },
    [DTYPE] = HONE__DTYPE_ARGUMENT,
    { 0 }
};

static const hone_field block_fields[] = {
    HONE_CHILD(block, self_attn), HONE_CHILD(block, multihead_attn), HONE_CHILD(block, linear1),
    HONE_CHILD(block, dropout),   HONE_CHILD(block, linear2),        HONE_CHILD(block, norm1),
    HONE_CHILD(block, norm2),     HONE_CHILD(block, norm3),          HONE_CHILD(block, dropout1),
    HONE_CHILD(block, dropout2),  HONE_CHILD(block, dropout3),       HONE_FIELDS_END
};

static const char *truth(bool value)
{
    return value ? "True" : "False";
}

static const char *dtype_text(const hone__argument *a)
{
    return a->dtype == HONE_F64 ? "f64" : "f32";
}

static hone_module *attention_of(const hone__argument *a, bool causal)
{
    char dropout[40];
    hone__format_real(dropout, sizeof dropout, a[DROPOUT].number);
    return hone_nn_layer_format("MultiheadAttention",
                                "%lld, %lld, dropout=%s, bias=%s, batch_first=%s, is_causal=%s, "
                                "dtype=%s",
                                (long long)a[MODEL].at[0], (long long)a[HEADS].at[0], dropout,
                                truth(a[BIAS].truth), truth(a[BATCH_FIRST].truth), truth(causal),
                                dtype_text(&a[DTYPE]));
}

static hone_module *linear_of(const hone__argument *a, int64_t in, int64_t out)
{
    return hone_nn_linear_with(in, out,
                               &(hone_nn_linear_options){ .no_bias = !a[BIAS].truth,
                                                          .dtype = a[DTYPE].dtype,
                                                          .torch_init = true });
}

static hone_module *norm_of(const hone__argument *a)
{
    const double eps = a[EPS].number;
    return hone_nn_layer_norm_with(HONE_DIM_ARGS(a[MODEL].at[0]),
                                   &(hone_nn_layer_norm_options){ .eps = eps == 0 ? HONE_ZERO : eps,
                                                                  .no_bias = !a[BIAS].truth,
                                                                  .dtype = a[DTYPE].dtype });
}

static hone_module *dropout_of(const hone__argument *a)
{
    char p[40];
    hone__format_real(p, sizeof p, a[DROPOUT].number);
    return hone_nn_layer("Dropout", p);
}

static bool begin(block *l, const hone__argument *a, bool decoder)
{
    const int64_t model = a[MODEL].at[0], wide = a[FEEDFORWARD].at[0];
    return (l->self_attn = attention_of(a, a[CAUSAL].truth)) &&
           (!decoder || (l->multihead_attn = attention_of(a, false))) &&
           (l->linear1 = linear_of(a, model, wide)) && (l->dropout = dropout_of(a)) &&
           (l->linear2 = linear_of(a, wide, model)) && (l->norm1 = norm_of(a)) &&
           (l->norm2 = norm_of(a)) && (!decoder || (l->norm3 = norm_of(a))) &&
           (l->dropout1 = dropout_of(a)) && (l->dropout2 = dropout_of(a)) &&
           (!decoder || (l->dropout3 = dropout_of(a)));
}

static hone_module *block_new(const hone__layer *layer, const hone__argument *a, bool decoder)
{
    block *l = (block *)hone__plain_new(layer, a);
    if (!l)
        return NULL;
    if (begin(l, a, decoder))
        return &l->plain.base;
    hone_module_free(&l->plain.base);
    return NULL;
}

/* ---- forward of a layer */

static hone_tensor *through(hone_module *module, hone_tensor *x)
{
    return x ? hone_forward(module, x) : NULL;
}

/* A linear layer and its activation are one op. */
static hone_tensor *feedforward(const block *l, hone_tensor *x)
{
    const bool gelu = l->plain.at[ACTIVATION].choice == 1;
    const hone__linear *wide = (const hone__linear *)l->linear1;
    hone_tensor *bias = wide->bias ? wide->bias : HONE_NONE, *y;
    if (wide->base.own.hooks) {
        y = through(l->linear1, x);
        y = gelu ? hone_gelu(y) : hone_relu(y);
    } else {
        y = gelu ? hone_linear_gelu(x, wide->weight, bias)
                 : hone_linear_relu(x, wide->weight, bias);
    }
    return through(l->linear2, through(l->dropout, y));
}

typedef struct {
    hone_tensor *memory;             /* NULL: an encoder's */
    hone_tensor *mask, *key_padding; /* of self_attn, or HONE_NONE */
    hone_tensor *memory_mask, *memory_key_padding;
} attended;

/* What part i of a layer adds to x: attention to itself, to the memory, or the feed-forward net. */
static hone_tensor *part(const block *l, int i, hone_tensor *x, const attended *with)
{
    if (!x)
        return NULL;
    if (i == 0)
        return hone_forward(l->self_attn, x, x, x, with->key_padding, with->mask);
    if (i == 1 && with->memory)
        return hone_forward(l->multihead_attn, x, with->memory, with->memory,
                            with->memory_key_padding, with->memory_mask);
    return feedforward(l, x);
}

static hone_tensor *block_run(const block *l, hone_tensor *x, const attended *with)
{
    hone_module *const norms[] = { l->norm1, l->norm2, l->norm3 };
    hone_module *const dropouts[] = { l->dropout1, l->dropout2, l->dropout3 };
    const bool first = l->plain.at[NORM_FIRST].truth;
    for (int i = 0; i < (with->memory ? 3 : 2) && x; i++) {
        hone_tensor *y = first ? through(norms[i], x) : x;
        y = through(dropouts[i], part(l, i, y, with));
        x = y ? hone_add(x, y) : NULL;
        x = first ? x : through(norms[i], x);
    }
    return x;
}

enum { MOST_INPUTS = 6 };

static bool takes(const hone_module *self, int n_in, int least, int most)
{
    if (n_in >= least && n_in <= most)
        return true;
    hone_error_set(HONE_E_VALUE, "%s: %d inputs were given, %d to %d wanted", self->type->name,
                   n_in, least, most);
    return false;
}

static hone_tensor *input(hone_tensor *const *in, int n_in, int i)
{
    return i < n_in ? in[i] : HONE_NONE;
}

/* src, src_mask, src_key_padding_mask */
static hone_tensor *encoder_layer_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    if (!takes(self, n_in, 1, 3))
        return NULL;
    const attended with = { NULL, input(in, n_in, 1), input(in, n_in, 2), HONE_NONE, HONE_NONE };
    return block_run((const block *)self, in[0], &with);
}

/* tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask */
static hone_tensor *decoder_layer_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    if (!takes(self, n_in, 2, MOST_INPUTS))
        return NULL;
    const attended with = { in[1], input(in, n_in, 2), input(in, n_in, 4), input(in, n_in, 3),
                            input(in, n_in, 5) };
    return block_run((const block *)self, in[0], &with);
}

extern const hone__layer hone__layer_TransformerEncoderLayer, hone__layer_TransformerDecoderLayer;

static hone_module *make_encoder_layer(const hone__argument *a)
{
    return block_new(&hone__layer_TransformerEncoderLayer, a, false);
}

static hone_module *make_decoder_layer(const hone__argument *a)
{
    return block_new(&hone__layer_TransformerDecoderLayer, a, true);
}

const hone__layer hone__layer_TransformerEncoderLayer = {
    .name = "TransformerEncoderLayer",
    .arguments = block_arguments,
    .make = make_encoder_layer,
    .type = { .name = "TransformerEncoderLayer",
              .size = sizeof(block),
              .fields = block_fields,
              .forward = encoder_layer_forward },
};
const hone__layer hone__layer_TransformerDecoderLayer = {
    .name = "TransformerDecoderLayer",
    .arguments = block_arguments,
    .make = make_decoder_layer,
    .type = { .name = "TransformerDecoderLayer",
              .size = sizeof(block),
              .fields = block_fields,
              .forward = decoder_layer_forward },
};

/* ---- stacks */

typedef struct {
    hone_module base;
    hone_module *layers; /* ModuleList */
    hone_module *norm;   /* or NULL */
} stack;

static const hone_field stack_fields[] = { HONE_CHILD(stack, layers), HONE_CHILD(stack, norm),
                                           HONE_FIELDS_END };

/* The layers one after the other; each step's result is carried, so that what no gradient needs
 * dies early. */
static hone_tensor *stack_run(const stack *l, hone_tensor *const *in, int n_in)
{
    hone_tensor *at = NULL, *with[MOST_INPUTS + 1];
    hone__slots layers = hone__slots_of(l->layers);
    hone__slot layer;
    bool ok = hone_assign(&at, in[0]) == HONE_OK;
    const bool in_order = hone_error_code() == HONE_OK;
    for (int i = 1; i < n_in; i++)
        with[i] = in[i];
    with[n_in] = HONE_END_TENSOR;
    while (ok && hone__slot_next(l->layers, &layers, &layer)) {
        HONE_SCOPE();
        with[0] = at;
        hone_tensor *y = hone_forward_v(layer.value, with);
        ok = hone_assign(&at, y) == HONE_OK;
        if (!ok && in_order) {
            char prefix[40];
            hone__format(prefix, sizeof prefix, "layers.%d: ", layer.index);
            hone__error_prefix(prefix);
        }
    }
    if (!ok) {
        hone_release(at);
        return NULL;
    }
    at = hone__own(at);
    return l->norm ? through(l->norm, at) : at;
}

static hone_tensor *encoder_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    return takes(self, n_in, 1, 3) ? stack_run((const stack *)self, in, n_in) : NULL;
}

static hone_tensor *decoder_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    return takes(self, n_in, 2, MOST_INPUTS) ? stack_run((const stack *)self, in, n_in) : NULL;
}

static const hone_module_class encoder_class = { .name = "TransformerEncoder",
                                                 .size = sizeof(stack),
                                                 .fields = stack_fields,
                                                 .forward = encoder_forward };
static const hone_module_class decoder_class = { .name = "TransformerDecoder",
                                                 .size = sizeof(stack),
                                                 .fields = stack_fields,
                                                 .forward = decoder_forward };

/* Another layer like this one, with the same values in it, as PyTorch's deepcopy. */
static hone_module *copy_of(hone_module *layer)
{
    const block *l = (const block *)layer;
    hone_module *copy = l->plain.layer->make(l->plain.at);
    if (!copy)
        return NULL;
    HONE_SCOPE();
    HONE_NO_GRAD();
    const hone_named_list from = hone_named_state(layer), to = hone_named_state(copy);
    bool ok = from.at && to.at;
    for (int i = 0; ok && i < from.n; i++)
        ok = hone_copy_(to.at[i].tensor, from.at[i].tensor) != NULL;
    if (ok)
        return copy;
    hone_module_free(copy);
    return NULL;
}

/* n copies of a layer, of which it is the first; it and the norm are the stack's from here on. */
static hone_module *stack_new(const hone_module_class *type, hone_module *layer, int64_t n,
                              hone_module *norm)
{
    stack *l = hone_module_new(type);
    hone_module **layers = hone_module_array((int)n);
    bool ok = l && layers;
    if (l)
        l->norm = norm;
    else
        hone_module_free(norm);
    for (int64_t i = 1; ok && i < n; i++) {
        layers[i] = copy_of(layer);
        ok = layers[i] != NULL;
    }
    if (ok) {
        layers[0] = layer;
        l->layers = hone_nn_module_list_n(layers, (int)n);
        ok = l->layers != NULL;
    } else {
        hone_module_free(layer);
        for (int64_t i = 1; layers && i < n; i++)
            hone_module_free(layers[i]);
    }
    hone__free(layers);
    if (ok)
        return &l->base;
    hone_module_free(l ? &l->base : NULL);
    return NULL;
}

enum { LAYER, LAYERS, NORM };
static const hone__parameter encoder_arguments[] = {
    [LAYER] = { "encoder_layer", HONE__LAYER },
    [LAYERS] = { "num_layers", HONE__WHOLE, .min = 1, .max = 1 << 20 },
    [NORM] = { "norm", HONE__LAYER, "None", .none = true },
    /* of PyTorch's fast path, which hone has not */
    { "enable_nested_tensor", HONE__TRUTH, "True" },
    { "mask_check", HONE__TRUTH, "True" },
    { 0 }
};
static const hone__parameter decoder_arguments[] = {
    [LAYER] = { "decoder_layer", HONE__LAYER },
    [LAYERS] = { "num_layers", HONE__WHOLE, .min = 1, .max = 1 << 20 },
    [NORM] = { "norm", HONE__LAYER, "None", .none = true },
    { 0 }
};

/* Takes the modules out of the arguments. */
static hone_module *make_stack(const hone_module_class *type, const hone__layer *of,
                               const hone__argument *a)
{
    const hone_module *layer = a[LAYER].modules[0];
    if (layer->type != &of->type) {
        hone_error_set(HONE_E_VALUE, "%s: its layers are %s, got %s", type->name, of->name,
                       layer->type->name);
        return NULL;
    }
    return stack_new(type, hone__argument_take(&a[LAYER], 0), a[LAYERS].at[0],
                     hone__argument_take(&a[NORM], 0));
}

static hone_module *make_encoder(const hone__argument *a)
{
    return make_stack(&encoder_class, &hone__layer_TransformerEncoderLayer, a);
}

static hone_module *make_decoder(const hone__argument *a)
{
    return make_stack(&decoder_class, &hone__layer_TransformerDecoderLayer, a);
}

const hone__layer hone__layer_TransformerEncoder = { "TransformerEncoder", encoder_arguments,
                                                     make_encoder };
const hone__layer hone__layer_TransformerDecoder = { "TransformerDecoder", decoder_arguments,
                                                     make_decoder };
