/* What is done to pictures on their way into a batch. */
#include "support.h"

#include "data/transform.h"
#include "runtime/memory.h"

#include <hone/data.h>
#include <hone/ops.h>
#include <hone/pictures.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

SUITE(transform);

/* Pictures whose pixels are all different, [n, 3, h, w] or [n, h, w]. */
static hone_dataset counting(int64_t n, int channels, int64_t h, int64_t w)
{
    hone_dataset set;
    hone_tensor *x = channels == 1 ? hone_empty(HONE_U8, n, h, w)
                                   : hone_empty(HONE_U8, n, (int64_t)channels, h, w);
    uint8_t *p = hone_data(x);
    for (int64_t i = 0; i < hone_numel(x); i++)
        p[i] = (uint8_t)(i * 37 + i / 256);
    CHECK_OK(hone_dataset_from(x, hone_arange(HONE_I64, 0, (double)n, 1), &set));
    return set;
}

static hone_dataset with(const hone_dataset *set, const char *list, hone_transform_options o)
{
    hone_dataset out;
    CHECK_OK(hone_dataset_transformed(set, list, &o, &out));
    return out;
}

/* Sample i in an epoch, as a tensor. */
static hone_tensor *sample(const hone_dataset *set, int64_t i, int64_t epoch)
{
    hone_sample_layout l;
    CHECK_OK(hone_dataset_layout(set, i, &l));
    const hone_sample_field *f = &l.field[0];
    int64_t dims[4] = { HONE_END_DIM, HONE_END_DIM, HONE_END_DIM, HONE_END_DIM };
    memcpy(dims, f->shape, (size_t)f->ndim * sizeof *dims);
    hone_tensor *x = test_tensor_empty(f->dtype, dims);
    char rest[64];
    CHECK_OK(hone_dataset_read(set, &(hone_sample_place){ i, epoch, 11 },
                               (void *const[]){ hone_data(x), rest }));
    return x;
}

static hone_tensor *transformed(const hone_dataset *set, const char *list, int64_t i, int64_t epoch)
{
    hone_dataset out = with(set, list, (hone_transform_options){ .n_classes = 10 });
    hone_tensor *x = sample(&out, i, epoch);
    hone_dataset_free(&out);
    return x;
}

/* ---- what each step does */

Test(transform, float_divides_by_255)
{
    hone_dataset set = counting(1, 1, 16, 16);
    hone_tensor *x = transformed(&set, "float", 0, 0), *bytes = hone_select(set.x, 0, 0);
    cr_assert(test_same_bits(x, hone_div_scalar(hone_to(bytes, HONE_F32), 255)));
    hone_tensor *y = transformed(&set, "normalize:0.4,0.3", 0, 0);
    for (int i = 0; i < 16; i++) {
        const float v = (float)hone_at(bytes, i, 5) / 255.0f;
        cr_assert((float)hone_at(y, i, 5) == (v - 0.4f) / 0.3f);
    }
    hone_dataset_free(&set);
}

Test(transform, each_channel_has_its_mean)
{
    hone_dataset set = counting(1, 3, 4, 4);
    hone_tensor *y = transformed(&set, "normalize:0.1/0.2/0.3,1/2/4", 0, 0);
    const float mean[] = { 0.1f, 0.2f, 0.3f }, std[] = { 1, 2, 4 };
    for (int c = 0; c < 3; c++)
        cr_assert((float)hone_at(y, c, 2, 1) ==
                  ((float)hone_at(set.x, 0, c, 2, 1) / 255.0f - mean[c]) / std[c]);
    hone_dataset_free(&set);
}

