/* survey.c: means by Welford's method in the order of the samples; copies by hashes. */
#include "survey.h"

#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256 };

static uint64_t hashed(const uint8_t *at, size_t n)
{
    uint64_t h = n * 0x9E3779B97F4A7C15u, word;
    for (; n >= 8; n -= 8, at += 8) {
        memcpy(&word, at, 8);
        h = (h ^ word) * 0x9E3779B97F4A7C15u;
        h ^= h >> 29;
    }
    for (word = 0; n > 0; n--)
        word = word << 8 | *at++;
    h = (h ^ word) * 0xD6E8FEB86659FD93u;
    return h ^ h >> 32;
}

static void add_number(survey *s, double x)
{
    if (!isfinite(x)) {
        s->n_not_finite++;
        return;
    }
    const double off = x - s->mean;
    s->least = s->n_numbers == 0 || x < s->least ? x : s->least;
    s->most = s->n_numbers == 0 || x > s->most ? x : s->most;
    s->n_numbers++;
    s->mean += off / (double)s->n_numbers;
    s->squares += off * (x - s->mean);
}

static bool add_tokens(survey *s, hone_tensor *x)
{
    hone_tensor *wide = hone_contiguous(hone_to(x, HONE_I64));
    const int64_t *token = wide ? hone_data(wide) : NULL;
    for (int64_t i = 0; token && i < hone_numel(wide); i++, s->n_numbers++)
        if (token[i] >= 0 && token[i] < s->n_classes)
            s->n_values += s->count[token[i]]++ == 0;
    return token;
}

static bool add_inputs(survey *s, hone_tensor *x)
{
    HONE_SCOPE();
    hone_tensor *flat = hone_contiguous(x), *wide = hone_contiguous(hone_to(x, HONE_F64));
    if (!flat || !wide)
        return false;
    const int64_t n = hone_size(x, 0);
    const size_t bytes = (size_t)(hone_numel(x) / n) * hone_dtype_size(hone_dtype_of(x));
    const uint64_t width = hone_dim(x) > 1 ? (uint64_t)hone_size(x, hone_dim(x) - 1) : 0;
    const uint8_t *row = hone_data(flat);
    for (int64_t i = 0; i < n; i++)
        s->mark[s->n_samples++] = hashed(row + (size_t)i * bytes, bytes) ^ width;
    const double *value = hone_data(wide);
    for (int64_t i = 0; i < hone_numel(wide); i++)
        add_number(s, value[i]);
    return true;
}

static bool add_targets(survey *s, const hone_source *source, hone_tensor *y)
{
    HONE_SCOPE();
    hone_tensor *wide = hone_contiguous(hone_to(y, HONE_F64));
    const double *value = wide ? hone_data(wide) : NULL;
    for (int64_t i = 0; value && i < hone_numel(wide); i++) {
        if (source->task == HONE_TASK_CLASSES && value[i] >= 0 && value[i] < (double)s->n_classes)
            s->count[(int64_t)value[i]]++;
        const double off = value[i] - s->target_mean;
        s->n_targets++;
        s->target_mean += off / (double)s->n_targets;
        s->target_squares += off * (value[i] - s->target_mean);
    }
    return value;
}

static bool add_batch(survey *s, const hone_source *source, const hone_dataset *set, int64_t begin,
                      int64_t end)
{
    HONE_SCOPE();
    int64_t index[BATCH];
    for (int64_t i = begin; i < end; i++)
        index[i - begin] = i;
    const hone_tensor_list fields = hone_dataset_batch(set, index, end - begin);
    if (!fields.at)
        return false;
    if (source->task == HONE_TASK_TOKENS) {
        s->n_samples += (uint64_t)(end - begin);
        return add_tokens(s, fields.at[0]);
    }
    return add_inputs(s, fields.at[0]) &&
           (fields.n < 2 || add_targets(s, source, fields.at[fields.n - 1]));
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Samples of one size are looked at in batches, others one by one. */
static int64_t batch_of(const hone_dataset *set)
{
    hone_sample_layout layout;
    if (hone_dataset_layout(set, -1, &layout) != HONE_OK)
        return BATCH; /* which will say so */
    for (int d = 0; d < layout.field[0].ndim; d++)
        if (layout.field[0].shape[d] < 0)
            return 1;
    return BATCH;
}

bool survey_make(const hone_source *source, const hone_dataset *set, survey *s)
{
    HONE_NO_GRAD();
    const int64_t n = hone_dataset_size(set);
    *s = (survey){ .n_classes = source->n_classes };
    s->count = calloc((size_t)(s->n_classes + 1), sizeof *s->count);
    s->mark = malloc((size_t)(n + 1) * sizeof *s->mark);
    if (!s->count || !s->mark)
        return hone_error_set(HONE_E_NOMEM, "no memory for a look at %lld samples", (long long)n) ==
               HONE_OK;
    const int64_t step = batch_of(set);
    for (int64_t i = 0; i < n && !cli_stopped(); i += step)
        if (!add_batch(s, source, set, i, i + step < n ? i + step : n))
            return false;
    if (source->task == HONE_TASK_TOKENS) { /* windows: copies tell nothing */
        s->n_samples = 0;
        return !cli_stopped();
    }
    qsort(s->mark, s->n_samples, sizeof *s->mark, by_value);
    for (uint64_t i = 1; i < s->n_samples; i++)
        s->n_copies += s->mark[i] == s->mark[i - 1];
    return !cli_stopped();
}

double survey_deviation(const survey *s)
{
    return s->n_numbers ? sqrt(s->squares / (double)s->n_numbers) : NAN;
}

double survey_target_deviation(const survey *s)
{
    return s->n_targets ? sqrt(s->target_squares / (double)s->n_targets) : NAN;
}

int64_t survey_in_both(const survey *first, const survey *second)
{
    int64_t n = 0;
    for (uint64_t i = 0, k = 0; i < second->n_samples; i++) {
        while (k < first->n_samples && first->mark[k] < second->mark[i])
            k++;
        n += k < first->n_samples && first->mark[k] == second->mark[i];
    }
    return n;
}

void survey_free(survey *s)
{
    free(s->count);
    free(s->mark);
    *s = (survey){ 0 };
}
