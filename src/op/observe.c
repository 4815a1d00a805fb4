/* observe.c: what is noted of each op's run. */
#include "op/observe.h"

#include "runtime/cost.h"

#include <stdio.h>

/* ---- where the data are */

enum { MADE_FROM = 16 };

void hone__observe_operands(const hone_context *ctx)
{
    int64_t near = 0, spread = 0, passing_near = 0, read = 0;
    for (int i = 0; i < ctx->n_in; i++) {
        const hone_tensor *t = ctx->in[i];
        if (!hone__observe_large(t))
            continue;
        const bool changed = i == 0 && ctx->target == HONE__INTO_FIRST;
        const int64_t bytes = hone__observe_bytes(t);
        const bool is_spread = atomic_load_explicit(&t->storage->spread, memory_order_relaxed);
        if (is_spread)
            spread += changed ? bytes : bytes / HONE__COST_MOVED;
        else
            near += changed ? bytes : bytes / HONE__COST_SHARED;
        if (!is_spread && !changed && (double)bytes > hone__core_bytes())
            passing_near += bytes / HONE__COST_SHARED;
        read += changed ? 0 : bytes;
    }
    hone__data_now.near_bytes = near;
    hone__data_now.spread_bytes = spread;
    hone__data_now.passing_near = passing_near;
    hone__data_now.read_bytes = read;
    hone__data_now.large = true;
}

void hone__observe_large_new(const hone_tensor *t)
{
    const int64_t bytes = (int64_t)t->storage->bytes;
    hone__data_place *data = &hone__data_now;
    data->large = true;
    /* A pass over what fits in no core's cache finds nothing of it in the caller's, and one into it leaves
     * little there: it waits for memory, and two threads wait half as long. Of what gives next to nothing
     * (one row by a weight) or is made from it (of one sample, a weight's gradient) the rules below
     * know more. */
    if (MADE_FROM * bytes >= HONE__COST_SHARED * data->passing_near) {
        data->near_bytes -= data->passing_near;
        data->passing_near = 0;
    }
    if ((double)bytes > hone__core_bytes() && MADE_FROM * data->read_bytes >= bytes)
        return;
    /* Written by this thread alone it would stay here. Where it is made from at least half as much
     * that the team has, it is the team again that reads it next: what no core's cache holds then
     * costs nothing here, and what one does hold less than it would. */
    const bool from_team =
        data->near_bytes == 0 && 2 * HONE__COST_MOVED * data->spread_bytes >= bytes;
    if (!from_team)
        data->near_bytes += bytes / HONE__COST_SHARED;
    else if ((double)bytes <= hone__core_bytes())
        data->near_bytes += bytes / HONE__COST_MOVED;
}

static void note_place(const hone_tensor *t, bool spread)
{
    if (hone__observe_large(t))
        atomic_store_explicit(&t->storage->spread, spread, memory_order_relaxed);
}

/* A view, or contiguous() of a contiguous tensor, has touched no data. out: the first output, NULL
 * if nobody wanted it. */
static bool touched(const hone_context *ctx, const hone_tensor *out)
{
    return ctx->target != HONE__INTO_FRESH || ctx->n_in == 0 || !hone__is_real(ctx->in[0]) ||
           !out || out->storage != ctx->in[0]->storage;
}

/* ---- HONE_DEBUG=2 */

static void debug_print(const hone_context *ctx, const hone_tensor *out)
{
    char line[1024] = "";
    int used = 0;
    for (int i = 0; i < ctx->n_in && used < (int)sizeof line; i++)
        used += snprintf(line + used, sizeof line - (size_t)used, "%s%s", i ? ", " : "",
                         hone__tensor_text(ctx->in[i]).s);
    hone__debug_print(2, "%s(%s) -> %s", hone__call_name(ctx), line, hone__tensor_text(out).s);
}

void hone__observe_run(const hone_context *ctx, unsigned regions, hone_tensor *const *out,
                       int n_out)
{
    const bool on_team = hone__data_now.regions != regions;
    if (touched(ctx, out[0])) {
        for (int i = 0; i < ctx->n_in; i++)
            note_place(ctx->in[i], on_team);
        for (int o = 0; o < n_out; o++)
            note_place(out[o], on_team);
    }
    if (hone__debug() >= 2)
        debug_print(ctx, out[0]);
}
