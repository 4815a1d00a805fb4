/* Picture files and folders of them: what is damaged, what is missing, what is asked for. */
#include "files.h"
#include "sha256.h"
#include "support.h"

#include "data/image_set.h"
#include "runtime/memory.h"

#include <hone/data.h>
#include <hone/ops.h>
#include <hone/pictures.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES HONE_SOURCE_DIR "/tests/pictures/files/"

#define NEEDS_PICTURES()                                                                           \
    if (!hone__image_reads("PNG") || !hone__image_reads("JPEG"))                                   \
    cr_skip_test("hone was built without libpng or libjpeg-turbo")

SUITE_WITH_FILES(images);

static char *golden(const char *name, size_t *n)
{
    char path[512];
    snprintf(path, sizeof path, FILES "%s", name);
    char *data = test_read(path, n);
    cr_assert(data, "%s", path);
    return data;
}

/* A golden file into the test's directory, with its length cut or a byte changed. */
static void put(const char *name, const char *golden_name, long cut, long at)
{
    size_t n;
    char *data = golden(golden_name, &n);
    if (at)
        data[at < 0 ? (long)n + at : at] ^= 0x55;
    test_write(name, data, cut < 0 ? n - (size_t)-cut : cut ? (size_t)cut : n);
    free(data);
}

static hone__image_state state_of(const char *data, size_t n)
{
    hone__image image = { 0 };
    hone__image_report report;
    cr_assert(hone__image_decode((const uint8_t *)data, n, 3, &image, &report));
    cr_assert((report.state == HONE__IMAGE_WHOLE) == (report.why[0] == 0), "%d: %s", report.state,
              report.why);
    hone__image_free(&image);
    return report.state;
}

/* ---- one file */

Test(images, a_file_that_lacks_its_end_marker_only_is_told_apart)
{
    NEEDS_PICTURES();
    static const char *const names[] = { "jpeg_2x2_baseline.jpg", "jpeg_2x2_progressive.jpg",
                                         "jpeg_grey.jpg",         "jpeg_arithmetic.jpg",
                                         "jpeg_cmyk_0.jpg",       "png_2_8.png",
                                         "png_3_4_adam7.png" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n;
        char *data = golden(names[i], &n);
        const bool png = strstr(names[i], "png") != NULL;
        cr_assert(state_of(data, n) == HONE__IMAGE_WHOLE, "%s", names[i]);
        /* what lacks in arithmetic coding counts as zeros, without a warning: nobody can tell */
        const bool arithmetic = strstr(names[i], "arithmetic") != NULL;
        cr_assert(state_of(data, n - (png ? 12 : 2)) ==
                      (arithmetic ? HONE__IMAGE_DAMAGED : HONE__IMAGE_NO_END),
                  "%s", names[i]);
        cr_assert(state_of(data, n - (png ? 40 : 20)) >= HONE__IMAGE_DAMAGED, "%s", names[i]);
        cr_assert(state_of(data, n / 2) >= HONE__IMAGE_DAMAGED, "%s", names[i]);
        cr_assert(state_of(data, 10) == HONE__IMAGE_NONE, "%s", names[i]);
        free(data);
    }
}

/* A progressive file that ends between two scans lacks more than its end. */
Test(images, a_progressive_file_that_ends_between_scans_is_damaged)
{
    NEEDS_PICTURES();
    size_t n, last = 0;
    char *data = golden("jpeg_2x2_progressive.jpg", &n);
    for (size_t i = 0; i + 1 < n; i++)
        if ((uint8_t)data[i] == 0xFF && (uint8_t)data[i + 1] == 0xDA)
            last = i;
    cr_assert(state_of(data, last) == HONE__IMAGE_DAMAGED);
    free(data);
}

