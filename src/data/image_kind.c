/* image_kind.c: folders of pictures as data. DIR/train beside DIR/test, DIR/val or DIR/valid are the two
 * sets; else a part of each class is tested. Files come in an order drawn by their number alone: sorted
 * by class, as they lie, a network would see one class after the other. */
#include "core/core.h"
#include "data/image_files.h"
#include "data/image_set.h"
#include "data/kinds.h"
#include "loops/shuffle.h"
#include "runtime/memory.h"
#include "runtime/streams.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum { LOOKED_AT = 20000 }; /* files whose headers are worth the time */

typedef struct {
    int damaged, grey, upright;
    double test;
} image_arguments;

static const hone__data_argument arguments[] = {
    { "damaged", "refuse|skip|keep",
      "a damaged file ends the run, is left out (all are read first), or taken as it comes",
      HONE__ARG_WORD, offsetof(image_arguments, damaged), 0, 0 },
    { "grey", "no|yes", "one channel instead of three", HONE__ARG_WORD,
      offsetof(image_arguments, grey), 0, 0 },
    { "upright", "no|yes", "turn pictures as EXIF says", HONE__ARG_WORD,
      offsetof(image_arguments, upright), 0, 0 },
    { "test", "X", "the part of each class that is tested, where there is no test folder (0.1)",
      HONE__ARG_REAL, offsetof(image_arguments, test), 0.001, 0.999 },
    { 0 }
};

static bool knows_images(const hone__data_look *look)
{
    return look->folder && hone__image_folder_is(look->path);
}

/* ---- parts */

typedef struct {
    int64_t n, *order, n_test, n_train, *test, *train, *left; /* left: to be tested, by class */
} cut;

static bool cut_room(cut *c, const hone_dataset *all)
{
    const int64_t n = hone_dataset_size(all), classes = hone_images_classes(all);
    c->n = n;
    c->order = hone__malloc(hone__bytes(3 * n, sizeof *c->order));
    c->left = hone__calloc(hone__bytes(classes, sizeof *c->left));
    if (!c->order || !c->left)
        return false;
    c->test = c->order + n;
    c->train = c->test + n;
    hone__shuffle(n, c->order, 0, hone__stream(HONE__STREAM_CUT, (uint64_t)n));
    return true;
}

/* How many of each class are tested: one at least of two, and never all. */
static hone_status share_out(cut *c, const hone_dataset *all, double part, hone_source *data)
{
    for (int64_t i = 0; i < c->n; i++)
        c->left[hone__images_label(all, i)]++;
    for (int64_t k = 0; k < hone_images_classes(all); k++) {
        const int64_t n = c->left[k];
        int64_t tested = (int64_t)((double)n * part + 0.5);
        tested = tested < 1 ? 1 : tested;
        c->left[k] = tested >= n ? n - 1 : tested;
        if (n == 1 && hone__data_note(data, "%s has one picture: it is trained on, not tested",
                                      hone_images_class(all, k)) != HONE_OK)
            return hone__error_last();
    }
    return HONE_OK;
}

static void deal(cut *c, const hone_dataset *all)
{
    for (int64_t i = 0; i < c->n; i++) {
        const int64_t file = c->order[i], label = hone__images_label(all, file);
        if (c->left[label] > 0) {
            c->left[label]--;
            c->test[c->n_test++] = file;
        } else {
            c->train[c->n_train++] = file;
        }
    }
}

static int64_t limited(int64_t n, int64_t limit)
{
    return limit && limit < n ? limit : n;
}

static hone_status cut_in_two(const hone__data_request *r, const hone_dataset *all, double part,
                              hone_source *data)
{
    cut c = { 0 };
    hone_status status = cut_room(&c, all) ? share_out(&c, all, part, data) : hone__error_last();
    if (status == HONE_OK) {
        deal(&c, all);
        status = hone__images_part(all, c.test, limited(c.n_test, r->o.limit), &data->test);
    }
    if (status == HONE_OK && !r->o.no_train)
        status = hone__images_part(all, c.train, limited(c.n_train, r->o.limit), &data->train);
    hone__free(c.order);
    hone__free(c.left);
    return status;
}

/* All of a set, in the drawn order or in that of the files. */
static hone_status take_all(const hone__data_request *r, const hone_dataset *all, bool drawn,
                            hone_dataset *out)
{
    cut c = { 0 };
    hone_status status = hone__error_last();
    if (cut_room(&c, all)) {
        for (int64_t i = 0; !drawn && i < c.n; i++)
            c.order[i] = i;
        status = hone__images_part(all, c.order, limited(c.n, r->o.limit), out);
    }
    hone__free(c.order);
    hone__free(c.left);
    return status;
}

