/* records.c: samples at equal distances in a file's bytes. */
#include "data/records.h"

#include "core/core.h"
#include "runtime/memory.h"

#include <string.h>

int64_t hone__raw_bytes(hone__raw_type type)
{
    static const int8_t bytes[] = {
        [HONE__RAW_U8] = 1,  [HONE__RAW_I8] = 1,  [HONE__RAW_BOOL] = 1, [HONE__RAW_U16] = 2,
        [HONE__RAW_I16] = 2, [HONE__RAW_U32] = 4, [HONE__RAW_I32] = 4,  [HONE__RAW_I64] = 8,
        [HONE__RAW_F32] = 4, [HONE__RAW_F64] = 8
    };
    return bytes[type];
}

/* ---- conversion: a number's bits, then its value */

static inline uint64_t bits_at(const uint8_t *from, int bytes, bool big)
{
    uint64_t bits = 0;
    for (int b = 0; b < bytes; b++)
        bits |= (uint64_t)from[b] << 8 * (big ? bytes - 1 - b : b);
    return bits;
}

static inline int64_t integer_of(hone__raw_type type, uint64_t bits)
{
    switch (type) {
    case HONE__RAW_I8:
        return (int8_t)bits;
    case HONE__RAW_I16:
        return (int16_t)bits;
    case HONE__RAW_I32:
        return (int32_t)bits;
    case HONE__RAW_BOOL:
        return bits != 0;
    default:
        return (int64_t)bits;
    }
}

static inline double real_of(hone__raw_type type, uint64_t bits)
{
    float narrow;
    double wide;
    const uint32_t low = (uint32_t)bits;
    switch (type) {
    case HONE__RAW_F32:
        memcpy(&narrow, &low, sizeof narrow);
        return (double)narrow;
    case HONE__RAW_F64:
        memcpy(&wide, &bits, sizeof wide);
        return wide;
    default:
        return (double)integer_of(type, bits);
    }
}

/* One loop a type, so that the compiler knows it. */
static inline __attribute__((always_inline)) void loop(hone__raw_type type, bool big,
                                                       const uint8_t *from, int64_t step,
                                                       hone_dtype dtype, int64_t n, void *to)
{
    const int bytes = (int)hone__raw_bytes(type);
#define EACH(c_type, value)                                                                        \
    for (int64_t i = 0; i < n; i++) {                                                              \
        const uint64_t bits = bits_at(from + i * step, bytes, big);                                \
        ((c_type *)to)[i] = (c_type)(value);                                                       \
    }                                                                                              \
    break
    switch (dtype) {
    case HONE_F32:
        EACH(float, real_of(type, bits));
    case HONE_F64:
        EACH(double, real_of(type, bits));
    case HONE_I64:
        EACH(int64_t, integer_of(type, bits));
    case HONE_I32:
        EACH(int32_t, integer_of(type, bits));
    case HONE_U8:
        EACH(uint8_t, integer_of(type, bits));
    case HONE_BOOL:
        EACH(bool, integer_of(type, bits) != 0);
    default: /* no field of a file has another */
        HONE_ASSERT(dtype == HONE_BOOL);
    }
#undef EACH
}

static bool same_bytes(hone__raw raw, hone_dtype dtype)
{
    const int64_t bytes = hone__raw_bytes(raw.type);
    return (!raw.big || bytes == 1) && ((raw.type == HONE__RAW_U8 && dtype == HONE_U8) ||
                                        (raw.type == HONE__RAW_I32 && dtype == HONE_I32) ||
                                        (raw.type == HONE__RAW_I64 && dtype == HONE_I64) ||
                                        (raw.type == HONE__RAW_F32 && dtype == HONE_F32) ||
                                        (raw.type == HONE__RAW_F64 && dtype == HONE_F64));
}

void hone__raw_convert(hone__raw raw, const uint8_t *from, int64_t step, hone_dtype dtype,
                       int64_t n, void *to)
{
    if (n > 0 && same_bytes(raw, dtype) && step == hone__raw_bytes(raw.type)) {
        memcpy(to, from, (size_t)(n * step));
        return;
    }
    switch (raw.type) {
#define TYPE(type)                                                                                 \
    case type:                                                                                     \
        if (raw.big)                                                                               \
            loop(type, true, from, step, dtype, n, to);                                            \
        else                                                                                       \
            loop(type, false, from, step, dtype, n, to);                                           \
        return
        TYPE(HONE__RAW_U8);
        TYPE(HONE__RAW_I8);
        TYPE(HONE__RAW_BOOL);
        TYPE(HONE__RAW_U16);
        TYPE(HONE__RAW_I16);
        TYPE(HONE__RAW_U32);
        TYPE(HONE__RAW_I32);
        TYPE(HONE__RAW_I64);
        TYPE(HONE__RAW_F32);
        TYPE(HONE__RAW_F64);
#undef TYPE
    }
}

/* ---- the set */

typedef struct {
    const char *where, *path;
    int64_t begin, n;
    hone__record_field field[HONE_SAMPLE_FIELDS];
    int n_fields, n_targets;
} records;

static int64_t records_size(const hone_dataset *set)
{
    return ((const records *)set->state)->n;
}

