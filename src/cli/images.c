/* images.c: from --data to what a model takes: rows of numbers, pictures or tokens. */
#include "work.h"

#include "cli.h"

#include <stdio.h>
#include <string.h>

/* A set that takes no more than this as the model takes it is kept so, for all epochs; of a larger one
 * each batch is read and converted when it is its turn. */
#define KEPT_BYTES (INT64_C(1) << 30)

/* ---- batches */

hone_tensor *images_input(const images *set, hone_tensor *x)
{
    if (set->task == HONE_TASK_TOKENS || !x)
        return x ? hone_to(x, HONE_I64) : NULL;
    const int64_t n = hone_size(x, 0);
    const bool bytes = hone_dtype_of(x) == HONE_U8 && set->source.pictures;
    hone_tensor *rows = hone_dim(x) == 2 ? x : hone_reshape(x, n, set->features);
    rows = hone_to(rows, HONE_F32);
    if (bytes)
        rows = hone_div_scalar(rows, 255);
    if (set->dtype != HONE_F32)
        rows = hone_to(rows, set->dtype);
    return set->shaped ? hone_reshape(rows, n, set->channels, set->height, set->width) : rows;
}

hone_tensor *images_target(const images *set, hone_tensor *y)
{
    if (!y || y == HONE_NONE)
        return y;
    if (set->task == HONE_TASK_CLASSES && hone_dim(y) == 2) /* shares of classes, by mixup */
        return y;
    if (set->task != HONE_TASK_NUMBERS)
        return hone_to(y, HONE_I64);
    return hone_to(hone_dim(y) == 1 ? hone_reshape(y, hone_size(y, 0), 1) : y, HONE_F32);
}

bool images_rows(const images *set, const hone_dataset *of, int64_t begin, int64_t end,
                 hone_tensor **x, hone_tensor **y)
{
    const int64_t n = hone_dataset_size(of);
    hone_tensor_list fields = { NULL, 0 };
    end = end < n ? end : n;
    if (!of->type) {
        *x = hone_slice(of->x, 0, begin, end, 1);
        *y = of->y == HONE_NONE ? HONE_NONE : hone_slice(of->y, 0, begin, end, 1);
    } else {
        hone_tensor *index = hone_arange(HONE_I64, (double)begin, (double)end, 1);
        if (index)
            fields = hone_dataset_batch(of, hone_data(index), end - begin);
        *x = fields.at ? fields.at[0] : NULL;
        *y = !fields.at ? NULL : fields.n > 1 ? fields.at[1] : HONE_NONE;
    }
    *x = images_input(set, *x);
    *y = images_target(set, *y);
    return *x && *y;
}

/* ---- reading */

/* The set as the model takes it, in memory, if it is small enough. False + the library's error. */
static bool keep(const images *set, hone_dataset *data)
{
    HONE_SCOPE();
    const int64_t n = hone_dataset_size(data);
    const int64_t each = set->task == HONE_TASK_TOKENS ? 16 * set->window : 4 * set->features;
    hone_tensor *x, *y;
    hone_dataset kept;
    if (n < 1 || each > KEPT_BYTES / n)
        return true;
    if (!images_rows(set, data, 0, n, &x, &y) || hone_dataset_from(x, y, &kept) != HONE_OK)
        return false;
    hone_dataset_free(data);
    *data = kept;
    return true;
}

bool images_hold_out(images *set, const int64_t *held, int64_t n, const int64_t *rest,
                     int64_t n_rest, hone_dataset *val)
{
    const hone_dataset *still = set->still_train.type ? &set->still_train : &set->train;
    hone_dataset part = { 0 }, others = { 0 };
    bool done = hone_dataset_subset(still, held, n, &part) == HONE_OK && keep(set, &part) &&
                hone_dataset_subset(&set->train, rest, n_rest, &others) == HONE_OK;
    if (done && part.type) {
        hone_error_set(HONE_E_VALUE, "--val-split: %lld samples are too large to be kept in memory",
                       (long long)n);
        done = false;
    }
    if (!done) {
        hone_dataset_free(&part);
        hone_dataset_free(&others);
        return false;
    }
    set->whole_train = set->train;
    set->train = others;
    *val = part;
    return true;
}