/* ---- what is known */

static hone_status tell_classes(const hone_dataset *all, hone_source *data)
{
    const int64_t n = hone_images_classes(all);
    const char **names = hone__data_take(data, hone__bytes(n, sizeof *names));
    for (int64_t k = 0; names && k < n; k++) {
        const char *name = hone_images_class(all, k);
        if (!(names[k] = hone__data_copy(data, name, strlen(name))))
            names = NULL;
    }
    data->task = HONE_TASK_CLASSES;
    data->pictures = true;
    data->n_classes = n;
    data->class_names = names;
    return names ? HONE_OK : hone__error_last();
}

static hone_status tell_turned(const hone_dataset *all, bool upright, hone_source *data)
{
    hone__images_survey survey;
    if (hone_dataset_size(all) > LOOKED_AT)
        return HONE_OK;
    if (!hone__images_look(all, false, &survey))
        return hone__error_last();
    return survey.turned == 0
               ? HONE_OK
               : hone__data_note(data, "%lld file%s turned by EXIF: %s", (long long)survey.turned,
                                 survey.turned == 1 ? " is" : "s are",
                                 upright ? "they are put upright"
                                         : "upright=yes puts such upright");
}

/* ---- opening */

static bool is_folder(const char *dir, const char *name, char path[PATH_MAX])
{
    struct stat st;
    return hone__format(path, PATH_MAX, "%s/%s", dir, name) < PATH_MAX && stat(path, &st) == 0 &&
           S_ISDIR(st.st_mode);
}

static hone_status same_classes(const hone_dataset *a, const hone_dataset *b, const char *dir)
{
    const int64_t n = hone_images_classes(a);
    bool same = n == hone_images_classes(b);
    for (int64_t k = 0; same && k < n; k++)
        same = strcmp(hone_images_class(a, k), hone_images_class(b, k)) == 0;
    return same ? HONE_OK
                : hone_error_set(HONE_E_FORMAT,
                                 "source_open: %s: its folders for training and test have other "
                                 "classes",
                                 dir);
}

static hone_status open_two(const hone__data_request *r, const hone_picture_options *o,
                            const char *train_dir, const char *test_dir, hone_source *data)
{
    hone_dataset train = { 0 }, test = { 0 };
    hone_status status = hone_dataset_images(test_dir, o, &test);
    if (status == HONE_OK)
        status = hone_dataset_images(train_dir, o, &train);
    if (status == HONE_OK)
        status = same_classes(&train, &test, r->path);
    if (status == HONE_OK)
        status = tell_classes(&train, data);
    if (status == HONE_OK)
        data->skipped = hone_images_skipped(&train) + hone_images_skipped(&test);
    if (status == HONE_OK)
        status = tell_turned(&train, o->upright, data);
    if (status == HONE_OK && !r->o.no_train)
        status = take_all(r, &train, true, &data->train);
    if (status == HONE_OK)
        status = take_all(r, &test, !r->o.whole, &data->test);
    hone_dataset_free(&train);
    hone_dataset_free(&test);
    return status;
}

static hone_status open_one(const hone__data_request *r, const hone_picture_options *o, double part,
                            hone_source *data)
{
    hone_dataset all;
    hone_status status = hone_dataset_images(r->path, o, &all);
    if (status != HONE_OK)
        return status;
    data->skipped = hone_images_skipped(&all);
    status = tell_classes(&all, data);
    if (status == HONE_OK)
        status = tell_turned(&all, o->upright, data);
    if (status == HONE_OK)
        status =
            r->o.whole ? take_all(r, &all, false, &data->test) : cut_in_two(r, &all, part, data);
    hone_dataset_free(&all);
    return status;
}

static hone_status open_images(const hone__data_request *r, hone_source *data)
{
    const image_arguments *a = r->arguments;
    char train[PATH_MAX], test[PATH_MAX];
    const hone_picture_options o = { .damaged = (hone_damaged)a->damaged,
                                     .grey = a->grey,
                                     .upright = a->upright };
    if (is_folder(r->path, "train", train) &&
        (is_folder(r->path, "test", test) || is_folder(r->path, "val", test) ||
         is_folder(r->path, "valid", test)))
        return open_two(r, &o, train, test, data);
    return open_one(r, &o, a->test > 0 ? a->test : 0.1, data);
}

const hone__data_kind hone__data_kind_images = {
    .name = "images",
    .form = "images:DIR",
    .help = "a folder of PNG and JPEG files for each class, perhaps in train and test",
    .arguments = arguments,
    .argument_bytes = sizeof(image_arguments),
    .knows = knows_images,
    .open = open_images,
};