/* Half of the samples, whichever; the other way round, or as they are. */
Test(transform, flips_flip_half)
{
    hone_dataset set = counting(200, 3, 4, 5);
    const char *const lists[] = { "flip", "vflip" };
    for (int k = 0; k < 2; k++) {
        hone_dataset out = with(&set, lists[k], (hone_transform_options){ 0 });
        int flipped = 0, changed = 0;
        for (int i = 0; i < 200; i++) {
            HONE_SCOPE();
            hone_tensor *x = sample(&out, i, 0), *was = hone_select(set.x, 0, i);
            hone_tensor *turned = hone_flip(was, k == 0 ? 2 : 1);
            const bool is = test_same_bits(x, turned);
            cr_assert(is || test_same_bits(x, hone_contiguous(was)));
            flipped += is;
            changed += is != test_same_bits(sample(&out, i, 1), turned);
        }
        cr_assert(flipped > 65 && flipped < 135, "%d", flipped);
        cr_assert(changed > 65 && changed < 135, "%d", changed);
        hone_dataset_free(&out);
    }
    cr_assert(test_same_bits(transformed(&set, "flip:0", 3, 0),
                             hone_contiguous(hone_select(set.x, 0, 3))));
    hone_dataset_free(&set);
}

Test(transform, crops_lie_inside_of_the_padded_picture)
{
    hone_dataset set = counting(50, 1, 6, 7);
    hone_dataset out = with(&set, "crop:5,6,padding=2,fill=9", (hone_transform_options){ 0 });
    hone_tensor *padded = hone_full(HONE_U8, 9, 10, 11);
    bool seen[6][6] = { { false } };
    for (int i = 0; i < 50; i++)
        for (int e = 0; e < 6; e++) {
            HONE_SCOPE();
            hone_copy_(hone_slice(hone_slice(padded, 0, 2, 8, 1), 1, 2, 9, 1),
                       hone_select(set.x, 0, i));
            hone_tensor *x = sample(&out, i, e);
            int found = 0;
            for (int r = 0; r < 6; r++)
                for (int c = 0; c < 6; c++)
                    if (hone_equal(
                            x, hone_slice(hone_slice(padded, 0, r, r + 5, 1), 1, c, c + 6, 1))) {
                        seen[r][c] = true;
                        found++;
                    }
            cr_assert(found >= 1, "%s", hone_error_message());
        }
    for (int r = 0; r < 6; r++)
        for (int c = 0; c < 6; c++)
            cr_assert(seen[r][c], "never %d, %d", r, c);
    hone_dataset_free(&out);
    hone_dataset_free(&set);
}

/* torchvision's CenterCrop: half of what is too much, halves to even; less is padded. */
Test(transform, center_crop_rounds_half_to_even)
{
    static const int cases[][3] = {
        { 5, 2, 2 }, { 3, 2, 0 }, { 7, 4, 2 }, { 9, 4, 2 }, { 6, 4, 1 }
    };
    for (int i = 0; i < 5; i++) {
        HONE_SCOPE();
        hone_dataset set = counting(1, 1, 4, cases[i][0]);
        char list[40];
        snprintf(list, sizeof list, "center_crop:4,%d", cases[i][1]);
        hone_tensor *x = transformed(&set, list, 0, 0), *was = hone_select(set.x, 0, 0);
        cr_assert(hone_equal(x, hone_slice(was, 1, cases[i][2], cases[i][2] + cases[i][1], 1)));
        hone_dataset_free(&set);
    }
    hone_dataset set = counting(1, 1, 2, 2);
    hone_tensor *x = transformed(&set, "center_crop:5", 0, 0);
    cr_assert(hone_at(x, 1, 1) == hone_at(set.x, 0, 0, 0) && hone_at(x, 0, 0) == 0 &&
              hone_item(hone_sum(hone_to(x, HONE_I64))) ==
                  hone_item(hone_sum(hone_to(set.x, HONE_I64))));
    hone_dataset_free(&set);
}

