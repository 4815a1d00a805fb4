/* call_cost.c: see call_cost.h. */
#include "profile/call_cost.h"

#include <string.h>

static double bytes_of(const hone_tensor *t)
{
    const int64_t bytes = t->numel * (int64_t)hone__size_of(t->dtype);
    return (double)(bytes < (int64_t)t->storage->bytes ? bytes : (int64_t)t->storage->bytes);
}

static hone__shape shape_of(const hone_tensor *t)
{
    hone__shape s = { .ndim = t->ndim };
    memcpy(s.shape, t->shape, sizeof *t->shape * t->ndim);
    return s;
}

static void default_bytes(hone_tensor *const *in, int n_in, hone_tensor *const *out, int n_out,
                          hone__target target, hone__cost *cost)
{
    if (target != HONE__INTO_FIRST && n_in > 0 && hone__is_real(in[0]) && n_out > 0 &&
        hone__is_real(out[0]) && out[0]->storage == in[0]->storage)
        return; /* a view */
    for (int i = 0; i < n_in; i++) {
        bool again = !hone__is_real(in[i]);
        for (int j = 0; j < i && !again && i < HONE__COST_INPUTS; j++)
            again = in[j] == in[i];
        cost->read += again ? 0 : bytes_of(in[i]);
    }
    for (int o = 0; o < n_out; o++)
        cost->written += hone__is_real(out[o]) ? bytes_of(out[o]) : 0;
}

void hone__cost_of_call(const hone__op *op, hone_tensor *const *in, int n_in, const void *options,
                        hone_tensor *const *out, int n_out, hone__target target, hone__cost *cost)
{
    *cost = (hone__cost){ .madds = 0 };
    default_bytes(in, n_in, out, n_out, target, cost);
    if (!op->cost || n_out < 1 || !hone__is_real(out[0]))
        return;
    hone__shape shapes[HONE__COST_INPUTS + 1];
    hone__cost_call call = { .op = op, .options = options, .n_in = n_in };
    for (int i = 0; i < n_in && i < HONE__COST_INPUTS; i++)
        if (hone__is_real(in[i])) {
            shapes[i] = shape_of(in[i]);
            call.in[i] = &shapes[i];
        }
    shapes[HONE__COST_INPUTS] = shape_of(out[0]);
    call.out = &shapes[HONE__COST_INPUTS];
    op->cost(&call, cost);
}

void hone__cost_of_node(const hone_context *node, hone__cost *cost)
{
    hone__cost_call call = { .op = node->op, .options = node->options, .n_in = node->n_in };
    const double size = (double)hone__size_of((uint8_t)node->outputs[0].dtype);
    *cost = (hone__cost){ .madds = 0 };
    call.out = &node->outputs[0].shape;
    for (int i = 0; i < node->n_in && i < HONE__COST_INPUTS; i++)
        call.in[i] = &node->edges[i].shape;
    if (node->op->cost)
        node->op->cost(&call, cost);
    cost->madds = cost->read = cost->written = 0;
    if (node->op->view)
        return;
    cost->read = size * hone__cost_numel(call.out);
    for (int i = 0; i < node->n_in && i < HONE__COST_INPUTS; i++) {
        const hone__edge *e = &node->edges[i];
        if (!e->needs)
            continue;
        cost->madds += cost->back[i];
        cost->written += size * hone__cost_numel(&e->shape);
    }
}
