/* dropout.c: Dropout, Dropout1d, 2d, 3d of whole channels, and the AlphaDropouts. In evaluation they
 * give their input. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

#include <hone/net.h>
#include <hone/ops.h>

#include <math.h>

#define FORWARD(name) static hone_tensor *name(const hone__plain *self, hone_tensor *const *in)

static const hone__parameter arguments[] = { { "p", HONE__REAL, "0.5", .max = 1 },
                                             { "inplace", HONE__TRUTH, "False" },
                                             { 0 } };

static bool does_nothing(const hone__plain *self)
{
    return !self->base.training || self->at[0].number == 0;
}

FORWARD(dropout)
{
    return does_nothing(self) ? in[0] : hone_dropout(in[0], self->at[0].number, true);
}
const hone__layer hone__layer_Dropout = HONE__PLAIN("Dropout", 1, dropout, arguments);

/* x of `dims` dims, or of one less: a sample alone. */
static hone_tensor *channels(const hone__plain *self, hone_tensor *x, int dims)
{
    const bool alone = x->ndim == dims - 1;
    if (x->ndim != dims && !alone) {
        hone_error_set(HONE_E_SHAPE, "%s: wants %d dims, or %d for one sample, got %s",
                       self->base.type->name, dims, dims - 1, hone__tensor_text(x).s);
        return NULL;
    }
    if (does_nothing(self))
        return x;
    const double p = self->at[0].number;
    if (!alone)
        return hone_feature_dropout(x, p, true);
    return hone_squeeze(hone_feature_dropout(hone_unsqueeze(x, 0), p, true), 0);
}

FORWARD(dropout1d)
{
    return channels(self, in[0], 3);
}
const hone__layer hone__layer_Dropout1d = HONE__PLAIN("Dropout1d", 1, dropout1d, arguments);

/* PyTorch takes three dims here for [n, c, length], too. */
FORWARD(dropout2d)
{
    return channels(self, in[0], in[0]->ndim == 3 ? 3 : 4);
}
const hone__layer hone__layer_Dropout2d = HONE__PLAIN("Dropout2d", 1, dropout2d, arguments);

FORWARD(dropout3d)
{
    return channels(self, in[0], 5);
}
const hone__layer hone__layer_Dropout3d = HONE__PLAIN("Dropout3d", 1, dropout3d, arguments);

/* What is dropped becomes SELU's value far below 0, and all is scaled so that mean 0 and variance 1
 * stay: Klambauer et al., Self-normalizing neural networks (2017). */
static hone_tensor *alpha_dropout(hone_tensor *x, double p,
                                  hone_tensor *(*drop)(hone_tensor *, double, bool))
{
    static const double saturated = -1.7580993408473766;
    if (p == 1)
        return hone_mul_scalar(x, 0);
    const double a = 1 / sqrt((1 - p) * (1 + p * saturated * saturated));
    hone_tensor *kept = hone_ne_scalar(drop(hone_ones_like(x), p, true), 0);
    hone_tensor *all = hone_where(kept, x, hone_full_like(x, saturated));
    return hone_add_scalar(hone_mul_scalar(all, a), -a * saturated * p);
}

FORWARD(alpha)
{
    return does_nothing(self) ? in[0] : alpha_dropout(in[0], self->at[0].number, hone_dropout);
}
const hone__layer hone__layer_AlphaDropout = HONE__PLAIN("AlphaDropout", 1, alpha, arguments);

FORWARD(feature_alpha)
{
    return does_nothing(self) ? in[0]
                              : alpha_dropout(in[0], self->at[0].number, hone_feature_dropout);
}
const hone__layer hone__layer_FeatureAlphaDropout =
    HONE__PLAIN("FeatureAlphaDropout", 1, feature_alpha, arguments);