Test(transform, resize_keeps_the_aspect_without_a_width)
{
    hone_dataset set = counting(1, 3, 30, 47);
    hone_tensor *x = transformed(&set, "resize:20", 0, 0),
                *y = transformed(&set, "resize:20,31", 0, 0);
    cr_assert(hone_size(x, 1) == 20 && hone_size(x, 2) == 31 && test_same_bits(x, y));
    cr_assert(test_same_bits(transformed(&set, "resize:9,8,filter=bicubic", 0, 0),
                             hone_picture_resize(hone_select(set.x, 0, 0), 9, 8, HONE_BICUBIC)));
    hone_dataset_free(&set);
}

Test(transform, resized_crops_vary_and_fit)
{
    hone_dataset set = counting(30, 3, 20, 24);
    hone_dataset out = with(&set, "resized_crop:8", (hone_transform_options){ 0 });
    for (int i = 0; i < 30; i++) {
        HONE_SCOPE();
        hone_tensor *x = sample(&out, i, 0);
        cr_assert(hone_size(x, 1) == 8 && hone_size(x, 2) == 8);
        cr_assert(!test_same_bits(x, sample(&out, i, 1)));
    }
    hone_dataset_free(&out);
    cr_assert(test_same_bits(transformed(&set, "resized_crop:8,9,scale=1/1,ratio=1.2/1.2", 0, 0),
                             hone_picture_resize(hone_select(set.x, 0, 0), 8, 9, HONE_BILINEAR)));
    hone_dataset_free(&set);
}

/* A turn's middle stays, whole shifts only move. */
Test(transform, affine_maps)
{
    hone_dataset set = counting(40, 1, 9, 9);
    for (int i = 0; i < 40; i++) {
        HONE_SCOPE();
        hone_tensor *x = transformed(&set, "rotate:180,fill=3", i, 0);
        cr_assert(hone_at(x, 4, 4) == hone_at(set.x, i, 4, 4));
        hone_tensor *y = transformed(&set, "affine:0,0.3", i, 0), *was = hone_select(set.x, 0, i);
        int found = 0;
        for (int dy = -3; dy <= 3; dy++)
            for (int dx = -3; dx <= 3; dx++) {
                bool same = true;
                for (int r = 0; r < 9; r++)
                    for (int c = 0; c < 9; c++) {
                        const bool in = r - dy >= 0 && r - dy < 9 && c - dx >= 0 && c - dx < 9;
                        same &= hone_at(y, r, c) == (in ? hone_at(was, r - dy, c - dx) : 0);
                    }
                found += same;
            }
        cr_assert(found == 1, "sample %d: %d", i, found);
    }
    hone_dataset_free(&set);
}

Test(transform, cutout_cuts_a_square)
{
    hone_dataset set;
    CHECK_OK(hone_dataset_from(hone_full(HONE_U8, 200, 60, 12, 12), HONE_NONE, &set));
    for (int i = 0; i < 60; i++) {
        HONE_SCOPE();
        hone_tensor *holes = hone_eq_scalar(transformed(&set, "cutout:6,fill=7", i, 0), 7);
        const double n = hone_item(hone_sum(holes));
        cr_assert(n >= 9 && n <= 36, "%g", n); /* its middle is inside */
        hone_tensor *x = transformed(&set, "normalize:0.5,0.25+cutout:6,fill=-7.5", i, 0);
        cr_assert(hone_item(hone_sum(hone_eq_scalar(x, -7.5))) >= 9);
    }
    hone_dataset_free(&set);
}

Test(transform, jitter_stays_within_its_range)
{
    hone_dataset set;
    CHECK_OK(hone_dataset_from(hone_full(HONE_U8, 100, 50, 3, 2, 2), HONE_NONE, &set));
    double least = 255, most = 0;
    for (int i = 0; i < 50; i++) {
        HONE_SCOPE();
        const double v = hone_at(transformed(&set, "jitter:0.2", i, 0), 0, 0, 0);
        least = v < least ? v : least;
        most = v > most ? v : most;
    }
    cr_assert(least >= 80 && least < 87 && most <= 120 && most > 113, "%g %g", least, most);
    hone_dataset_free(&set);
}

