/* builtin.c: the sets that hone draws itself, as kinds of data. */
#include "core/core.h"
#include "data/kinds.h"

/* They are the same whatever a run's seed is, as a directory's would be. */
enum { SEED = 0, DIGITS = 60000, DIGITS_TEST = 10000, PICTURES = 10000, PICTURES_TEST = 2000 };

static int64_t least(int64_t limit, int64_t n)
{
    return limit && limit < n ? limit : n;
}

static hone_status nothing_behind(const hone__data_request *r)
{
    return *r->path ? hone_error_set(HONE_E_VALUE,
                                     "source_open: %s: nothing follows the name of a "
                                     "built-in set",
                                     r->source)
                    : HONE_OK;
}

static hone_status draw(const hone__data_request *r, hone_source *data, int64_t n_train,
                        int64_t n_test,
                        hone_status (*one)(hone_subset, int64_t, uint64_t, hone_dataset *))
{
    data->task = HONE_TASK_CLASSES;
    data->n_classes = 10;
    data->pictures = true;
    hone_status status = nothing_behind(r);
    if (status == HONE_OK && !r->o.no_train)
        status = one(HONE_TRAIN, least(r->o.limit, n_train), SEED, &data->train);
    return status == HONE_OK ? one(HONE_TEST, least(r->o.limit, n_test), SEED, &data->test)
                             : status;
}

static hone_status open_digits(const hone__data_request *r, hone_source *data)
{
    return draw(r, data, DIGITS, DIGITS_TEST, hone_digits);
}

const hone__data_kind hone__data_kind_digits = { .name = "digits",
                                                 .form = "digits",
                                                 .help = "60,000 and 10,000 digits that hone draws",
                                                 .built_in = true,
                                                 .open = open_digits };

static hone_status open_pictures(const hone__data_request *r, hone_source *data)
{
    static const char *const names[] = { "disc",   "square",  "triangle", "ring",  "plus",
                                         "across", "upright", "aslant",   "chess", "dots" };
    data->class_names = names;
    return draw(r, data, PICTURES, PICTURES_TEST, hone_dataset_pictures);
}

const hone__data_kind hone__data_kind_pictures = {
    .name = "pictures",
    .form = "pictures",
    .help = "10,000 and 2,000 small colour pictures of ten classes that hone draws",
    .built_in = true,
    .open = open_pictures
};
