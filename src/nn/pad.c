/* pad.c: ZeroPad, ConstantPad, ReflectionPad, ReplicationPad and CircularPad of 1 to 3 dims. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

#include <hone/net.h>
#include <hone/ops.h>

#include <string.h>

/* "padding" is a number for all sides, or one for each, from the last dim on: (left, right, top,
 * ..). */
static hone_tensor *padded(const hone__plain *self, hone_tensor *x, hone_pad_mode mode)
{
    const hone__argument *a = &self->at[0];
    const int dims = a->n / 2;
    if (x->ndim < dims ||
        (mode != HONE_PAD_CONSTANT && x->ndim != dims + 1 && x->ndim != dims + 2)) {
        hone_error_set(HONE_E_SHAPE, "%s: wants %d or %d dims, got %s", self->base.type->name,
                       dims + 1, dims + 2, hone__tensor_text(x).s);
        return NULL;
    }
    int64_t pad[HONE_MAX_DIMS + 1];
    memcpy(pad, a->at, (size_t)a->n * sizeof *pad);
    pad[a->n] = HONE_END_DIM;
    return hone_pad_v(x, pad, mode, mode == HONE_PAD_CONSTANT ? self->at[1].number : 0);
}

static hone_tensor *constant(const hone__plain *self, hone_tensor *const *in)
{
    return padded(self, in[0], HONE_PAD_CONSTANT);
}

static hone_tensor *reflection(const hone__plain *self, hone_tensor *const *in)
{
    return padded(self, in[0], HONE_PAD_REFLECT);
}

static hone_tensor *replication(const hone__plain *self, hone_tensor *const *in)
{
    return padded(self, in[0], HONE_PAD_REPLICATE);
}

static hone_tensor *circular(const hone__plain *self, hone_tensor *const *in)
{
    return padded(self, in[0], HONE_PAD_CIRCULAR);
}

#define SIDES(n)                                                                                   \
    {                                                                                              \
        "padding", HONE__WHOLES, .count = (n), .spread = true, .shown = HONE__ALONE                \
    }
static const hone__parameter sides1d[] = { SIDES(2), { 0 } }, sides2d[] = { SIDES(4), { 0 } },
                             sides3d[] = { SIDES(6), { 0 } };
#define VALUE(n)                                                                                   \
    {                                                                                              \
        { "padding", HONE__WHOLES, .count = (n), .spread = true }, { "value", HONE__REAL },        \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
static const hone__parameter value1d[] = VALUE(2), value2d[] = VALUE(4), value3d[] = VALUE(6);

#define PAD_LAYER(name, function, table)                                                           \
    const hone__layer hone__layer_##name = HONE__PLAIN(#name, 1, function, table);
PAD_LAYER(ZeroPad1d, constant, sides1d)
PAD_LAYER(ZeroPad2d, constant, sides2d)
PAD_LAYER(ZeroPad3d, constant, sides3d)
PAD_LAYER(ConstantPad1d, constant, value1d)
PAD_LAYER(ConstantPad2d, constant, value2d)
PAD_LAYER(ConstantPad3d, constant, value3d)
PAD_LAYER(ReflectionPad1d, reflection, sides1d)
PAD_LAYER(ReflectionPad2d, reflection, sides2d)
PAD_LAYER(ReflectionPad3d, reflection, sides3d)
PAD_LAYER(ReplicationPad1d, replication, sides1d)
PAD_LAYER(ReplicationPad2d, replication, sides2d)
PAD_LAYER(ReplicationPad3d, replication, sides3d)
PAD_LAYER(CircularPad1d, circular, sides1d)
PAD_LAYER(CircularPad2d, circular, sides2d)
PAD_LAYER(CircularPad3d, circular, sides3d)