/* x is a blend of two, y says of which classes; Beta(alpha, alpha) has its mean and variance. */
Test(transform, mixup_blends_two_samples)
{
    enum { N = 400 };
    hone_dataset set, out;
    hone_tensor *x = hone_empty(HONE_U8, (int64_t)N, 1, 1, 1),
                *y = hone_empty(HONE_I64, (int64_t)N);
    for (int i = 0; i < N; i++) {
        ((uint8_t *)hone_data(x))[i] = (uint8_t)(51 * (i % 5));
        ((int64_t *)hone_data(y))[i] = i % 5;
    }
    CHECK_OK(hone_dataset_from(x, y, &set));
    const double alphas[] = { 0.2, 1, 2 };
    for (int k = 0; k < 3; k++) {
        char list[40];
        snprintf(list, sizeof list, "mixup:%g", alphas[k]);
        CHECK_OK(hone_dataset_transformed(&set, list, &(hone_transform_options){ .n_classes = 5 },
                                          &out));
        double sum = 0, squares = 0;
        int n = 0, same = 0;
        for (int i = 0; i < N; i++) {
            float got, share[5];
            CHECK_OK(hone_dataset_read(&out, &(hone_sample_place){ i, 3, 5 },
                                       (void *const[]){ &got, share }));
            float all = 0, blend = 0;
            for (int c = 0; c < 5; c++) {
                cr_assert(share[c] >= 0 && share[c] <= 1);
                all += share[c];
                blend += share[c] * 51 * (float)c / 255;
            }
            cr_assert(fabsf(all - 1) < 1e-6f && fabsf(blend - got) < 1e-6f);
            if (share[i % 5] == 1) {
                same++;
                continue;
            }
            sum += share[i % 5];
            squares += (double)share[i % 5] * share[i % 5];
            n++;
        }
        const double mean = sum / n, variance = squares / n - mean * mean;
        const double wanted = 1 / (4 * (2 * alphas[k] + 1));
        cr_assert(fabs(mean - 0.5) < 5 * sqrt(wanted / n), "%g: mean %g", alphas[k], mean);
        cr_assert(fabs(variance - wanted) < 0.25 * wanted, "%g: variance %g", alphas[k], variance);
        cr_assert(same > 40 && same < 160, "%d", same); /* of the same class: a fifth */
        hone_dataset_free(&out);
    }
    hone_dataset_free(&set);
}

/* ---- all of them */

static const char *const every =
    "resize:20,filter=bicubic+resized_crop:18+crop:16,padding=2+flip+vflip+rotate:30+"
    "affine:10,0.1/0.2,0.9/"
    "1.1,8,5+jitter:0.3,0.3,0.3,0.2+cutout:4+normalize:0.5,0.25+cutout:3,fill=1";

/* The same bytes on every machine, compiler and instruction set; they change only when somebody wants
 * them to. */
Test(transform, have_always_the_same_bits)
{
    hone_dataset set = counting(40, 3, 22, 25),
                 out = with(&set, every, (hone_transform_options){ 0 });
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (int i = 0; i < 40; i++) {
        HONE_SCOPE();
        const uint8_t *p = hone_data(sample(&out, i, 2));
        for (int k = 0; k < 3 * 16 * 16 * 4; k++)
            h = (h ^ p[k]) * UINT64_C(0x100000001b3);
    }
    cr_assert(h == UINT64_C(0x200494bf1dbccfbc), "%#llx", (unsigned long long)h);
    hone_dataset_free(&out);
    hone_dataset_free(&set);
}

/* A sample's picture doesn't depend on the others, and the steps of a list don't change what others
 * draw. */
