/* batch_norm_shards.c: batch norm of a batch cut into shards: statistics of all of it, whichever
 * process has which shards. Each shard's are computed as a batch's are, in its dtype; they are joined
 * in doubles, in the tree of op/shards.h: means and squared deviations by Chan, Golub and LeVeque's
 * formula (1979), sums as they are. */
#include "ops/batch_norm.h"

#include "loops/channel_runs.h"
#include "loops/reduce_run.h"
#include "op/part.h"
#include "runtime/memory.h"

#include <math.h>

bool hone__is_sharded(const hone_tensor *x)
{
    const hone__part *part = hone__part_now();
    return part->id && part->cut.n > 0 && part->samples > 0 && x->shape[0] % part->samples == 0;
}

/* Statistics of some of a process's samples would depend on who has which. */
static bool has_all(const char *name)
{
    const hone__part *part = hone__part_now();
    if (part->handed_on) {
        hone_error_set(HONE_E_STATE,
                       "%s: a chain that is handed from rank to rank has no batch's statistics: it "
                       "takes shards (hone train --shards 8)",
                       name);
        return false;
    }
    if (part->samples == part->end - part->begin)
        return true;
    hone_error_set(
        HONE_E_STATE,
        "%s: the batch's statistics aren't known to a part of %lld of %lld samples: with "
        "shards a batch comes at once",
        name, (long long)part->samples, (long long)(part->end - part->begin));
    return false;
}

static double *rows_for(int64_t width)
{
    return hone__own_block(
        hone__malloc(hone__bytes(hone__fold_room() + 1, (size_t)width * sizeof(double))));
}

static double elements_of_all(const hone_tensor *x)
{
    const hone__part *part = hone__part_now();
    return (double)(hone__channel_count(x) / part->samples * part->whole);
}

/* ---- means and squared deviations: a row is the count, the means, the deviations */

static void add_moments(int64_t width, double *to, const double *from)
{
    const int64_t channels = (width - 1) / 2;
    const double a = to[0], b = from[0], all = a + b;
    for (int64_t c = 1; c <= channels; c++) {
        const double apart = from[c] - to[c];
        to[c] += apart * (b / all);
        to[channels + c] += from[channels + c] + apart * apart * (a * b / all);
    }
    to[0] = all;
}

/* Those of a stretch of x, which isn't empty, to the row. */
static bool take_moments(hone_tensor *x, hone_tensor *room, double *row)
{
    const int64_t channels = x->shape[1];
    const uint32_t dims = ((1u << x->ndim) - 1) & ~2u;
    if (!hone__moments(x, dims, hone__row_of(room, 0), hone__row_of(room, 1),
                       hone__row_of(room, 2)))
        return false;
    row[0] = (double)hone__channel_count(x);
    for (int64_t c = 0; c < channels; c++) {
        row[1 + c] = hone__number_at(room, channels + c) + hone__number_at(room, 2 * channels + c);
        row[1 + channels + c] = hone__number_at(room, c);
    }
    return true;
}

static void put_norms(hone_tensor *norms, hone_tensor *statistics, int64_t c, double mean,
                      double var, double eps)
{
    const int64_t channels = norms->shape[1];
    hone__put_number(statistics, c, mean);
    hone__put_number(statistics, channels + c, var);
    hone__put_number(norms, HONE__BASE * channels + c, mean);
    hone__put_number(norms, HONE__SCALE * channels + c, 1 / sqrt(var + eps));
    const double shift = mean - hone__number_at(norms, HONE__BASE * channels + c);
    const double scale = hone__number_at(norms, HONE__SCALE * channels + c);
    hone__put_number(norms, HONE__OFFSET * channels + c, -shift * scale);
}

bool hone__norms_of_shards(const char *name, hone_tensor *norms, const hone_tensor *x,
                           hone_tensor *statistics, double eps, double *count)
{
    HONE_SCOPE();
    const int64_t channels = x->shape[1];
    hone__fold fold = { .width = 1 + 2 * channels, .add = add_moments };
    hone_tensor *room = has_all(name) ? hone__channel_numbers(x, 3) : NULL;
    if (!room || !(fold.rows = rows_for(fold.width)))
        return false;
    hone__piece piece = { 0 };
    while (hone__piece_next(name, x->shape[0], &piece)) {
        hone_tensor *some = hone_slice((hone_tensor *)x, 0, piece.first, piece.first + piece.n, 1);
        if (!some || !take_moments(some, room, hone__fold_row(&fold)))
            return false;
        hone__fold_push(&fold, piece.shard);
    }
    if (!hone__fold_finish(&fold))
        return false;
    *count = elements_of_all(x);
    if (*count < 2) {
        hone_error_set(HONE_E_VALUE, "%s: one value a channel, but training needs more of them",
                       name);
        return false;
    }
    for (int64_t c = 0; c < channels; c++)
        put_norms(norms, statistics, c, fold.rows[1 + c], fold.rows[1 + channels + c] / *count,
                  eps);
    return true;
}

/* ---- sums */

static void add_sums(int64_t width, double *to, const double *from)
{
    for (int64_t i = 0; i < width; i++)
        to[i] += from[i];
}

/* The chains of a shard's samples, in its dtype: of row 0 and 1 of `sums`. */
static void take_chains(const hone_tensor *sums, const hone__piece *piece, hone_tensor *room,
                        double *row)
{
    const int64_t channels = sums->shape[2], size = (int64_t)hone__size_of(sums->dtype);
    const hone__channel_run run = {
        .dtype = (hone_dtype)sums->dtype, .samples = piece->n, .channels = channels, .positions = 1
    };
    hone__fill_elements(room, -0.0);
    for (int i = 0; i < 2; i++)
        hone__channels_chain(&run, hone__row_of(room, i),
                             (const char *)hone__row_of(sums, i) + piece->first * channels * size);
    for (int64_t c = 0; c < 2 * channels; c++)
        row[c] = hone__number_at(room, c);
}

const double *hone__sums_of_shards(const char *name, const hone_tensor *x, const hone_tensor *sums,
                                   double *count)
{
    hone__fold fold = { .width = 2 * x->shape[1], .add = add_sums };
    hone_tensor *room = hone__channel_numbers(x, 2);
    if (!room || !(fold.rows = rows_for(fold.width)))
        return NULL;
    hone__piece piece = { 0 };
    while (hone__piece_next(name, x->shape[0], &piece)) {
        take_chains(sums, &piece, room, hone__fold_row(&fold));
        hone__fold_push(&fold, piece.shard);
    }
    if (!hone__fold_finish(&fold))
        return NULL;
    *count = elements_of_all(x);
    return fold.rows;
}