Test(images, messages_name_the_file_and_what_is_wrong)
{
    NEEDS_PICTURES();
    put("cut.jpg", "jpeg_2x2_baseline.jpg", -100, 0);
    put("end.jpg", "jpeg_2x2_baseline.jpg", -2, 0);
    put("byte.png", "photo.png", 0, 2000);
    test_write("none.png", "GIF89a", 6);
    test_write("empty.jpg", "", 0);
    const struct {
        const char *name, *says;
    } files[] = { { "cut.jpg", "cut.jpg is damaged: Corrupt JPEG data: premature end" },
                  { "end.jpg", "end.jpg lacks its end marker, but no pixels" },
                  { "byte.png", "byte.png can't be read: " },
                  { "none.png", "none.png can't be read: it is neither PNG nor JPEG" },
                  { "empty.jpg", "empty.jpg can't be read: it is empty" } };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        CHECK_FAILS(hone_picture_read(test_path(files[i].name), NULL), HONE_E_FORMAT,
                    files[i].says);
    CHECK_FAILS(hone_picture_read(test_path("nowhere.png"), NULL), HONE_E_IO, "nowhere.png");
    CHECK_FAILS(hone_picture_read(test_path(""), NULL), HONE_E_IO, "it is no regular file");
    CHECK_FAILS(hone_picture_read(NULL, NULL), HONE_E_NULL, "picture_read");
    hone_tensor *x = hone_picture_read(test_path("cut.jpg"),
                                       &(hone_picture_options){ .damaged = HONE_DAMAGED_KEEP });
    cr_assert(x && hone_size(x, 0) == 3 && hone_size(x, 1) == 29 && hone_size(x, 2) == 37);
}

/* What is missing of a cut file is (128, 128, 128); a cut progressive one has the same pixels by every version
 * of libjpeg-turbo, as blocks aren't smoothed. */
Test(images, cut_files_that_are_kept)
{
    NEEDS_PICTURES();
    const hone_picture_options keep = { .damaged = HONE_DAMAGED_KEEP };
    put("cut.jpg", "jpeg_2x2_baseline.jpg", -300, 0);
    hone_tensor *x = hone_picture_read(test_path("cut.jpg"), &keep);
    for (int c = 0; c < 3; c++)
        cr_assert(x && hone_at(x, c, 28, 36) == 128);
    put("half.jpg", "jpeg_2x2_progressive.jpg", 700, 0);
    x = hone_picture_read(test_path("half.jpg"), &keep);
    char digest[65];
    sha256 sha = sha256_begin();
    sha256_add(&sha, hone_data(x), (size_t)hone_numel(x));
    sha256_end(&sha, digest);
    cr_assert_str_eq(digest, "55262d4fe258d6d454f832fe470e78aeb032fb2b76fa1bd48e2aecdb28269134");
}

/* Of changed bytes the format can't tell all, but those that put it out of step. */
Test(images, a_changed_byte_is_told)
{
    NEEDS_PICTURES();
    size_t n;
    int told = 0, tried = 0;
    char *data = golden("jpeg_restarts.jpg", &n);
    for (size_t at = n / 2; at < n - 2; at += 7, tried++) {
        data[at] ^= 0x55;
        told += state_of(data, n) >= HONE__IMAGE_DAMAGED;
        data[at] ^= 0x55;
    }
    cr_assert(told > tried / 5, "%d of %d", told, tried);
    free(data);
}

/* Sizes that would take all memory are refused before any is taken. */
Test(images, a_header_with_huge_extents)
{
    NEEDS_PICTURES();
    size_t n;
    char *jpeg = golden("jpeg_2x2_baseline.jpg", &n);
    for (size_t i = 2; i + 8 < n; i++)
        if ((uint8_t)jpeg[i] == 0xFF && (uint8_t)jpeg[i + 1] == 0xC0) {
            memcpy(jpeg + i + 5, "\xFF\xDC\xFF\xDC", 4);
            break;
        }
    test_write("huge.jpg", jpeg, n);
    free(jpeg);
    CHECK_FAILS(hone_picture_read(test_path("huge.jpg"), NULL), HONE_E_FORMAT,
                "more than 256 million pixels");
}

