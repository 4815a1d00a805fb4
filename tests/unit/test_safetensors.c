#include "files.h"
#include "support.h"

#include <hone/io.h>
#include <hone/ops.h>

#include <string.h>

SUITE_WITH_FILES(safetensors);

/* ---- round trips */

Test(safetensors, every_dtype_and_shape_comes_back)
{
    hone_named in[] = {
        { "f32", T(HONE_F32, (2, 2), 1, -2, 0.5, 4) },
        { "bool", T(HONE_BOOL, (3), 1, 0, 1) },
        { "f64", T(HONE_F64, (1, 1, 2), 1e300, -0.0) },
        { "a \"name\"\\ with \xc3\xa9\n", T0(HONE_I64, -5) },
        { "empty", T_EMPTY(HONE_F32, 3, 0, 2) },
        { "u8", T(HONE_U8, (1), 200) },
        { "i32", T(HONE_I32, (2), -7, 7) },
        { "turned", test_transposed(T(HONE_F32, (2, 3), 1, 2, 3, 4, 5, 6), 0, 1) },
    };
    const int n = sizeof in / sizeof *in;
    hone_metadata meta[] = { { "key", "value" }, { "\t", "" } };
    const char *path = test_path("t");
    CHECK_OK(
        hone_safetensors_save(path, (hone_named_list){ in, n }, &(hone_metadata_list){ meta, 2 }));
    hone_metadata_list metadata;
    const hone_named_list out = hone_safetensors_load(path, &metadata);
    cr_assert(out.n == n, "%s", hone_error_message());
    for (int i = 0; i < n; i++) {
        int same = 0;
        for (int k = 0; k < n; k++)
            same += strcmp(in[i].name, out.at[k].name) == 0 &&
                    hone_equal(in[i].tensor, out.at[k].tensor);
        cr_assert(same == 1, "%s", in[i].name);
    }
    cr_assert(metadata.n == 2);
    cr_assert_str_eq(metadata.at[0].value, "value");
    cr_assert_str_eq(metadata.at[1].key, "\t");
}

Test(safetensors, no_tensors_at_all)
{
    hone_named none;
    CHECK_OK(hone_safetensors_save(test_path("t"), (hone_named_list){ &none, 0 }, NULL));
    const hone_named_list out = hone_safetensors_load(test_path("t"), NULL);
    cr_assert(out.at && out.n == 0);
}

Test(safetensors, names_that_can_not_be)
{
    hone_tensor *x = T(HONE_F32, (1), 1);
    const char *path = test_path("t");
    hone_named twice[] = { { "a", x }, { "b", x }, { "a", x } };
    CHECK_FAILS(hone_safetensors_save(path, (hone_named_list){ twice, 3 }, NULL), HONE_E_VALUE,
                "\"a\" is there twice");
    static const char *const names[] = { "", "\xff", "\xc0\x80", "\xed\xa0\x80", "__metadata__" };
    for (int i = 0; i < 5; i++) {
        hone_named one = { names[i], x };
        CHECK_FAILS(hone_safetensors_save(path, (hone_named_list){ &one, 1 }, NULL), HONE_E_VALUE,
                    "can't be a name");
    }
    hone_named null = { "a", NULL };
    CHECK_FAILS(hone_safetensors_save(path, (hone_named_list){ &null, 1 }, NULL), HONE_E_NULL,
                "safetensors_save");
    CHECK_FAILS(hone_safetensors_save(path, (hone_named_list){ NULL, 0 }, NULL), HONE_E_NULL,
                "safetensors_save");
    cr_assert(test_dir_count() == 0);
}

/* ---- files that are wrong */

static const char *write_file(const char *header, int64_t header_bytes, size_t data_bytes)
{
    static char file[4096];
    const size_t n = strlen(header);
    cr_assert(8 + n + data_bytes <= sizeof file);
    memset(file, 0, sizeof file);
    memcpy(file, &header_bytes, 8);
    memcpy(file + 8, header, n);
    return test_write("t", file, 8 + n + data_bytes);
}

static void check_bad(const char *header, size_t data_bytes, hone_status code, const char *text)
{
    const char *path = write_file(header, (int64_t)strlen(header), data_bytes);
    CHECK_FAILS(hone_safetensors_load(path, NULL).at, code, text);
}