static hone_status records_layout(const hone_dataset *set, int64_t index,
                                  hone_sample_layout *layout)
{
    const records *r = set->state;
    (void)index;
    layout->n = r->n_fields;
    layout->n_targets = r->n_targets;
    for (int f = 0; f < r->n_fields; f++) {
        hone_sample_field *to = &layout->field[f];
        *to = (hone_sample_field){ .name = r->field[f].name,
                                   .dtype = r->field[f].dtype,
                                   .ndim = r->field[f].ndim };
        memcpy(to->shape, r->field[f].shape, sizeof to->shape);
    }
    return HONE_OK;
}

static int64_t numbers_of(const hone__record_field *f)
{
    int64_t n = 1;
    for (int d = 0; d < f->ndim; d++)
        n *= f->shape[d];
    return n;
}

/* Rows that lie as columns. */
static void read_turned(const hone__record_field *f, const uint8_t *from, char *to)
{
    const int64_t bytes = hone__raw_bytes(f->raw.type), rows = f->shape[f->ndim - 2],
                  columns = f->shape[f->ndim - 1];
    const int64_t row = columns * (int64_t)hone_dtype_size(f->dtype);
    for (int64_t plane = numbers_of(f) / (rows * columns); plane > 0; plane--) {
        for (int64_t i = 0; i < rows; i++, to += row)
            hone__raw_convert(f->raw, from + i * bytes, rows * bytes, f->dtype, columns, to);
        from += rows * columns * bytes;
    }
}

/* Moves the numbers of a target, which is i64, to 0..most. */
static hone_status adjust(const records *r, const hone__record_field *f, int64_t index, int64_t n,
                          int64_t *y)
{
    for (int64_t i = 0; i < n; i++) {
        const int64_t was = y[i];
        y[i] += f->plus;
        if (f->most > 0 && (y[i] < 0 || y[i] > f->most))
            return hone_error_set(HONE_E_FORMAT,
                                  "%s: %s: sample %lld: %s is %lld (%lld to %lld are wanted)",
                                  r->where, r->path, (long long)index, f->name, (long long)was,
                                  (long long)-f->plus, (long long)(f->most - f->plus));
    }
    return HONE_OK;
}

static hone_status records_read(const hone_dataset *set, const hone_sample_place *place,
                                void *const *out)
{
    const records *r = set->state;
    hone_status status = HONE_OK;
    for (int f = 0; f < r->n_fields && status == HONE_OK; f++) {
        const hone__record_field *field = &r->field[f];
        const int64_t index = r->begin + place->index, n = numbers_of(field);
        const uint8_t *from = hone__blob_at(field->blob) + field->first + index * field->step;
        if (n > 0 && field->turned)
            read_turned(field, from, out[f]);
        else if (n > 0)
            hone__raw_convert(field->raw, from, hone__raw_bytes(field->raw.type), field->dtype, n,
                              out[f]);
        if (field->plus || field->most)
            status = adjust(r, field, index, n, out[f]);
    }
    return status;
}

static void records_destroy(hone_dataset *set)
{
    records *r = set->state;
    for (int f = 0; f < r->n_fields; f++)
        hone__blob_release(r->field[f].blob);
    hone__free(r);
}

static const hone_dataset_class records_class = { .name = "records",
                                                  .size = records_size,
                                                  .destroy = records_destroy,
                                                  .layout = records_layout,
                                                  .read = records_read };

/* Whether the last sample ends inside of the blob. */
static bool lies_inside(const hone__record_field *f, int64_t n)
{
    int64_t bytes = hone__raw_bytes(f->raw.type), last;
    for (int d = 0; d < f->ndim; d++)
        if (f->shape[d] < 0 || !hone__times(bytes, f->shape[d], &bytes))
            return false;
    return f->first >= 0 && f->step >= 0 && hone__times(n - 1, f->step, &last) &&
           !__builtin_add_overflow(last, f->first, &last) &&
           !__builtin_add_overflow(last, bytes, &last) && last <= hone__blob_size(f->blob);
}

hone_status hone__dataset_records(const char *where, const char *path, int64_t n,
                                  const hone__record_field *field, int n_fields, int n_targets,
                                  hone_dataset *set)
{
    *set = (hone_dataset){ 0 };
    HONE_ASSERT(n_fields >= 1 && n_fields <= HONE_SAMPLE_FIELDS);
    for (int f = 0; f < n_fields; f++)
        if (n > 0 && !lies_inside(&field[f], n))
            return hone_error_set(HONE_E_FORMAT, "%s: %s: %lld samples don't fit its %lld bytes",
                                  where, path, (long long)n,
                                  (long long)hone__blob_size(field[f].blob));
    records *r = hone__calloc(sizeof *r);
    if (!r)
        return hone__error_last();
    *r = (records){
        .where = where, .path = path, .n = n, .n_fields = n_fields, .n_targets = n_targets
    };
    memcpy(r->field, field, (size_t)n_fields * sizeof *field);
    for (int f = 0; f < n_fields; f++)
        hone__blob_retain(r->field[f].blob);
    *set = (hone_dataset){ .type = &records_class, .state = r };
    return HONE_OK;
}

void hone__records_keep(hone_dataset *set, int64_t begin, int64_t end)
{
    HONE_ASSERT(set->type == &records_class);
    records *r = set->state;
    HONE_ASSERT(begin >= 0 && begin <= end && end <= r->n);
    r->begin += begin;
    r->n = end - begin;
}
