/* Loaders with threads: the same batches for any number of them, errors in their turn, no memory that
 * grows. */
#include "support.h"

#include <hone/data.h>
#include <hone/ops.h>
#include <hone/pictures.h>
#include <hone/runtime.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

SUITE(workers);

static uint64_t hash(uint64_t h, const void *data, size_t n)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return h;
}

/* x: f32 [3] of the sample's number, epoch and seed; y: the number. */
typedef struct {
    int64_t n, bad; /* bad: a sample that fails; -1: none */
    atomic_int inside, most_inside;
    bool slow;
} counting;

static int64_t counting_size(const hone_dataset *set)
{
    return ((counting *)set->state)->n;
}

static hone_status counting_layout(const hone_dataset *set, int64_t index, hone_sample_layout *l)
{
    (void)set, (void)index;
    l->n = 2;
    l->n_targets = 1;
    l->field[0] = (hone_sample_field){ .name = "x", .dtype = HONE_F32, .ndim = 1, .shape = { 3 } };
    l->field[1] = (hone_sample_field){ .name = "y", .dtype = HONE_I64 };
    return HONE_OK;
}

static hone_status counting_read(const hone_dataset *set, const hone_sample_place *place,
                                 void *const *out)
{
    counting *c = set->state;
    const float x[] = { (float)place->index, (float)place->epoch, (float)place->seed };
    const int now = atomic_fetch_add(&c->inside, 1) + 1;
    if (now > atomic_load(&c->most_inside))
        atomic_store(&c->most_inside, now);
    if (c->slow)
        usleep(2000);
    memcpy(out[0], x, sizeof x);
    memcpy(out[1], &place->index, sizeof place->index);
    atomic_fetch_sub(&c->inside, 1);
    if (c->bad >= 0 && place->index >= c->bad)
        return hone_error_set(HONE_E_FORMAT, "sample %lld is bad", (long long)place->index);
    return HONE_OK;
}

static const hone_dataset_class counting_class = {
    .name = "counting", .size = counting_size, .layout = counting_layout, .read = counting_read
};

static hone_loader *loader_of(const hone_dataset *set, hone_loader_options o)
{
    hone_loader *loader = hone_loader_new(set, &o);
    cr_assert(loader, "%s", hone_error_message());
    return loader;
}

/* Of so many epochs, each batch's place and content. */
static uint64_t hash_of(const hone_dataset *set, hone_loader_options o, int epochs)
{
    hone_loader *loader = loader_of(set, o);
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (int e = 0; e < epochs; e++) {
        hone_batch b;
        while (hone_loader_next(loader, &b)) {
            HONE_SCOPE();
            const int64_t where[] = { b.size, b.index, b.epoch, hone_size(b.x, 0) };
            h = hash(h, where, sizeof where);
            h = hash(h, hone_data(b.x),
                     (size_t)hone_numel(b.x) * hone_dtype_size(hone_dtype_of(b.x)));
            h = hash(h, hone_data(b.y),
                     (size_t)hone_numel(b.y) * hone_dtype_size(hone_dtype_of(b.y)));
        }
        cr_assert(hone_error_code() == HONE_OK, "%s", hone_error_message());
    }
    hone_loader_free(loader);
    return h;
}

static const int numbers[] = { 1, 2, 7 };

Test(workers, batches_are_the_same_for_any_number)
{
    counting c = { .n = 103, .bad = -1 };
    const hone_dataset set = { .type = &counting_class, .state = &c };
    for (int shuffle = 0; shuffle < 2; shuffle++)
        for (int batch = 1; batch <= 50; batch += 7) {
            hone_loader_options o = { .batch_size = batch, .shuffle = shuffle, .seed = 9 };
            const uint64_t alone = hash_of(&set, o, 3);
            for (int i = 0; i < 3; i++) {
                o.workers = numbers[i];
                o.prefetch = (uint16_t)(i * i); /* 0: the default */
                cr_assert(hash_of(&set, o, 3) == alone, "%d workers, batches of %d", numbers[i],
                          batch);
            }
        }
}