static void check_good(const char *header, size_t data_bytes)
{
    const char *path = write_file(header, (int64_t)strlen(header), data_bytes);
    cr_assert(hone_safetensors_load(path, NULL).at, "%s: %s", header, hone_error_message());
}

#define ONE(rest) "{\"a\":{" rest "}}"
#define F32(shape, begin, end)                                                                     \
    "{\"dtype\":\"F32\",\"shape\":[" shape "],\"data_offsets\":[" begin "," end "]}"

Test(safetensors, headers_that_are_fine)
{
    check_good("{}", 0);
    check_good("{ }  ", 0);
    check_good("{\"a\":" F32("2", "0", "8") "}", 8);
    check_good(
        "{ \"a\" : { \"data_offsets\" : [ 0 , 8 ] , \"shape\" : [ 2 ] , \"dtype\" : \"F32\" } }\n ",
        8);
    check_good("{\"b\":" F32("1", "4", "8") ",\"a\":" F32("", "0", "4") "}", 8);
    check_good("{\"a\":" F32("0,7,9", "0", "0") "}", 0);
    check_good("{\"__metadata__\":{},\"\\u00e9\\ud83d\\ude00\\n\":" F32("1", "0", "4") "}", 4);
    check_good("{\"d\":" F32("0", "4", "4") ",\"e\":" F32("1", "0", "4") "}", 4);
}

Test(safetensors, lengths_that_do_not_fit)
{
    CHECK_FAILS(hone_safetensors_load(test_write("t", "abc", 3), NULL).at, HONE_E_FORMAT,
                "shorter than 8 bytes");
    CHECK_FAILS(hone_safetensors_load(write_file("{}", 3, 0), NULL).at, HONE_E_FORMAT, "length");
    CHECK_FAILS(hone_safetensors_load(write_file("{}", INT64_MAX, 0), NULL).at, HONE_E_FORMAT,
                "length");
    CHECK_FAILS(hone_safetensors_load(write_file("{}", -1, 0), NULL).at, HONE_E_FORMAT, "length");
    CHECK_FAILS(hone_safetensors_load(write_file("{}", 0, 0), NULL).at, HONE_E_FORMAT, "length");
    check_bad("{\"a\":" F32("2", "0", "8") "}", 7, HONE_E_FORMAT, "truncated");
    check_bad("{\"a\":" F32("2", "0", "8") "}", 9, HONE_E_FORMAT, "bytes after its last tensor");
    check_bad("{}", 1, HONE_E_FORMAT, "bytes after");
}

Test(safetensors, offsets_that_do_not_fit)
{
    check_bad("{\"a\":" F32("2", "0", "4") "}", 4, HONE_E_FORMAT, "don't fit its shape");
    check_bad("{\"a\":" F32("2", "8", "0") "}", 8, HONE_E_FORMAT, "don't fit its shape");
    check_bad("{\"a\":" F32("1", "4", "8") "}", 8, HONE_E_FORMAT, "follows a gap");
    check_bad("{\"a\":" F32("2", "0", "8") ",\"b\":" F32("1", "4", "8") "}", 8, HONE_E_FORMAT,
              "\"b\" overlaps");
    check_bad("{\"a\":" F32("1", "0", "4") ",\"b\":" F32("1", "0", "4") "}", 4, HONE_E_FORMAT,
              "\"b\" overlaps");
    check_bad("{\"a\":" F32("1", "0", "4") ",\"b\":" F32("1", "8", "12") "}", 12, HONE_E_FORMAT,
              "\"b\" follows a gap");
    check_bad("{\"a\":" F32("4294967296,4294967296", "0", "0") "}", 0, HONE_E_FORMAT, "too large");
    check_bad("{\"a\":" F32("1", "0", "99999999999999999999") "}", 4, HONE_E_FORMAT,
              "a number is too large");
    check_bad("{\"a\":" F32("1,1,1,1,1,1,1,1,1", "0", "4") "}", 4, HONE_E_FORMAT, "8 dims");
}

