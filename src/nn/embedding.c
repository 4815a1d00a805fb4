/* embedding.c: Embedding and EmbeddingBag. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"
#include "runtime/fpmode.h"

#include <hone/autograd.h>
#include <hone/net.h>
#include <hone/ops.h>

#include <math.h>

typedef struct {
    hone__plain plain;
    hone_tensor *weight; /* [rows, width] */
} embedding;

/* Both tables begin with these; PyTorch alone has the last four of Embedding's, which are refused. */
enum { ROWS, WIDTH, PADDING, DTYPE, MAX_NORM, NORM_TYPE, SCALE_BY_FREQ, SPARSE };
enum { MODE = SPARSE, BAG_SPARSE, LAST_OFFSET };
#define SILENT .shown = HONE__HIDDEN_ARGUMENT
#define BEGIN                                                                                      \
    [ROWS] = { "num_embeddings", HONE__WHOLE, .min = 1, .max = INFINITY, .shown = HONE__ALONE },   \
    [WIDTH] = { "embedding_dim", HONE__WHOLE, .min = 1, .max = INFINITY, .shown = HONE__ALONE },   \
    [DTYPE] = HONE__DTYPE_ARGUMENT,                                                                \
    [MAX_NORM] = { "max_norm", HONE__REAL, "None", .none = true, SILENT },                         \
    [NORM_TYPE] = { "norm_type", HONE__REAL, "2.0", SILENT },                                      \
    [SCALE_BY_FREQ] = { "scale_grad_by_freq", HONE__TRUTH, "False", SILENT }
#define SPARSE_ARGUMENT                                                                            \
    {                                                                                              \
        "sparse", HONE__TRUTH, "False", SILENT                                                     \
    }
static const hone__parameter arguments[] = { BEGIN,
                                             [PADDING] = { "padding_idx", HONE__WHOLE, "None",
                                                           .none = true, .shown = HONE__CHANGED },
                                             [SPARSE] = SPARSE_ARGUMENT,
                                             { 0 } };

static hone_tensor *forward(const hone__plain *self, hone_tensor *const *in)
{
    const hone__argument *padding = &self->at[PADDING];
    return hone_embedding(in[0], ((const embedding *)self)->weight,
                          padding->none ? HONE_NO_PADDING : padding->at[0]);
}

static const hone_field fields[] = { HONE_PARAM(embedding, weight), HONE_FIELDS_END };

/* Normally distributed, with zeros in the padding's row. */
static bool begin(embedding *l, const hone__argument *a)
{
    HONE__FP_GUARD();
    hone_tensor *weight = hone_randn(a[DTYPE].dtype, a[ROWS].at[0], a[WIDTH].at[0]);
    if (!weight ||
        (!a[PADDING].none && !hone_zero_(hone_select(weight, 0, l->plain.at[PADDING].at[0]))))
        return false;
    l->weight = hone_parameter(weight);
    return l->weight != NULL;
}

static hone_module *embedding_new(const hone__layer *layer, const hone__argument *a, bool sparse)
{
    const int64_t rows = a[ROWS].at[0], padding = a[PADDING].at[0];
    if (!a[MAX_NORM].none)
        return hone__argument_refused(layer->name, "max_norm",
                                      "it would change the weight in the forward");
    if (a[SCALE_BY_FREQ].truth)
        return hone__argument_refused(layer->name, "scale_grad_by_freq",
                                      "a gradient is the sum over all uses of a row");
    if (sparse)
        return hone__argument_refused(layer->name, "sparse gradients",
                                      "a gradient has its weight's shape");
    if (!a[PADDING].none && (padding < -rows || padding >= rows)) {
        hone_error_set(HONE_E_VALUE, "%s: padding_idx is %lld, but %lld to %lld is wanted",
                       layer->name, (long long)padding, -(long long)rows, (long long)rows - 1);
        return NULL;
    }
    embedding *l = (embedding *)hone__plain_new(layer, a);
    if (!l)
        return NULL;
    if (padding < 0)
        l->plain.at[PADDING].at[0] = padding + rows;
    if (begin(l, a))
        return &l->plain.base;
    hone_module_free(&l->plain.base);
    return NULL;
}

extern const hone__layer hone__layer_Embedding, hone__layer_EmbeddingBag;
static hone_module *make(const hone__argument *a)
{
    return embedding_new(&hone__layer_Embedding, a, a[SPARSE].truth);
}
const hone__layer hone__layer_Embedding =
    HONE__MADE_OF("Embedding", 1, forward, arguments, make, embedding, fields);

/* ---- bags */

/* In the order of hone_bag_mode. */
static const char *const modes[] = { "mean", "sum", "max", NULL };
static const hone__parameter bag_arguments[] = {
    BEGIN,
    [PADDING] = { "padding_idx", HONE__WHOLE, "None", .named = true, .none = true, SILENT },
    [MODE] = { "mode", HONE__CHOICE, "'mean'", .choices = modes },
    [BAG_SPARSE] = SPARSE_ARGUMENT,
    [LAST_OFFSET] = { "include_last_offset", HONE__TRUTH, "False", .named = true, SILENT },
    { 0 }
};

static hone_tensor *bag_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    const embedding *l = (const embedding *)self;
    const hone__argument *a = l->plain.at;
    if ((n_in < 1 || n_in > 3) && !hone__takes_inputs(self, n_in, 3))
        return NULL;
    return hone_embedding_bag(in[0], l->weight, n_in > 1 ? in[1] : HONE_NONE,
                              n_in > 2 ? in[2] : HONE_NONE, (hone_bag_mode)a[MODE].choice,
                              a[PADDING].none ? HONE_NO_PADDING : a[PADDING].at[0],
                              a[LAST_OFFSET].truth);
}

static int bag_print(const hone_module *self, char *text, size_t size)
{
    const hone__argument *a = ((const embedding *)self)->plain.at;
    char padding[50] = "";
    if (!a[PADDING].none)
        hone__format(padding, sizeof padding, ", padding_idx=%lld", (long long)a[PADDING].at[0]);
    return hone__format(text, size, "%lld, %lld, mode='%s'%s", (long long)a[ROWS].at[0],
                        (long long)a[WIDTH].at[0], modes[a[MODE].choice], padding);
}

static hone_module *make_bag(const hone__argument *a)
{
    return embedding_new(&hone__layer_EmbeddingBag, a, a[BAG_SPARSE].truth);
}
const hone__layer hone__layer_EmbeddingBag = { .name = "EmbeddingBag",
                                               .arguments = bag_arguments,
                                               .make = make_bag,
                                               .type = { .name = "EmbeddingBag",
                                                         .size = sizeof(embedding),
                                                         .fields = fields,
                                                         .forward = bag_forward,
                                                         .print = bag_print } };