/* Drawn augmentation too: with pictures, all steps, weighted and stratified. */
Test(workers, augmentation_is_the_same_for_any_number)
{
    hone_dataset pictures, set;
    CHECK_OK(hone_dataset_pictures(HONE_TRAIN, 60, 0, &pictures));
    CHECK_OK(hone_dataset_transformed(
        &pictures,
        "resized_crop:28+flip+vflip+rotate:20+affine:10,0.1,0.8/"
        "1.2,5+jitter:0.4,0.4,0.4,0.1+crop:24,"
        "padding=2+cutout:6+normalize:0.5/0.4/0.3,0.25/0.2/0.3+cutout:4,fill=-1+mixup:0.4",
        &(hone_transform_options){ .n_classes = 10 }, &set));
    hone_tensor *weights = hone_arange(HONE_F64, 0, 60, 1);
    for (int kind = 0; kind < 3; kind++) {
        hone_loader_options o = { .batch_size = 16, .shuffle = true, .seed = 3 };
        if (kind == 1)
            o.weights = weights;
        o.workers = 0;
        const uint64_t alone = hash_of(&set, o, 2);
        for (int i = 0; i < 3; i++) {
            o.workers = numbers[i];
            cr_assert(hash_of(&set, o, 2) == alone, "%d workers", numbers[i]);
        }
        o.seed = 4;
        cr_assert(hash_of(&set, o, 2) != alone);
    }
    hone_dataset_free(&set);
    hone_dataset_free(&pictures);
}

Test(workers, they_work_at_once)
{
    counting c = { .n = 64, .bad = -1, .slow = true };
    const hone_dataset set = { .type = &counting_class, .state = &c };
    hash_of(&set, (hone_loader_options){ .batch_size = 8, .workers = 4 }, 1);
    cr_assert(atomic_load(&c.most_inside) >= 2, "%d", atomic_load(&c.most_inside));
}

Test(workers, an_error_comes_in_its_turn)
{
    counting c = { .n = 64, .bad = 37 };
    const hone_dataset set = { .type = &counting_class, .state = &c };
    for (int workers = 0; workers <= 7; workers++) {
        hone_loader *loader =
            loader_of(&set, (hone_loader_options){ .batch_size = 10, .workers = workers });
        hone_batch b;
        for (int i = 0; i < 3; i++)
            cr_assert(hone_loader_next(loader, &b), "%s", hone_error_message());
        for (int again = 0; again < 2; again++) { /* the same call fails again */
            cr_assert(!hone_loader_next(loader, &b) && !b.x);
            CHECK_ERROR(HONE_E_FORMAT, "sample 37 is bad");
        }
        c.bad = -1;
        cr_assert(hone_loader_next(loader, &b) && b.index == 3, "%s", hone_error_message());
        CHECK_VALUES(hone_slice(b.y, 0, 0, 2, 1), HONE_I64, (2), 30, 31);
        c.bad = 37;
        hone_loader_free(loader);
    }
}

Test(workers, a_loader_goes_where_it_is_told)
{
    counting c = { .n = 40, .bad = -1 };
    const hone_dataset set = { .type = &counting_class, .state = &c };
    const hone_loader_options o = { .batch_size = 4, .shuffle = true, .seed = 1 };
    hone_loader_options w = o;
    w.workers = 3;
    hone_loader *alone = loader_of(&set, o), *with = loader_of(&set, w);
    const int64_t places[][2] = { { 0, 3 }, { 5, 9 }, { 5, 0 }, { 2, 10 }, { 0, 0 } };
    for (int i = 0; i < 5; i++) {
        HONE_SCOPE();
        hone_batch a, b;
        CHECK_OK(hone_loader_set_position(alone, places[i][0], places[i][1]));
        CHECK_OK(hone_loader_set_position(with, places[i][0], places[i][1]));
        for (int k = 0; k < 14; k++) {
            const bool more = hone_loader_next(alone, &a);
            cr_assert(more == hone_loader_next(with, &b));
            cr_assert(!more ||
                      (test_same_bits(a.x, b.x) && a.index == b.index && a.epoch == b.epoch));
            int64_t epoch, next;
            CHECK_OK(hone_loader_position(with, &epoch, &next));
            cr_assert(!more || (epoch == a.epoch && next == a.index + 1));
        }
    }
    hone_loader_free(alone);
    hone_loader_free(with);
}

