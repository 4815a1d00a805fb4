/* linear_loss.c: LinearCrossEntropyLoss: a Linear to the classes' scores and their cross entropy, in
 * one op that holds the scores once, or some rows of them at a time (net.h: hone_linear_cross_entropy). */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

#include <hone/net.h>
#include <hone/ops.h>

#include <math.h>
#include <string.h>

#define NAME "LinearCrossEntropyLoss"

typedef struct {
    hone__plain plain;
    hone_module *linear; /* to [classes * outputs] */
    hone_tensor *weight; /* [classes] or NULL */
} head;

static const hone_field fields[] = { HONE_CHILD(head, linear), HONE_BUFFER(head, weight),
                                     HONE_FIELDS_END };

enum { IN, CLASSES, OUTPUTS, BIAS, REDUCTION, WEIGHT, IGNORE, SMOOTHING, CHUNK, DTYPE };
#define SILENT .named = true, .shown = HONE__HIDDEN_ARGUMENT
static const hone__parameter arguments[] = {
    [IN] = { "in_features", HONE__WHOLE, .min = 1, .max = INFINITY },
    [CLASSES] = { "num_classes", HONE__WHOLE, .min = 1, .max = INFINITY },
    [OUTPUTS] = { "out_features", HONE__WHOLES, "()", .named = true, .min = 1, .max = INFINITY },
    [BIAS] = { "bias", HONE__TRUTH, "False", .named = true },
    [REDUCTION] = HONE__REDUCTION_ARGUMENT,
    [WEIGHT] = { "weight", HONE__REALS, "None", .none = true, SILENT },
    [IGNORE] = { "ignore_index", HONE__WHOLE, "None", .none = true, SILENT },
    [SMOOTHING] = { "label_smoothing", HONE__REAL, "0.0", SILENT, .max = 1 },
    [CHUNK] = { "batch_chunk_size", HONE__WHOLE, "0", SILENT, .max = INFINITY },
    [DTYPE] = HONE__DTYPE_ARGUMENT,
    { 0 }
};

/* The Linear's parameters as [classes, outputs .., features] and [classes, outputs ..]. */
static hone_tensor *spread(const head *h, hone_tensor *t, bool features)
{
    const hone__argument *a = h->plain.at;
    int64_t shape[HONE_MAX_DIMS + 3];
    int n = 0;
    if (a[OUTPUTS].n == 0)
        return t;
    shape[n++] = a[CLASSES].at[0];
    for (int d = 0; d < a[OUTPUTS].n; d++)
        shape[n++] = a[OUTPUTS].at[d];
    if (features)
        shape[n++] = a[IN].at[0];
    shape[n] = HONE_END_DIM;
    return hone_reshape_v(t, shape);
}

static hone_tensor *forward(const hone__plain *self, hone_tensor *const *in)
{
    const head *h = (const head *)self;
    const hone__linear *l = (const hone__linear *)h->linear;
    hone_tensor *weight = spread(h, hone_transpose(l->weight, 0, 1), true);
    hone_tensor *bias = l->bias ? spread(h, l->bias, false) : HONE_NONE;
    const int64_t ignored = self->at[IGNORE].none ? -100 : self->at[IGNORE].at[0];
    return hone_linear_cross_entropy(in[0], weight, in[1], bias, h->weight ? h->weight : HONE_NONE,
                                     ignored, self->at[SMOOTHING].number,
                                     (hone_reduction)self->at[REDUCTION].choice,
                                     self->at[CHUNK].at[0]);
}

/* As PyTorch prints it. */
static int print(const hone_module *self, char *text, size_t size)
{
    const hone__argument *a = ((const head *)self)->plain.at;
    char outputs[24 * HONE_MAX_DIMS] = "", ignored[24] = "None", smoothing[32], chunks[48] = "None";
    for (int d = 0; d < a[OUTPUTS].n; d++) {
        const size_t at = strlen(outputs);
        hone__format(outputs + at, sizeof outputs - at, d > 0 ? ", %lld" : "%lld",
                     (long long)a[OUTPUTS].at[d]);
    }
    if (!a[IGNORE].none)
        hone__format(ignored, sizeof ignored, "%lld", (long long)a[IGNORE].at[0]);
    if (a[CHUNK].at[0])
        hone__format(chunks, sizeof chunks, "batch_chunk_size=%lld", (long long)a[CHUNK].at[0]);
    hone__format_real(smoothing, sizeof smoothing, a[SMOOTHING].number);
    return hone__format(text, size,
                        "in_features=%lld, num_classes=%lld, out_features=(%s%s), bias=%s, "
                        "reduction=%s, ignore_index=%s, label_smoothing=%s, options=%s",
                        (long long)a[IN].at[0], (long long)a[CLASSES].at[0], outputs,
                        a[OUTPUTS].n == 1 ? "," : "", a[BIAS].truth ? "True" : "False",
                        hone__reduction_choices[a[REDUCTION].choice], ignored, smoothing, chunks);
}

extern const hone__layer hone__layer_LinearCrossEntropyLoss;
static hone_module *make(const hone__argument *a)
{
    head *h = (head *)hone__plain_new(&hone__layer_LinearCrossEntropyLoss, a);
    if (!h)
        return NULL;
    bool fits = a[OUTPUTS].n <= HONE_MAX_DIMS - 2;
    int64_t out = a[CLASSES].at[0];
    for (int d = 0; fits && d < a[OUTPUTS].n; d++)
        fits = !__builtin_mul_overflow(out, a[OUTPUTS].at[d], &out);
    if (!fits)
        hone_error_set(HONE_E_VALUE, NAME ": out_features are too many");
    const hone_nn_linear_options o = { .dtype = a[DTYPE].dtype,
                                       .torch_init = true,
                                       .no_bias = !a[BIAS].truth };
    h->linear = fits ? hone_nn_linear_with(a[IN].at[0], out, &o) : NULL;
    if (h->linear && !a[WEIGHT].none)
        h->weight = hone_retain(hone__argument_tensor(&a[WEIGHT], a[DTYPE].dtype));
    if (h->linear && (a[WEIGHT].none || h->weight))
        return &h->plain.base;
    hone_module_free(&h->plain.base);
    return NULL;
}

const hone__layer hone__layer_LinearCrossEntropyLoss = {
    .name = NAME,
    .arguments = arguments,
    .make = make,
    .op = forward,
    .inputs = 2,
    .type = { .name = NAME,
              .size = sizeof(head),
              .fields = fields,
              .forward = hone__plain_forward,
              .print = print },
};
