/* train_facts.c: the choices that the bits of a run depend on, as its checkpoint tells them. Threads,
 * instruction set, and how long it runs are none. */
#include "train.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LOOKED_AT = 64 }; /* samples of a set, spread over it: the same time for any size */

bool train_describe_data(const hone_dataset *set, char *text, size_t size)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    const int64_t n = hone_dataset_size(set);
    uLong crc = 0;
    const int64_t looked_at = n < LOOKED_AT ? n : LOOKED_AT;
    for (int64_t i = 0; i < looked_at; i++) {
        HONE_SCOPE();
        const int64_t index = i * (n / looked_at);
        const hone_tensor_list fields = hone_dataset_batch(set, &index, 1);
        if (!fields.at)
            return false;
        for (int k = 0; k < fields.n; k++) {
            hone_tensor *field = hone_contiguous(fields.at[k]);
            const void *data = hone_data(field);
            if (data)
                crc = crc32_z(crc, data,
                              (size_t)hone_numel(field) * hone_dtype_size(hone_dtype_of(field)));
        }
    }
    snprintf(text, size, "%" PRId64 " samples (%08lx)", n, crc);
    return n >= 0 && hone_error_code() == HONE_OK;
}

static bool tell(training *t, const char *fact, const char *value)
{
    return hone_checkpoint_fact(t->saving.file, fact, value) == HONE_OK;
}

static bool tell_real(training *t, const char *fact, double value, const char *otherwise)
{
    char text[40];
    snprintf(text, sizeof text, "%.17g", value);
    return tell(t, fact, isnan(value) ? otherwise : text);
}

static bool tell_int(training *t, const char *fact, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    return tell(t, fact, text);
}

/* The parts of a batch don't change a bit but in running statistics. */
static bool has_statistics(training *t)
{
    HONE_SCOPE();
    return hone_named_buffers(t->model).n > 0;
}

bool train_facts(training *t)
{
    const train_options *o = &t->o;
    char data[64];
    return train_describe_data(&t->set.train, data, sizeof data) && tell(t, "data", data) &&
           tell(t, "model", model_describe(&t->spec).s) && tell(t, "optim", o->optim) &&
           tell(t, "dtype", hone_dtype_name(t->dtype)) &&
           (t->dtype != HONE_BF16 || tell(t, "bf16-order", hone_order_name(hone_bf16_order()))) &&
           tell_real(t, "lr", o->lr, "the optimizer's") &&
           tell_real(t, "momentum", o->momentum, "the optimizer's") &&
           tell_real(t, "weight-decay", o->weight_decay, "the optimizer's") &&
           tell_int(t, "batch", o->batch) && tell_int(t, "shards", hone_dist_shards()) &&
           tell_int(t, "accumulate", has_statistics(t) ? o->accumulate : 1) &&
           tell_int(t, "seed", (int64_t)o->seed) && tell(t, "shuffle", o->shuffle ? "on" : "off") &&
           tell(t, "stratify", o->stratify ? "on" : "off") &&
           tell(t, "freeze", o->freeze ? o->freeze : "none") &&
           tell(t, "transform", o->data.transform ? o->data.transform : "none") &&
           tell(t, "schedule", t->schedule ? t->schedule_text : "none") &&
           tell_int(t, "warmup", o->warmup) && tell_real(t, "clip", o->clip, "off") &&
           tell_real(t, "label-smoothing", o->label_smoothing, "off") &&
           tell_real(t, "ema", o->ema, "off") && tell(t, "nan", o->nan) &&
           tell_real(t, "val-split", o->val_split, "off") &&
           tell_int(t, "early-stop", o->early_stop);
}