Test(safetensors, entries_that_are_wrong)
{
    check_bad("{\"a\":" F32("1", "0", "4") ",\"a\":" F32("1", "4", "8") "}", 8, HONE_E_FORMAT,
              "\"a\" is there twice");
    check_bad(ONE("\"dtype\":\"F32\",\"shape\":[1]"), 4, HONE_E_FORMAT, "lacks");
    check_bad(ONE("\"dtype\":\"F32\",\"dtype\":\"F32\""), 4, HONE_E_FORMAT, "repeated field");
    check_bad(ONE("\"dtipe\":\"F32\""), 4, HONE_E_FORMAT, "unknown or repeated field");
    check_bad(ONE("\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]"), 4, HONE_E_DTYPE,
              "\"a\" has dtype BF16");
    check_bad(ONE("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]"), 4, HONE_E_FORMAT,
              "hasn't two");
    check_bad(ONE("\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]"), 4, HONE_E_FORMAT,
              "number");
    check_bad(ONE("\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]"), 4, HONE_E_FORMAT,
              "comma");
    check_bad(ONE("\"dtype\":\"F32\",\"shape\":[01],\"data_offsets\":[0,4]"), 4, HONE_E_FORMAT,
              "number");
    check_bad("{\"__metadata__\":{\"a\":1}}", 0, HONE_E_FORMAT, "a string is missing");
    check_bad("{\"__metadata__\":{\"a\":\"b\"},\"__metadata__\":{\"a\":\"b\"}}", 0, HONE_E_FORMAT,
              "metadata is there twice");
}

Test(safetensors, text_that_is_no_json)
{
    static const char *const headers[] = {
        "[]",
        "  {}",
        "{",
        "}",
        "{}}",
        "{} x",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1}",
        "{\"a\":{}",
        "{,}",
        "{\"a\":[]}",
        "{\"a",
        "{\"a\\",
        "{\"\\x\":1}",
        "{\"\\u12",
        "{\"\\ud800\"",
        "{\"\\udc00\"",
        "{\"\\u0000\"",
        "{\"\x01\"",
        "{\"\xff\"",
        "{\"\xc3",
        "{'a':1}",
        "{\"\\ud800\\u0041\"",
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        check_bad(headers[i], 0, HONE_E_FORMAT, "no valid safetensors file");
}

/* Every prefix of a good file, and every single changed byte, gives an error or a list; never a
 * crash or a leak. */
Test(safetensors, damaged_files_never_crash)
{
    hone_named in[] = { { "a\n", T(HONE_F32, (2), 1, 2) }, { "b", T(HONE_BOOL, (1), 1) } };
    hone_metadata meta = { "k", "v" };
    size_t n;
    CHECK_OK(hone_safetensors_save(test_path("t"), (hone_named_list){ in, 2 },
                                   &(hone_metadata_list){ &meta, 1 }));
    char *file = test_read(test_path("t"), &n);
    for (size_t length = 0; length < n; length++) {
        HONE_SCOPE();
        cr_assert(!hone_safetensors_load(test_write("u", file, length), NULL).at);
        hone_error_clear();
    }
    for (size_t i = 0; i < n; i++) {
        static const char values[] = { 0, '"', '}', '9', (char)0xff };
        for (size_t v = 0; v < sizeof values; v++) {
            HONE_SCOPE();
            const char was = file[i];
            file[i] = values[v];
            hone_safetensors_load(test_write("u", file, n), NULL);
            hone_error_clear();
            file[i] = was;
        }
    }
    free(file);
}

Test(safetensors, bool_bytes_are_checked)
{
    const char *header = "{\"a\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[0,1]}}";
    char file[200] = { 0 };
    const int64_t n = (int64_t)strlen(header);
    memcpy(file, &n, 8);
    strcpy(file + 8, header);
    file[8 + n] = 2;
    CHECK_FAILS(hone_safetensors_load(test_write("t", file, (size_t)n + 9), NULL).at, HONE_E_FORMAT,
                "not 0 or 1");
}

static bool save_and_load(void)
{
    HONE_SCOPE();
    hone_tensor *t = hone_ones(HONE_F32, 2, 2);
    hone_named in[] = { { "a", t } };
    hone_metadata meta = { "k", "v" };
    hone_metadata_list metadata;
    return t &&
           hone_safetensors_save(test_path("t"), (hone_named_list){ in, 1 },
                                 &(hone_metadata_list){ &meta, 1 }) == HONE_OK &&
           hone_safetensors_load(test_path("t"), &metadata).at;
}

Test(safetensors, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(save_and_load);
}
