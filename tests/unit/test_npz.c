/* npz: what hone writes, and archives that are damaged. */
#include "files.h"
#include "support.h"

#include <hone/files.h>
#include <hone/io.h>
#include <hone/nn.h>
#include <hone/ops.h>

#include <stdlib.h>
#include <string.h>

SUITE_WITH_FILES(npz);

#ifdef HONE_HAS_LIBZIP

static void save_two(const char *path)
{
    hone_named two[] = { { "w", T(HONE_F32, (2, 3), 1, 2, 3, 4, 5, 6) },
                         { "a/b", T0(HONE_I64, -5) } };
    CHECK_OK(hone_file_save(path, (hone_named_list){ two, 2 }));
}

Test(npz, comes_back_in_its_order)
{
    save_two(test_path("x.npz"));
    hone_metadata_list metadata;
    const hone_named_list list = hone_file_load(test_path("x.npz"), &metadata);
    cr_assert(list.n == 2 && metadata.n == 0, "%s", hone_error_message());
    cr_assert_str_eq(list.at[0].name, "w");
    CHECK_VALUES(list.at[0].tensor, HONE_F32, (2, 3), 1, 2, 3, 4, 5, 6);
    cr_assert_str_eq(list.at[1].name, "a/b");
    CHECK_VALUE0(list.at[1].tensor, HONE_I64, -5);
    CHECK_OK(hone_file_save(test_path("none.npz"), (hone_named_list){ list.at, 0 }));
    cr_assert(hone_file_load(test_path("none.npz"), NULL).at);
}

Test(npz, the_same_arrays_give_the_same_bytes)
{
    size_t n1, n2;
    save_two(test_path("1.npz"));
    save_two(test_path("2.npz"));
    char *one = test_read(test_path("1.npz"), &n1), *two = test_read(test_path("2.npz"), &n2);
    cr_assert(n1 == n2 && memcmp(one, two, n1) == 0);
    cr_assert(one[8] == 0 && one[10] == 0 && one[11] == 0 && one[12] == 0x21 && one[13] == 0,
              "stored, at midnight of 1980-01-01");
    free(one);
    free(two);
}

Test(npz, a_name_twice)
{
    hone_named two[] = { { "a", T0(HONE_F32, 1) }, { "a", T0(HONE_F32, 2) } };
    CHECK_FAILS(hone_file_save(test_path("x.npz"), (hone_named_list){ two, 2 }), HONE_E_VALUE,
                "the name \"a\" is there twice");
    CHECK_FAILS(hone_file_save(test_path("x.npz"), (hone_named_list){ NULL, 0 }), HONE_E_NULL,
                "file_save");
    CHECK_FAILS(hone_file_save("/nowhere/x.npz", (hone_named_list){ two, 1 }), HONE_E_IO,
                "file_save: can't write /nowhere/x.npz");
}

/* Readers differ in which of the two they take. */
Test(npz, two_members_of_one_name)
{
    size_t n;
    hone_named two[] = { { "w", T0(HONE_F32, 1) }, { "v", T0(HONE_F32, 2) } };
    CHECK_OK(hone_file_save(test_path("x.npz"), (hone_named_list){ two, 2 }));
    char *bytes = test_read(test_path("x.npz"), &n);
    for (size_t i = 0; i + 5 <= n; i++)
        if (memcmp(bytes + i, "v.npy", 5) == 0)
            bytes[i] = 'w';
    CHECK_FAILS(hone_file_load(test_write("y.npz", bytes, n), NULL).at, HONE_E_FORMAT,
                "y.npz is no valid npz file: it has two members called \"w.npy\"");
    free(bytes);
}

/* Cut anywhere it is an error; one byte of the data changed, the checksum tells. */
Test(npz, damaged)
{
    size_t n;
    save_two(test_path("x.npz"));
    char *bytes = test_read(test_path("x.npz"), &n);
    for (size_t cut = 0; cut < n; cut += 7)
        CHECK_FAILS(hone_file_load(test_write("cut.npz", bytes, cut), NULL).at, HONE_E_FORMAT,
                    "cut.npz");
    char *value = memmem(bytes, n, "\0\0\x80\x3f", 4);
    cr_assert(value);
    value[3] = 0x40;
    CHECK_FAILS(hone_file_load(test_write("bad.npz", bytes, n), NULL).at, HONE_E_FORMAT,
                "\"w.npy\": CRC error");
    free(bytes);
}

/* What is read in parts, since it is rounded, is looked at as a whole. */
Test(npz, damaged_and_rounded)
{
    size_t n;
    hone_module *half = hone_nn_linear(1031, 3301);
    hone_named two[] = { { "weight", hone_randn(HONE_F32, 3301, 1031) },
                         { "bias", hone_randn(HONE_F32, 3301) } };
    const hone_state_options round = { .layout = HONE_LAYOUT_OUT_IN, .round = true };
    CHECK_OK(hone_module_to(half, HONE_BF16));
    CHECK_OK(hone_file_save(test_path("x.npz"), (hone_named_list){ two, 2 }));
    CHECK_OK(hone_load_state_with(half, test_path("x.npz"), &round));
    char *bytes = test_read(test_path("x.npz"), &n);
    for (size_t at = n / 8; at < n; at += n / 3) {
        bytes[at] ^= 1;
        CHECK_FAILS(hone_load_state_with(half, test_write("bad.npz", bytes, n), &round),
                    HONE_E_FORMAT, "CRC error");
        bytes[at] ^= 1;
    }
    free(bytes);
    hone_module_free(half);
}

static bool load(void)
{
    HONE_SCOPE();
    return hone_file_load(test_path("x.npz"), NULL).at;
}

Test(npz, each_allocation_fails)
{
    save_two(test_path("x.npz"));
    test_each_allocation_fails(load);
}

#else

Test(npz, needs_libzip)
{
    hone_named one = { "a", T0(HONE_F32, 1) };
    CHECK_FAILS(hone_file_save(test_path("x.npz"), (hone_named_list){ &one, 1 }), HONE_E_CONFIG,
                "built without libzip");
}

#endif