Test(transform, draws_by_seed_epoch_and_sample_alone)
{
    hone_dataset set = counting(9, 3, 22, 25), few = counting(5, 3, 22, 25);
    cr_assert(test_same_bits(transformed(&set, every, 3, 7), transformed(&few, every, 3, 7)));
    cr_assert(!test_same_bits(transformed(&set, every, 3, 7), transformed(&set, every, 3, 8)));
    cr_assert(test_same_bits(transformed(&set, "jitter:0+crop:9", 2, 1),
                             transformed(&set, "flip:0+crop:9", 2, 1)));
    hone_dataset_free(&set);
    hone_dataset_free(&few);
}

Test(transform, still_draws_nothing)
{
    hone_dataset set = counting(3, 3, 22, 25);
    hone_dataset out =
        with(&set, "resized_crop:14+flip+jitter:1+rotate:90+cutout:9+normalize:0,1+mixup",
             (hone_transform_options){ .still = true });
    hone_tensor *x = hone_picture_resize(hone_select(set.x, 0, 1), 16, 18, HONE_BILINEAR);
    x = hone_slice(hone_slice(x, 1, 1, 15, 1), 2, 2, 16, 1);
    cr_assert(test_same_bits(sample(&out, 1, 0),
                             hone_div_scalar(hone_to(hone_contiguous(x), HONE_F32), 255)));
    cr_assert(test_same_bits(sample(&out, 1, 0), sample(&out, 1, 5)));
    hone_sample_layout l;
    CHECK_OK(hone_dataset_layout(&out, -1, &l));
    cr_assert(l.field[1].dtype == HONE_I64 && l.field[1].ndim == 0);
    hone_dataset_free(&out);
    hone_dataset_free(&set);
}

/* ---- lists and sets that make no sense */

Test(transform, lists_that_make_no_sense)
{
    hone_dataset set = counting(3, 3, 22, 25), out;
    const struct {
        const char *list, *says;
    } lists[] = {
        { "crp:4", "crp:4: there is no such step; did you mean crop?" },
        { "zzz", "there is no such step, but resize, center_crop" },
        { "crop", "crop: its size is missing" },
        { "crop:0", "crop:0: size 0 (1 to 65500 is wanted)" },
        { "crop:4,5,6,7,8", "8 is one value too many" },
        { "crop:4,size=5", "size is given twice" },
        { "crop:4,sise=5", "it has no 'sise'" },
        { "crop:4/5", "size has more than 1 value" },
        { "flip:x", "p x (0 to 1 is wanted)" },
        { "flip:2", "p 2 (0 to 1 is wanted)" },
        { "flip:", NULL },
        { "resize:4,filter=box", "filter box (bilinear|bicubic|nearest is wanted)" },
        { "affine:5,scale=2/1", "scale goes from 2 down to 1" },
        { "normalize:1/2,3", "2 means, but 1 deviations" },
        { "normalize:0,0", "std 0 (1e-06 to 1e+06 is wanted)" },
        { "normalize:0,1+flip", "flip: it changes bytes, so it comes before float and normalize" },
        { "float+normalize:0,1", NULL },
        { "float+float", "before float" },
        { "mixup+flip", "mixup is the last step" },
        { "cutout:4,fill=-1", "a fill of -1 among bytes" },
        { "flip+", NULL },
        { "flip++flip", "there is no such step" },
        { "flip+flip+flip+flip+flip+flip+flip+flip+flip+flip+flip+flip+flip+flip+flip+flip",
          "at most 15 steps" },
        { "normalize:0.5/0.5,1/1", NULL },
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const hone_status status = hone_dataset_transformed(&set, lists[i].list, NULL, &out);
        if (lists[i].says)
            CHECK_FAILS(status, HONE_E_VALUE, lists[i].says);
        else
            hone_dataset_free(&out);
        hone_error_clear();
    }
    hone_dataset_free(&set);
}