/* ---- the rules where guesses are wrong */

Test(images, sixteen_bits_become_their_high_byte_and_alpha_goes)
{
    NEEDS_PICTURES(); /* png_0_16 and the others stand in goldens.txt by that rule */
    hone_tensor *x = hone_picture_read(FILES "png_4_16.png", NULL);
    cr_assert(x && hone_size(x, 0) == 3);
    hone_tensor *grey =
        hone_picture_read(FILES "png_6_8.png", &(hone_picture_options){ .grey = true });
    hone_tensor *colour = hone_picture_read(FILES "png_6_8.png", NULL);
    cr_assert(grey && colour && hone_size(grey, 0) == 1);
    for (int i = 0; i < 9; i++)
        for (int k = 0; k < 11; k++) {
            const int r = (int)hone_at(colour, 0, i, k), g = (int)hone_at(colour, 1, i, k),
                      b = (int)hone_at(colour, 2, i, k);
            cr_assert((int)hone_at(grey, 0, i, k) ==
                      (19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
        }
}

Test(images, orientation_is_an_option)
{
    NEEDS_PICTURES();
    hone_tensor *as_it_is = hone_picture_read(FILES "exif_6.jpg", NULL);
    hone_tensor *upright =
        hone_picture_read(FILES "exif_6.jpg", &(hone_picture_options){ .upright = true });
    cr_assert(hone_size(as_it_is, 1) == 14 && hone_size(as_it_is, 2) == 19);
    cr_assert(hone_size(upright, 1) == 19 && hone_size(upright, 2) == 14);
    for (int y = 0; y < 19; y++)
        for (int x = 0; x < 14; x++)
            cr_assert(hone_at(upright, 1, y, x) == hone_at(as_it_is, 1, 13 - x, y));
}

/* ---- resizing one picture */

Test(images, the_nearest_pixel_goes_by_integers)
{
    hone_tensor *x = hone_reshape(hone_to(hone_arange(HONE_I64, 0, 32, 1), HONE_U8), 1, 1, 32);
    hone_tensor *y = hone_picture_resize(x, 1, 28, HONE_NEAREST_PIXEL);
    for (int i = 0; i < 28; i++) /* whole at i = 3, 10 ...: the pixel there, not the one before */
        cr_assert((int)hone_at(y, 0, 0, i) == (2 * i + 1) * 32 / 56);
    CHECK_FAILS(hone_picture_resize(x, 0, 28, HONE_BILINEAR), HONE_E_VALUE, "to 0 x 28");
    CHECK_FAILS(hone_picture_resize(hone_ones(HONE_F32, 3, 4, 4), 2, 2, HONE_BILINEAR),
                HONE_E_DTYPE, "not f32 [3, 4, 4]");
    CHECK_FAILS(hone_picture_resize(hone_ones(HONE_U8, 4, 4), 2, 2, HONE_BILINEAR), HONE_E_SHAPE,
                "u8 [4, 4]");
}

/* ---- folders */

static void make_folder(void)
{
    put("set/cat/a.png", "square.png", 0, 0);
    put("set/cat/b.JPG", "jpeg_16by17.jpg", 0, 0);
    put("set/cat/deep/c.png", "photo.png", 0, 0);
    put("set/dog/1.jpeg", "jpeg_grey.jpg", 0, 0);
    put("set/dog/2.jpg", "jpeg_2x2_baseline.jpg", 0, 0);
    test_write("set/dog/readme.txt", "x", 1);
    test_write("set/dog/.hidden.png", "x", 1);
    test_write("set/list.csv", "x", 1);
}

Test(images, a_folder_of_folders_is_a_set)
{
    NEEDS_PICTURES();
    make_folder();
    hone_dataset set;
    hone_sample_layout layout;
    CHECK_OK(hone_dataset_images(test_path("set"), NULL, &set));
    cr_assert(hone_dataset_size(&set) == 5 && hone_images_classes(&set) == 2 &&
              hone_images_skipped(&set) == 0);
    cr_assert_str_eq(hone_images_class(&set, 1), "dog");
    cr_assert(strstr(hone_images_file(&set, 2), "set/cat/deep/c.png"));
    CHECK_FAILS(hone_images_class(&set, 2), HONE_E_VALUE, "class 2 of 2");
    CHECK_FAILS(hone_images_file(&set, 5), HONE_E_VALUE, "sample 5 of 5");
    CHECK_OK(hone_dataset_layout(&set, -1, &layout));
    cr_assert(layout.field[0].shape[0] == 3 && layout.field[0].shape[1] == -1 &&
              layout.field[0].shape[2] == -1);
    CHECK_OK(hone_dataset_layout(&set, 1, &layout));
    cr_assert(layout.field[0].shape[1] == 17 && layout.field[0].shape[2] == 16);
    for (int64_t i = 0; i < 5; i++) {
        HONE_SCOPE();
        int64_t label;
        CHECK_OK(hone_dataset_layout(&set, i, &layout));
        hone_tensor *want = hone_picture_read(hone_images_file(&set, i), NULL);
        hone_tensor *got =
            hone_zeros(HONE_U8, 3, layout.field[0].shape[1], layout.field[0].shape[2]);
        CHECK_OK(hone_dataset_read(&set, &(hone_sample_place){ .index = i },
                                   (void *const[]){ hone_data(got), &label }));
        cr_assert(label == (i >= 3) && test_same_bits(got, want));
    }
    hone_loader *loader = hone_loader_new(&set, &(hone_loader_options){ .batch_size = 5 });
    hone_batch b;
    cr_assert(!hone_loader_next(loader, &b));
    CHECK_ERROR(HONE_E_SHAPE, "differ in their extents");
    hone_loader_free(loader);
    hone_dataset_free(&set);
}

Test(images, folders_that_are_no_set)
{
    NEEDS_PICTURES();
    hone_dataset set;
    const struct {
        const char *dir, *says;
    } folders[] = { { "no", "has no folders" },
                    { "empty", "no picture (.png, .jpg, .jpeg) in the folders of" },
                    { "one", "has one class, cat: at least two are wanted" },
                    { "gap", "the class b of" } };
    test_write("no/a.png", "x", 1);
    test_write("empty/a/readme.txt", "x", 1);
    test_write("empty/b/readme.txt", "x", 1);
    put("one/cat/a.png", "square.png", 0, 0);
    put("gap/a/a.png", "square.png", 0, 0);
    test_write("gap/b/readme.txt", "x", 1);
    put("gap/c/a.png", "square.png", 0, 0);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        CHECK_FAILS(hone_dataset_images(test_path(folders[i].dir), NULL, &set), HONE_E_FORMAT,
                    folders[i].says);
    CHECK_FAILS(hone_dataset_images(test_path("nowhere"), NULL, &set), HONE_E_IO, "nowhere");
    CHECK_FAILS(hone_dataset_images(test_path("no/a.png"), NULL, &set), HONE_E_IO, "no directory");
    CHECK_FAILS(hone_dataset_images(NULL, NULL, &set), HONE_E_NULL, "dataset_images");
    cr_assert(hone_images_classes(&(hone_dataset){ 0 }) == -1);
    CHECK_ERROR(HONE_E_VALUE, "isn't one of");
}

Test(images, damaged_files_are_refused_skipped_or_kept)
{
    NEEDS_PICTURES();
    make_folder();
    put("set/cat/b2.jpg", "jpeg_2x2_baseline.jpg", -100, 0);
    put("set/dog/3.jpg", "jpeg_2x2_baseline.jpg", -2, 0);
    put("set/dog/4.png", "photo.png", 1000, 0);
    hone_dataset set;
    uint8_t pixels[3 * 29 * 37];
    int64_t label;
    void *const out[] = { pixels, &label };

    CHECK_OK(hone_dataset_images(test_path("set"), NULL, &set));
    cr_assert(hone_dataset_size(&set) == 8);
    CHECK_FAILS(hone_dataset_read(&set, &(hone_sample_place){ .index = 2 }, out), HONE_E_FORMAT,
                "set/cat/b2.jpg is damaged");
    CHECK_FAILS(hone_dataset_read(&set, &(hone_sample_place){ .index = 6 }, out), HONE_E_FORMAT,
                "set/dog/3.jpg lacks its end marker");
    hone__images_survey survey;
    cr_assert(hone__images_look(&set, true, &survey));
    cr_assert(survey.damaged == 2 && survey.no_end == 1 && survey.grey == 1);
    cr_assert(strstr(survey.first_damaged, "b2.jpg is damaged"), "%s", survey.first_damaged);
    hone_dataset_free(&set);

    CHECK_OK(hone_dataset_images(test_path("set"),
                                 &(hone_picture_options){ .damaged = HONE_DAMAGED_SKIP }, &set));
    cr_assert(hone_dataset_size(&set) == 6 && hone_images_skipped(&set) == 2);
    CHECK_OK(hone_dataset_read(&set, &(hone_sample_place){ .index = 5 }, out)); /* 3.jpg */
    hone_dataset_free(&set);

    CHECK_OK(hone_dataset_images(test_path("set"),
                                 &(hone_picture_options){ .damaged = HONE_DAMAGED_KEEP }, &set));
    CHECK_OK(hone_dataset_read(&set, &(hone_sample_place){ .index = 2 }, out));
    CHECK_FAILS(hone_dataset_read(&set, &(hone_sample_place){ .index = 7 }, out), HONE_E_FORMAT,
                "set/dog/4.png can't be read");
    hone_dataset_free(&set);
}

/* In the middle of an epoch, by workers: the file is named. */
Test(images, a_damaged_file_among_many_surfaces)
{
    NEEDS_PICTURES();
    for (int i = 0; i < 40; i++) {
        char name[64];
        snprintf(name, sizeof name, "many/%s/%02d.jpg", i < 20 ? "a" : "b", i);
        put(name, "jpeg_2x2_baseline.jpg", i == 23 ? -60 : 0, 0);
    }
    hone_dataset set;
    CHECK_OK(hone_dataset_images(test_path("many"), NULL, &set));
    for (int workers = 0; workers < 4; workers++) {
        hone_loader *loader =
            hone_loader_new(&set, &(hone_loader_options){ .batch_size = 8, .workers = workers });
        hone_batch b;
        int batches = 0;
        while (hone_loader_next(loader, &b))
            batches++;
        cr_assert(batches == 2, "%d", batches);
        CHECK_ERROR(HONE_E_FORMAT, "many/b/23.jpg is damaged");
        hone_loader_free(loader);
    }
    hone_dataset_free(&set);
}

/* The batch has room for the extents that all files had. */
Test(images, a_file_that_was_replaced_is_told)
{
    NEEDS_PICTURES();
    hone_dataset set;
    hone_sample_layout layout;
    const int64_t index[] = { 0, 1 };
    put("same/a/x.png", "png_2_8.png", 0, 0);
    put("same/b/y.png", "png_2_8.png", 0, 0);
    CHECK_OK(hone_dataset_images(test_path("same"), NULL, &set));
    CHECK_OK(hone_dataset_layout(&set, -1, &layout));
    put("same/b/y.png", "photo.png", 0, 0);
    CHECK_FAILS(hone_dataset_batch(&set, index, 2).at, HONE_E_FORMAT, "y.png is ");
    hone_dataset_free(&set);
}