Test(workers, a_batch_that_is_kept_stays)
{
    counting c = { .n = 40, .bad = -1 };
    const hone_dataset set = { .type = &counting_class, .state = &c };
    hone_loader *loader = loader_of(&set, (hone_loader_options){ .batch_size = 4, .workers = 2 });
    hone_batch b;
    cr_assert(hone_loader_next(loader, &b));
    hone_tensor *kept = hone_retain(b.y);
    while (hone_loader_next(loader, &b))
        ;
    CHECK_VALUES(kept, HONE_I64, (4), 0, 1, 2, 3);
    hone_release(kept);
    hone_loader_free(loader);
}

/* ---- samples as tensors: one thread at a time, by ops that run alone */

typedef struct {
    atomic_int inside;
    atomic_bool at_once;
} tensors;

static int64_t tensors_size(const hone_dataset *set)
{
    (void)set;
    return 30;
}

static hone_status tensors_sample(const hone_dataset *set, int64_t index, hone_tensor **x,
                                  hone_tensor **y)
{
    tensors *t = set->state;
    if (atomic_fetch_add(&t->inside, 1) > 0)
        atomic_store(&t->at_once, true);
    *x = hone_mul_scalar(hone_ones(HONE_F32, 300, 300), (double)index);
    *y = hone_full(HONE_I64, (double)index, 1);
    atomic_fetch_sub(&t->inside, 1);
    return *x && *y ? HONE_OK : hone_error_code();
}

Test(workers, a_set_of_tensors_is_asked_by_one_thread_at_a_time)
{
    static const hone_dataset_class type = { "tensors", tensors_size, tensors_sample, NULL };
    tensors t = { 0 };
    const hone_dataset set = { .type = &type, .state = &t };
    const hone_loader_options o = { .batch_size = 4, .shuffle = true };
    hone_loader_options w = o;
    const uint64_t alone = hash_of(&set, o, 2);
    for (int i = 0; i < 3; i++) {
        w.workers = numbers[i];
        cr_assert(hash_of(&set, w, 2) == alone);
    }
    cr_assert(!atomic_load(&t.at_once));
}

/* Of a last batch of two samples some of four ranks have none: no rows, and not those of the batch before. */
Test(workers, ranks_without_a_sample_have_no_rows)
{
    static const hone_dataset_class type = { "tensors", tensors_size, tensors_sample, NULL };
    tensors t = { 0 };
    const hone_dataset set = { .type = &type, .state = &t };
    for (int workers = 0; workers < 3; workers++) {
        int64_t rows = 0;
        for (int r = 0; r < 4; r++) {
            hone_loader *part =
                loader_of(&set, (hone_loader_options){
                                    .batch_size = 7, .workers = workers, .rank = r, .ranks = 4 });
            for (hone_batch b; hone_loader_next(part, &b);) {
                cr_assert(hone_dim(b.x) == 3 && hone_size(b.y, 0) == hone_size(b.x, 0));
                rows += hone_size(b.x, 0);
            }
            cr_assert(hone_error_code() == HONE_OK, "%s", hone_error_message());
            hone_loader_free(part);
        }
        cr_assert(rows == 30, "%lld", (long long)rows);
    }
    cr_assert(!atomic_load(&t.at_once));
}

/* ---- ranks, memory, forks, misuse */

