/* embedding.c: Embedding. */
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

enum { ROWS, WIDTH, PADDING, DTYPE };
static const hone__parameter arguments[] = {
    [ROWS] = { "num_embeddings", HONE__WHOLE, .min = 1, .max = INFINITY, .shown = HONE__ALONE },
    [WIDTH] = { "embedding_dim", HONE__WHOLE, .min = 1, .max = INFINITY, .shown = HONE__ALONE },
    [PADDING] = { "padding_idx", HONE__WHOLE, "None", .none = true, .shown = HONE__CHANGED },
    [DTYPE] = HONE__DTYPE_ARGUMENT,
    { 0 }
};

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

extern const hone__layer hone__layer_Embedding;
static hone_module *make(const hone__argument *a)
{
    const int64_t rows = a[ROWS].at[0], padding = a[PADDING].at[0];
    if (!a[PADDING].none && (padding < -rows || padding >= rows)) {
        hone_error_set(HONE_E_VALUE, "Embedding: padding_idx is %lld, but %lld to %lld is wanted",
                       (long long)padding, -(long long)rows, (long long)rows - 1);
        return NULL;
    }
    embedding *l = (embedding *)hone__plain_new(&hone__layer_Embedding, a);
    if (!l)
        return NULL;
    if (padding < 0)
        l->plain.at[PADDING].at[0] = padding + rows;
    if (begin(l, a))
        return &l->plain.base;
    hone_module_free(&l->plain.base);
    return NULL;
}

const hone__layer hone__layer_Embedding =
    HONE__MADE_OF("Embedding", 1, forward, arguments, make, embedding, fields);