Test(transform, sets_that_are_no_pictures)
{
    hone_dataset set, out;
    CHECK_OK(hone_dataset_from(hone_ones(HONE_F32, 2, 4, 4), HONE_NONE, &set));
    CHECK_FAILS(hone_dataset_transformed(&set, "flip", NULL, &out), HONE_E_DTYPE, "u8, not f32");
    hone_dataset_free(&set);
    CHECK_OK(hone_dataset_from(hone_ones(HONE_U8, 2, 2, 4, 4), HONE_NONE, &set));
    CHECK_FAILS(hone_dataset_transformed(&set, "flip", NULL, &out), HONE_E_SHAPE, "not [2, 4, 4]");
    hone_dataset_free(&set);
    static const int64_t others[][4] = { { 3, 0, 4 }, { 1, 4, 0 }, { 1, 1, 4, 4 }, { 0 } };
    for (int i = 0; i < 4; i++) { /* of no pixel; of 5 dims and 1 */
        const int n = i == 2 ? 4 : i == 3 ? 0 : 3;
        int64_t shape[6] = { 2 };
        memcpy(shape + 1, others[i], (size_t)n * sizeof *shape);
        shape[n + 1] = HONE_END_DIM;
        hone_tensor *x = hone_reshape_v(hone_zeros(HONE_U8, i < 2 ? 0 : i == 2 ? 32 : 2), shape);
        CHECK_OK(hone_dataset_from(x, hone_zeros(HONE_I64, 2), &set));
        CHECK_FAILS(hone_dataset_transformed(&set, "resize:4", NULL, &out), HONE_E_SHAPE,
                    i < 2 ? "pixels" : "pictures are");
        hone_dataset_free(&set);
    }
    CHECK_OK(hone_dataset_from(hone_ones(HONE_U8, 2, 4, 4), HONE_NONE, &set));
    CHECK_FAILS(hone_dataset_transformed(&set, "mixup", NULL, &out), HONE_E_DTYPE,
                "mixup wants one target");
    CHECK_OK(hone_dataset_transformed(&set, "crop:5", NULL, &out));
    hone_loader *loader = hone_loader_new(&out, NULL);
    hone_batch b;
    cr_assert(!hone_loader_next(loader, &b));
    CHECK_ERROR(HONE_E_SHAPE, "crop: a picture of 4 x 4 with a padding of 0 is smaller than 5 x 5");
    hone_loader_free(loader);
    hone_dataset_free(&out);
    hone_dataset_free(&set);
    set = counting(2, 1, 4, 4);
    CHECK_FAILS(hone_dataset_transformed(&set, "mixup", NULL, &out), HONE_E_VALUE,
                "how many classes");
    CHECK_OK(hone_dataset_transformed(&set, "normalize:0.5/0.5,1/1", NULL, &out));
    uint8_t room[256];
    CHECK_FAILS(hone_dataset_read(&out, &(hone_sample_place){ 0 }, (void *const[]){ room, room }),
                HONE_E_SHAPE, "2 means for a picture of 1 channel");
    hone_dataset_free(&out);
    hone_dataset_free(&set);
    CHECK_FAILS(hone_dataset_transformed(NULL, "flip", NULL, &out), HONE_E_NULL, "a data set");
}

static bool make_and_read(void)
{
    HONE_SCOPE();
    hone_dataset set, out = { 0 };
    char room[64], x[4 * 3 * 5 * 5];
    if (hone_dataset_pictures(HONE_TEST, 2, 0, &set) != HONE_OK)
        return false;
    const bool done = hone_dataset_transformed(&set, "resize:9,8+rotate:9+crop:5+normalize:0,1",
                                               NULL, &out) == HONE_OK &&
                      hone_dataset_read(&out, &(hone_sample_place){ 1, 0, 0 },
                                        (void *const[]){ x, room }) == HONE_OK;
    hone_dataset_free(&out);
    hone_dataset_free(&set);
    return done;
}

Test(transform, without_memory)
{
    test_each_allocation_fails(make_and_read);
}
