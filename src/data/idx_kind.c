/* idx_kind.c: directories of IDX files: MNIST and its kin. */
#include "core/core.h"
#include "data/kinds.h"

static bool knows_idx(const hone__data_look *look)
{
    return look->folder;
}

static hone_status open_idx(const hone__data_request *r, hone_source *data)
{
    data->task = HONE_TASK_CLASSES;
    data->n_classes = 10;
    data->pictures = true;
    hone_status status = HONE_OK;
    if (!r->o.no_train)
        status = hone_mnist(r->path, HONE_TRAIN, &data->train);
    if (status == HONE_OK)
        status = hone_mnist(r->path, HONE_TEST, &data->test);
    if (status == HONE_OK && r->o.limit && data->train.x)
        status = hone_dataset_limit(&data->train, r->o.limit);
    return status == HONE_OK && r->o.limit ? hone_dataset_limit(&data->test, r->o.limit) : status;
}

const hone__data_kind hone__data_kind_idx = {
    .name = "idx",
    .form = "idx:DIR",
    .help = "MNIST's four files, or another set's in its format",
    .knows = knows_idx,
    .open = open_idx,
};