/* Extents of a sample; false with an error printed. */
static bool measure(const char *command, const char *source, const hone_dataset *data, images *set)
{
    hone_sample_layout layout;
    if (hone_dataset_layout(data, -1, &layout) != HONE_OK) {
        cli_library_error(command);
        return false;
    }
    if (layout.n > 2 || layout.n - layout.n_targets != 1) {
        cli_error(CLI_FAILED, command,
                  "%s: samples of %d tensors; an input and a target are wanted", source, layout.n);
        return false;
    }
    const hone_sample_field *x = &layout.field[0], *y = &layout.field[1];
    set->features = 1;
    for (int d = 0; d < x->ndim; d++) {
        if (x->shape[d] < 0) {
            cli_error(CLI_FAILED, command, "%s: samples of different sizes%s", source,
                      set->source.pictures ? "; --transform resize:64,64, say, gives them one"
                                           : "");
            return false;
        }
        set->features *= x->shape[d];
    }
    set->channels = x->ndim == 3 ? x->shape[0] : 1;
    set->height = x->ndim >= 2 ? x->shape[x->ndim - 2] : 0;
    set->width = x->ndim >= 2 ? x->shape[x->ndim - 1] : 0;
    set->has_shape = x->ndim == 2 || x->ndim == 3;
    set->outputs = set->source.n_classes;
    if (set->task == HONE_TASK_NUMBERS)
        set->outputs = y->ndim ? y->shape[0] : 1;
    return true;
}

static bool check(const char *command, const char *source, bool with_train, images *set)
{
    const int64_t n_train = hone_dataset_size(&set->train), n_test = hone_dataset_size(&set->test);
    if (n_test < 1 || (with_train && n_train < 1)) {
        cli_error(CLI_FAILED, command, "%s: no %s %s", source, n_test < 1 ? "test" : "training",
                  images_name(set).s);
        return false;
    }
    if (with_train) {
        if (!measure(command, source, &set->train, set))
            return false;
        const int64_t of_train = set->features;
        if (!measure(command, source, &set->test, set))
            return false;
        if (of_train != set->features) {
            cli_error(CLI_FAILED, command, "%s: training images have %lld pixels, test images %lld",
                      source, (long long)of_train, (long long)set->features);
            return false;
        }
        return true;
    }
    return measure(command, source, &set->test, set);
}

int images_not_opened(const char *command)
{
    const char *message = hone_error_message(), *function = "source_open: ";
    const size_t n = strlen(function);
    if (strncmp(message, function, n) != 0)
        return cli_library_error(command);
    return cli_error(hone_error_code() == HONE_E_VALUE ? CLI_USAGE : CLI_FAILED, command, "%s",
                     message + n);
}

/* CLI_OK: what was opened can be worked with. */
static int settle(const char *command, const data_spec *data, images_purpose purpose, images *set)
{
    if (!check(command, data->source, purpose == IMAGES_TRAIN, set))
        return CLI_FAILED;
    if (purpose == IMAGES_PREDICT && set->task == HONE_TASK_TOKENS)
        return cli_error(CLI_USAGE, command, "--data %s: text goes on by hone generate",
                         data->source);
    if (purpose != IMAGES_PREDICT && set->task == HONE_TASK_NONE)
        return cli_error(CLI_FAILED, command, "%s: its samples have no target", data->source);
    const bool drawn = set->raw_train.type || set->raw_train.x; /* anew in each epoch */
    return (drawn || keep(set, &set->train)) && keep(set, &set->test) ? CLI_OK
                                                                      : cli_library_error(command);
}

/* ---- --transform */

static bool change(const data_spec *data, const images *set, const hone_dataset *raw, bool still,
                   hone_dataset *out)
{
    const hone_transform_options o = { .still = still, .n_classes = set->source.n_classes };
    return hone_dataset_transformed(raw, data->transform, &o, out) == HONE_OK;
}

/* *set becomes what its pictures become. */
static bool change_set(const data_spec *data, images *set, hone_dataset *of, bool still,
                       hone_dataset *raw)
{
    if (!of->type && !of->x)
        return true;
    *raw = *of;
    *of = (hone_dataset){ 0 };
    return change(data, set, raw, still, of);
}

/* CLI_OK, or a status with an error printed. */
static int transform(const char *command, const data_spec *data, images *set)
{
    static const char function[] = "dataset_transformed: ";
    if (!data->transform)
        return CLI_OK;
    if (!set->source.pictures)
        return cli_error(CLI_USAGE, command, "--transform: %s are no pictures", data->source);
    if (change_set(data, set, &set->train, false, &set->raw_train) &&
        (!set->train.type || change(data, set, &set->raw_train, true, &set->still_train)) &&
        change_set(data, set, &set->test, true, &set->raw_test))
        return CLI_OK;
    const char *message = hone_error_message();
    const bool named = strncmp(message, function, sizeof function - 1) == 0;
    return cli_error(hone_error_code() == HONE_E_VALUE ? CLI_USAGE : CLI_FAILED, command,
                     "--transform %s", named ? message + sizeof function - 1 : message);
}

