/* npy: headers that numpy's own reader takes and refuses; writing; mapping. */
#include "files.h"
#include "support.h"

#include <hone/files.h>
#include <hone/ops.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

SUITE_WITH_FILES(npy);

enum { DATA = 24 };
static const float six[6] = { 1, 2, 3, 4, 5, 6 };

/* A file of version `major` with that header, as it stands, and `bytes` of six. */
static const char *npy(int major, const char *header, size_t bytes)
{
    static char file[4096];
    const size_t n = strlen(header), before = major == 1 ? 10 : 12;
    memset(file, 0, sizeof file);
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (char)major;
    file[8] = (char)(n & 0xFF);
    file[9] = (char)(n >> 8);
    memcpy(file + before, header, n);
    memcpy(file + before + n, six, bytes);
    return test_write("x.npy", file, before + n + bytes);
}

#define HEADER(descr, order, shape)                                                                \
    "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }"

static void check_six(const char *header)
{
    for (int major = 1; major <= 3; major++) {
        hone_tensor *t = hone_npy_load(npy(major, header, DATA));
        cr_assert(t, "%s", hone_error_message());
        CHECK_VALUES(t, HONE_F32, (2, 3), 1, 2, 3, 4, 5, 6);
    }
}

Test(npy, headers_that_numpy_takes)
{
    static const char *const headers[] = {
        HEADER("<f4", "False", "(2, 3)"),
        HEADER("<f4", "False", "(2, 3)") "    \n",
        "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (2, 3)}",
        "{'shape': (2, 3,), 'fortran_order': False, 'descr': 'f4'}",
        "{'shape':(2L,3L),'fortran_order':False,'descr':'=f4'}",
        "  { # a comment with '}\n 'descr' : '|f4' ,\n\t'fortran_order' : False, 'shape' : ( 2 , 3 "
        ") }",
        HEADER("float32", "False", "(2, 3)"),
        HEADER("f", "False", "(2, 3)"),
        HEADER("single", "False", "(2, 3)"),
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        check_six(headers[i]);
    hone_tensor *t = hone_npy_load(npy(1, HEADER("<f4", "True", "(2, 3)"), DATA));
    CHECK_VALUES(t, HONE_F32, (2, 3), 1, 3, 5, 2, 4, 6);
    t = hone_npy_load(npy(1, HEADER("<f4", "False", "(5,)"), DATA)); /* a trailing number */
    CHECK_VALUES(t, HONE_F32, (5), 1, 2, 3, 4, 5);
    t = hone_npy_load(npy(1, HEADER("<f4", "False", "()"), DATA));
    CHECK_VALUE0(t, HONE_F32, 1);
    cr_assert(hone_size(hone_npy_load(npy(1, HEADER("<f4", "True", "(3, 0)"), 0)), 0) == 3);
}

Test(npy, headers_that_numpy_refuses)
{
    static const struct {
        const char *header, *says;
    } bad[] = {
        { HEADER("<f4", "False", "[2, 3]"), "a shape that is no tuple" },
        { HEADER("<f4", "False", "(6)"), "a shape that is a number, no tuple" },
        { HEADER("<f4", "False", "(2 3)"), "commas" },
        { HEADER("<f4", "False", "(-2, 3)"), "no tuple of numbers" },
        { HEADER("<f4", "False", "(2.0, 3)"), "commas" },
        { HEADER("<f4", "False", "(4611686018427387904, 4)"), "too large" },
        { HEADER("<f4", "False", "(99999999999999999999,)"), "too large" },
        { HEADER("<f4", "False", "(2305843009213693952,)"), "too large" },
        { HEADER("<f4", "0", "(2, 3)"), "neither True nor False" },
        { HEADER("<f4", "False", "(2, 4)"), "is truncated: 32 bytes of data, of which 24 are" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'x': 1}", "has keys other" },
        { "{'descr': '<f4', 'shape': (2, 3)}", "lacks" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} 1", "goes on after" },
        { "{'descr': '<f4' 'fortran_order': False, 'shape': (2, 3)}", "no dict that hone can" },
        { "{'descr': '<f4", "a text that hone can't read" },
        { "{'descr': [('x', '<f4'", "without end" },
        { "{'descr': 3}", "a descr that is no text" },
        { "['descr']", "is no dict" },
        { "", "is no dict" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_FAILS(hone_npy_load(npy(1, bad[i].header, DATA)), HONE_E_FORMAT, bad[i].says);
}

Test(npy, what_is_no_npy)
{
    CHECK_FAILS(hone_npy_load(test_write("x", "", 0)), HONE_E_FORMAT, "doesn't begin as one");
    CHECK_FAILS(hone_npy_load(test_write("x", "\x93NUMPY\x01\x01\x02\x00{}", 12)), HONE_E_FORMAT,
                "its version is 1.1, and there are 1.0, 2.0 and 3.0");
    CHECK_FAILS(hone_npy_load(test_write("x", "\x93NUMPY\x04\x00\x02\x00{}", 12)), HONE_E_FORMAT,
                "its version is 4.0");
    CHECK_FAILS(hone_npy_load(test_write("x", "\x93NUMPY\x01\x00\x62\x00{}", 12)), HONE_E_FORMAT,
                "truncated");
    CHECK_FAILS(hone_npy_load(test_write("x", "\x93NUMPY\x02\x00\x02\x00\x00", 11)), HONE_E_FORMAT,
                "truncated");
    CHECK_FAILS(hone_npy_load(test_write("x", "\x93NUMPY\x02\x00\xff\xff\xff\xff{}", 14)),
                HONE_E_FORMAT, "its header is 4294967295 bytes long");
    CHECK_FAILS(hone_npy_load(NULL), HONE_E_NULL, "npy_load: the path is NULL");
    CHECK_FAILS(hone_npy_load("/nowhere/x.npy"), HONE_E_IO, "can't open /nowhere/x.npy");
}

/* ---- writing */

Test(npy, written_as_numpy_writes_it)
{
    const char *path = test_path("x.npy");
    CHECK_OK(hone_npy_save(path, T(HONE_F32, (2, 3), 1, 2, 3, 4, 5, 6)));
    size_t n;
    char *bytes = test_read(path, &n);
    static const char header[] =
        "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    cr_assert(n == 128 + DATA && memcmp(bytes, header, sizeof header - 1) == 0);
    cr_assert(bytes[127] == '\n' && bytes[126] == ' ' && memcmp(bytes + 128, six, DATA) == 0);
    free(bytes);
    CHECK_OK(hone_npy_save(path, T0(HONE_BOOL, 1)));
    bytes = test_read(path, &n);
    cr_assert(strstr(bytes + 10, "'|b1'") && strstr(bytes + 10, "'shape': (), }"));
    free(bytes);
    CHECK_OK(hone_npy_save(path, T(HONE_I64, (1), 7)));
    bytes = test_read(path, &n);
    cr_assert(strstr(bytes + 10, "'<i8'") && strstr(bytes + 10, "'shape': (1,), }"));
    free(bytes);
}

Test(npy, every_dtype_and_shape_comes_back)
{
    hone_tensor *all[] = { T(HONE_F32, (2, 2), 1, -2, 0.5, 4),
                           T(HONE_F64, (1, 1, 2), 1e300, -0.0),
                           T0(HONE_I64, -5),
                           T(HONE_I32, (2), -7, 7),
                           T(HONE_U8, (1), 200),
                           T(HONE_BOOL, (3), 1, 0, 1),
                           T_EMPTY(HONE_F32, 3, 0, 2),
                           test_transposed(T(HONE_F32, (2, 3), 1, 2, 3, 4, 5, 6), 0, 1) };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK_OK(hone_npy_save(test_path("x.npy"), all[i]));
        cr_assert(hone_equal(hone_npy_load(test_path("x.npy")), all[i]));
        cr_assert(hone_equal(hone_npy_map(test_path("x.npy")), all[i]));
    }
    CHECK_FAILS(hone_npy_save(test_path("x.npy"), NULL), HONE_E_NULL, "npy_save");
    CHECK_FAILS(hone_npy_save(NULL, all[0]), HONE_E_NULL, "npy_save: the path is NULL");
}

Test(npy, one_array_by_the_names_ending)
{
    hone_named two[] = { { "a", T0(HONE_F32, 1) }, { "b", T0(HONE_F32, 2) } };
    CHECK_FAILS(hone_file_save(test_path("x.npy"), (hone_named_list){ two, 2 }), HONE_E_VALUE,
                "an npy file has one array, not 2");
    CHECK_OK(hone_file_save_with(test_path("x.npy"), (hone_named_list){ two, 1 },
                                 &(hone_file_save_options){ .floats = "F16" }));
    CHECK_VALUE0(hone_npy_load_with(test_path("x.npy"), &(hone_file_options){ .convert = true }),
                 HONE_F32, 1);
    CHECK_FAILS(hone_file_save_with(test_path("x.npy"), (hone_named_list){ two, 1 },
                                    &(hone_file_save_options){ .floats = "BF16" }),
                HONE_E_DTYPE, "file_save: numpy has no BF16");
    CHECK_FAILS(hone_file_save_with(test_path("x.npy"), (hone_named_list){ two, 1 },
                                    &(hone_file_save_options){ .floats = "F8" }),
                HONE_E_VALUE, "floats are stored as F16, BF16, F32 or F64, not as \"F8\"");
    CHECK_FAILS(hone_file_save(test_path("x.bin"), (hone_named_list){ two, 1 }), HONE_E_VALUE,
                "the name's ending tells the format");
}

/* ---- mapping */

Test(npy, what_is_written_to_a_mapping_stays_in_memory)
{
    const char *path = npy(1, HEADER("<f4", "False", "(2, 3)"), DATA);
    hone_tensor *t = hone_npy_map(path);
    cr_assert(t);
    hone_fill_(t, 7);
    CHECK_VALUES(t, HONE_F32, (2, 3), 7, 7, 7, 7, 7, 7);
    CHECK_VALUES(hone_npy_load(path), HONE_F32, (2, 3), 1, 2, 3, 4, 5, 6);
}

Test(npy, what_can_not_be_mapped)
{
    CHECK_FAILS(hone_npy_map(npy(1, HEADER(">f4", "False", "(2, 3)"), DATA)), HONE_E_DTYPE,
                "is big-endian F32 of 2 dims");
    CHECK_FAILS(hone_npy_map(npy(1, HEADER("<f2", "False", "(2, 3)"), DATA)), HONE_E_DTYPE,
                "can't be mapped");
    /* data at an odd place are read */
    CHECK_VALUES(hone_npy_map(npy(1, HEADER("<f4", "False", "(2, 3)") " ", DATA)), HONE_F32, (2, 3),
                 1, 2, 3, 4, 5, 6);
}
