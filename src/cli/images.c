/* images.c: from --data to rows of numbers in 0..1; text is text.c's. */
#include "work.h"

#include "cli.h"

#include <stdio.h>
#include <string.h>

/* The digits are the same whatever --seed is, as a directory's images would be. */
enum {
    DIGITS_SEED = 0,
    DIGITS_TRAIN = 60000,
    DIGITS_TEST = 10000,
    PICTURES_TRAIN = 10000,
    PICTURES_TEST = 2000
};

static hone_status read_subset(const char *source, hone_subset subset, int64_t limit,
                               hone_dataset *set)
{
    if (strcmp(source, "digits") == 0) {
        int64_t all = subset == HONE_TRAIN ? DIGITS_TRAIN : DIGITS_TEST;
        return hone_digits(subset, limit && limit < all ? limit : all, DIGITS_SEED, set);
    }
    if (strcmp(source, "pictures") == 0) {
        int64_t all = subset == HONE_TRAIN ? PICTURES_TRAIN : PICTURES_TEST;
        return hone_dataset_pictures(subset, limit && limit < all ? limit : all, DIGITS_SEED, set);
    }
    hone_status status = hone_mnist(source, subset, set);
    return status == HONE_OK && limit ? hone_dataset_limit(set, limit) : status;
}

/* u8 [n, rows, columns] or [n, channels, rows, columns] -> f32 [n, features] in 0..1, once for all
 * epochs. */
static hone_status to_rows(hone_dataset *set, int64_t *shape)
{
    HONE_SCOPE();
    hone_dataset rows;
    shape[0] = hone_dim(set->x) == 4 ? hone_size(set->x, 1) : 1;
    shape[1] = hone_size(set->x, -2);
    shape[2] = hone_size(set->x, -1);
    int64_t n = hone_dataset_size(set);
    hone_tensor *x = hone_to(hone_reshape(set->x, n, hone_numel(set->x) / n), HONE_F32);
    hone_status status = hone_dataset_from(hone_div_scalar_(x, 255), set->y, &rows);
    if (status != HONE_OK)
        return status;
    hone_dataset_free(set);
    *set = rows;
    return HONE_OK;
}

static bool load_subset(const char *command, const char *source, hone_subset subset, int64_t limit,
                        progress *p, hone_dataset *set, int64_t *shape)
{
    const char *which = subset == HONE_TRAIN ? "training" : "test";
    char note[300];
    if (strcmp(source, "digits") == 0 || strcmp(source, "pictures") == 0)
        snprintf(note, sizeof note, "drawing %s %s ...", which, source);
    else
        snprintf(note, sizeof note, "reading %s images from %.200s ...", which, source);
    progress_note(p, note);
    if (read_subset(source, subset, limit, set) != HONE_OK) {
        progress_clear(p);
        cli_library_error(command);
        return false;
    }
    progress_clear(p);
    if (hone_dataset_size(set) < 1) {
        cli_error(CLI_FAILED, command, "%s: no %s images", source, which);
        return false;
    }
    if (to_rows(set, shape) == HONE_OK)
        return true;
    cli_library_error(command);
    return false;
}

bool images_load(const char *command, const char *source, const model_spec *spec, int64_t limit,
                 bool with_train, progress *p, images *out)
{
    int64_t shape[3];
    *out = (images){ 0 };
    if (text_is(source))
        return text_load(command, source, spec, limit, with_train, out);
    if ((with_train && !load_subset(command, source, HONE_TRAIN, limit, p, &out->train, shape)) ||
        !load_subset(command, source, HONE_TEST, limit, p, &out->test, shape)) {
        images_free(out);
        return false;
    }
    out->features = hone_size(out->test.x, 1);
    out->channels = shape[0];
    out->height = shape[1];
    out->width = shape[2];
    if (with_train && hone_size(out->train.x, 1) != out->features) {
        cli_error(CLI_FAILED, command, "%s: training images have %lld pixels, test images %lld",
                  source, (long long)hone_size(out->train.x, 1), (long long)out->features);
        images_free(out);
        return false;
    }
    return true;
}

void images_free(images *set)
{
    hone_dataset_free(&set->train);
    hone_dataset_free(&set->test);
}

static bool mlp_fits(const char *command, const images *set, const model_spec *spec)
{
    int64_t in = spec->size[0], out = spec->size[spec->n - 1];
    if (in != set->features)
        cli_error(CLI_FAILED, command, "the model takes %lld numbers but an image has %lld pixels",
                  (long long)in, (long long)set->features);
    else if (out != IMAGES_CLASSES)
        cli_error(CLI_FAILED, command, "the model gives %lld scores but there are %d classes",
                  (long long)out, IMAGES_CLASSES);
    else
        return true;
    return false;
}

/* f32 [n, features] -> [n, channels, height, width] */
static bool to_images(const images *set, hone_dataset *data)
{
    HONE_SCOPE();
    hone_dataset shaped;
    if (!data->x)
        return true;
    hone_tensor *x =
        hone_reshape(data->x, hone_dataset_size(data), set->channels, set->height, set->width);
    if (hone_dataset_from(x, data->y, &shaped) != HONE_OK)
        return false;
    hone_dataset_free(data);
    *data = shaped;
    return true;
}

/* One image goes through the model: a layer that it doesn't fit says so. */
static bool image_fits(const char *command, const images *set, const model_spec *spec,
                       hone_module *model)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    const bool training = model->training;
    hone_module_train(model, false);
    hone_tensor *scores = hone_forward(model, hone_slice(set->test.x, 0, 0, 1, 1));
    hone_module_train(model, training);
    if (!scores)
        cli_error(CLI_FAILED, command, "%s doesn't fit images of [%lld, %lld, %lld]: %s",
                  spec->text, (long long)set->channels, (long long)set->height,
                  (long long)set->width, hone_error_message());
    else if (hone_dim(scores) != 2 || hone_size(scores, 0) != 1)
        cli_error(CLI_FAILED, command,
                  "%s gives a tensor of %d dims for an image, not a score a class", spec->text,
                  hone_dim(scores));
    else if (hone_size(scores, 1) != IMAGES_CLASSES)
        cli_error(CLI_FAILED, command, "%s gives %lld scores but there are %d classes", spec->text,
                  (long long)hone_size(scores, 1), IMAGES_CLASSES);
    else
        return true;
    return false;
}

bool images_fit(const char *command, images *set, const model_spec *spec, hone_module *model)
{
    if (set->window)
        return text_takes(command, spec, model, set->window);
    if (!spec->text)
        return mlp_fits(command, set, spec);
    if (to_images(set, &set->train) && to_images(set, &set->test))
        return image_fits(command, set, spec, model);
    cli_library_error(command);
    return false;
}

images_text images_name(const images *set)
{
    return set->window ? text_name(set) : (images_text){ "images" };
}