int images_load(const char *command, const data_spec *data, const model_spec *spec, int64_t limit,
                images_purpose purpose, progress *p, images *out)
{
    char note[300];
    *out = (images){ 0 };
    const int64_t window = spec->text ? text_context(spec, TEXT_CONTEXT) : TEXT_CONTEXT;
    const hone_source_options options = { .arguments = data->options,
                                          .limit = limit,
                                          .window = window,
                                          .no_train = purpose != IMAGES_TRAIN,
                                          .whole = purpose == IMAGES_PREDICT,
                                          .columns = data->columns };
    snprintf(note, sizeof note, "reading %.250s ...", data->source);
    progress_note(p, note);
    const hone_status status = hone_source_open(data->source, &options, &out->source);
    progress_clear(p);
    if (status != HONE_OK)
        return images_not_opened(command);
    out->train = out->source.train;
    out->test = out->source.test;
    out->source.train = out->source.test = (hone_dataset){ 0 };
    out->task = out->source.task;
    out->entropy = out->source.entropy;
    out->outputs = out->source.n_classes;
    out->window = out->task == HONE_TASK_TOKENS ? window : 0;
    int settled = transform(command, data, out);
    if (settled == CLI_OK)
        settled = settle(command, data, purpose, out);
    if (settled != CLI_OK)
        images_free(out);
    return settled;
}

void images_free(images *set)
{
    hone_dataset *const sets[] = { &set->train,     &set->whole_train, &set->still_train,
                                   &set->raw_train, &set->test,        &set->raw_test };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) /* what is made of others first */
        hone_dataset_free(sets[i]);
    hone_source_free(&set->source);
}

/* ---- a model of them */

static const char *sample_of(const images *set)
{
    return set->source.pictures ? "an image has" : "a sample has";
}

static bool outputs_fit(const char *command, const images *set, const char *model, int64_t out)
{
    const bool numbers = set->task == HONE_TASK_NUMBERS;
    if (set->task == HONE_TASK_NONE || out == set->outputs)
        return true;
    cli_error(CLI_FAILED, command, "%s gives %lld %s but there are %lld %s", model, (long long)out,
              numbers ? "numbers" : "scores", (long long)set->outputs,
              numbers ? "to tell" : "classes");
    return false;
}

static bool mlp_fits(const char *command, const images *set, const model_spec *spec)
{
    const int64_t in = spec->size[0];
    if (in == set->features)
        return outputs_fit(command, set, "the model", spec->size[spec->n - 1]);
    cli_error(CLI_FAILED, command, "the model takes %lld numbers but %s %lld%s", (long long)in,
              sample_of(set), (long long)set->features, set->source.pictures ? " pixels" : "");
    return false;
}

/* One sample goes through the model: a layer that it doesn't fit says so. */
static bool sample_fits(const char *command, const images *set, const model_spec *spec,
                        hone_module *model)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor *x, *y;
    const bool training = model->training;
    if (!images_rows(set, &set->test, 0, 1, &x, &y)) {
        cli_library_error(command);
        return false;
    }
    hone_module_train(model, false);
    hone_tensor *scores = hone_forward(model, x);
    hone_module_train(model, training);
    if (!scores && set->shaped)
        cli_error(CLI_FAILED, command, "%s doesn't fit images of [%lld, %lld, %lld]: %s",
                  spec->text, (long long)set->channels, (long long)set->height,
                  (long long)set->width, hone_error_message());
    else if (!scores)
        cli_error(CLI_FAILED, command, "%s doesn't fit samples of %lld numbers: %s", spec->text,
                  (long long)set->features, hone_error_message());
    else if (hone_dim(scores) != 2 || hone_size(scores, 0) != 1)
        cli_error(CLI_FAILED, command, "%s gives a tensor of %d dims for %s, not a score a class",
                  spec->text, hone_dim(scores), set->shaped ? "an image" : "a sample");
    else
        return outputs_fit(command, set, spec->text, hone_size(scores, 1));
    return false;
}

bool images_suit(const char *command, const data_spec *data, const images *set, bool is_default,
                 model_spec *spec)
{
    if (set->task == HONE_TASK_TOKENS)
        return text_suits(command, data->source, set->outputs, spec);
    if (is_default && spec->n > 0 && !set->source.pictures) {
        spec->size[0] = set->features;
        spec->size[spec->n - 1] = set->outputs;
    }
    return true;
}

bool images_fit(const char *command, images *set, const model_spec *spec, hone_module *model)
{
    if (set->task == HONE_TASK_TOKENS)
        return text_takes(command, spec, model, set->window, set->outputs);
    if (!spec->text)
        return mlp_fits(command, set, spec);
    set->shaped = set->has_shape;
    return sample_fits(command, set, spec, model);
}

images_text images_name(const images *set)
{
    if (set->task == HONE_TASK_TOKENS)
        return text_name(set);
    return set->source.pictures ? (images_text){ "images" } : (images_text){ "samples" };
}