Test(workers, ranks_have_parts_of_each_batch)
{
    counting c = { .n = 23, .bad = -1 };
    const hone_dataset set = { .type = &counting_class, .state = &c };
    for (int ranks = 1; ranks <= 4; ranks++)
        for (int workers = 0; workers < 2; workers++) {
            hone_loader *all =
                loader_of(&set, (hone_loader_options){ .batch_size = 10, .shuffle = true });
            hone_loader *part[4];
            for (int r = 0; r < ranks; r++)
                part[r] = loader_of(&set, (hone_loader_options){ .batch_size = 10,
                                                                 .shuffle = true,
                                                                 .workers = workers,
                                                                 .rank = r,
                                                                 .ranks = ranks });
            hone_batch whole;
            while (hone_loader_next(all, &whole)) {
                HONE_SCOPE();
                hone_tensor *parts[4];
                for (int r = 0; r < ranks; r++) {
                    hone_batch b;
                    cr_assert(hone_loader_next(part[r], &b) && b.size == whole.size);
                    parts[r] = b.x;
                }
                cr_assert(test_same_bits(hone_cat(hone_list_n(parts, ranks), 0), whole.x), "%s",
                          hone_error_message());
            }
            for (int r = 0; r < ranks; r++)
                hone_loader_free(part[r]);
            hone_loader_free(all);
        }
}

Test(workers, steady_batches_take_no_memory)
{
    counting c = { .n = 400, .bad = -1 };
    const hone_dataset set = { .type = &counting_class, .state = &c };
    hone_loader *loader =
        loader_of(&set, (hone_loader_options){ .batch_size = 4, .shuffle = true, .workers = 3 });
    hone_batch b;
    hone_memory before, after;
    int quiet =
        0; /* runs of 60 batches that took nothing: a thread that begins late takes its share */
    for (int round = 0; round < 40 && quiet < 5; round++) {
        hone_memory_stats(&before);
        for (int i = 0; i < 60; i++)
            if (!hone_loader_next(loader, &b))
                i--; /* the epoch's end */
        hone_memory_stats(&after);
        const bool same =
            after.reserved_bytes == before.reserved_bytes && after.tensors == before.tensors;
        quiet = same ? quiet + 1 : 0;
    }
    cr_assert(quiet == 5, "%lld, then %lld bytes", (long long)before.reserved_bytes,
              (long long)after.reserved_bytes);
    hone_loader_free(loader);
}

Test(workers, a_child_is_told)
{
    counting c = { .n = 40, .bad = -1 };
    const hone_dataset set = { .type = &counting_class, .state = &c };
    hone_loader *loader = loader_of(&set, (hone_loader_options){ .batch_size = 4, .workers = 2 });
    hone_batch b;
    cr_assert(hone_loader_next(loader, &b));
    const pid_t child = fork();
    if (child == 0) {
        alarm(30);
        const bool told = !hone_loader_next(loader, &b) && hone_error_code() == HONE_E_STATE &&
                          strstr(hone_error_message(), "fork") != NULL &&
                          hone_loader_set_epoch(loader, 3) == HONE_E_STATE;
        hone_loader_free(loader);
        _exit(told ? 0 : 1);
    }
    int status;
    cr_assert(waitpid(child, &status, 0) == child && status == 0, "%d", status);
    cr_assert(hone_loader_next(loader, &b) && b.index == 1);
    hone_loader_free(loader);
}

Test(workers, ended_at_any_time)
{
    counting c = { .n = 1000, .bad = -1, .slow = true };
    const hone_dataset set = { .type = &counting_class, .state = &c };
    for (int i = 0; i < 4; i++) {
        hone_loader *loader =
            loader_of(&set, (hone_loader_options){ .batch_size = 16, .workers = 3 });
        hone_batch b;
        for (int k = 0; k < i; k++)
            cr_assert(hone_loader_next(loader, &b));
        hone_loader_free(loader);
    }
}

Test(workers, calls_that_make_no_sense)
{
    counting c = { .n = 40, .bad = -1 };
    const hone_dataset set = { .type = &counting_class, .state = &c };
    CHECK_FAILS(hone_loader_new(&set, &(hone_loader_options){ .workers = -1 }), HONE_E_VALUE,
                "loader: -1 workers");
    CHECK_FAILS(
        hone_loader_new(&set, &(hone_loader_options){ .batch_size = 4, .rank = 2, .ranks = 2 }),
        HONE_E_VALUE, "loader: rank 2 of 2");
    CHECK_FAILS(hone_loader_new(&set, &(hone_loader_options){ .batch_size = 4, .ranks = 5 }),
                HONE_E_VALUE, "batches of 4 samples for 5 ranks");
}
