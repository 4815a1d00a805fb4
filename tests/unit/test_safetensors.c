#include "files.h"
#include "support.h"

#include <hone/io.h>
#include <hone/ops.h>

#include <math.h>
#include <stdlib.h>
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
    static const char *const names[] = { "\xff", "\xc0\x80", "\xed\xa0\x80", "__metadata__" };
    for (int i = 0; i < 4; i++) {
        hone_named one = { names[i], x };
        CHECK_FAILS(hone_safetensors_save(path, (hone_named_list){ &one, 1 }, NULL), HONE_E_VALUE,
                    "can't be a name");
    }
    hone_metadata pairs[] = { { "a", "1" }, { "a", "2" } }, no_text = { "a", "\xff" };
    CHECK_FAILS(hone_safetensors_save(path, (hone_named_list){ twice, 1 },
                                      &(hone_metadata_list){ pairs, 2 }),
                HONE_E_VALUE, "\"a\" is there twice");
    CHECK_FAILS(hone_safetensors_save(path, (hone_named_list){ twice, 1 },
                                      &(hone_metadata_list){ &no_text, 1 }),
                HONE_E_VALUE, "the metadata \"a\" is no UTF-8 text");
    hone_named null = { "a", NULL };
    CHECK_FAILS(hone_safetensors_save(path, (hone_named_list){ &null, 1 }, NULL), HONE_E_NULL,
                "safetensors_save");
    CHECK_FAILS(hone_safetensors_save(path, (hone_named_list){ NULL, 0 }, NULL), HONE_E_NULL,
                "safetensors_save");
    cr_assert(test_dir_count() == 0);
}

/* What the reader takes the writer takes too. */
Test(safetensors, empty_names_come_back)
{
    hone_named in[] = { { "", T(HONE_F32, (1), 7) } };
    hone_metadata meta[] = { { "", "" }, { "__metadata__", "x" } };
    CHECK_OK(hone_safetensors_save(test_path("t"), (hone_named_list){ in, 1 },
                                   &(hone_metadata_list){ meta, 2 }));
    hone_metadata_list metadata;
    const hone_named_list out = hone_safetensors_load(test_path("t"), &metadata);
    cr_assert(out.n == 1 && metadata.n == 2, "%s", hone_error_message());
    cr_assert_str_eq(out.at[0].name, "");
    CHECK_VALUES(out.at[0].tensor, HONE_F32, (1), 7);
    cr_assert_str_eq(metadata.at[1].key, "__metadata__");
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
#define ONE_BEGIN "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":"
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
    check_good(" \n\t\r{\"a\":" F32("1", "0", "4") "}\r", 4);
}

/* What the format's own reader, safetensors 0.8.0, takes although it never writes it. */
Test(safetensors, headers_that_others_may_write)
{
    check_good(ONE("\"dtype\":\"F32\",\"shape\":[1],\"x\":1,\"data_offsets\":[0,4],\"x\":2"), 4);
    check_good(ONE("\"x\":[{\"y\":null,\"z\":[true,false,[],{}]},-1.5e+3,0,\"\\n\",2E-7,-0.25],"
                   "\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]"),
               4);
    check_good("{\"a\":[\"F32\",[1],[0,4]]}", 4);
    check_good("{\"__metadata__\":null,\"a\":" F32("1", "0", "4") "}", 4);
    check_bad("{\"a\":[\"F32\",[1],[0,4],5]}", 4, HONE_E_FORMAT, "has more than dtype");
    check_bad("{\"a\":[\"F32\",[1]]}", 4, HONE_E_FORMAT, "lacks");
    check_bad("{\"__metadata__\":null,\"__metadata__\":{}}", 0, HONE_E_FORMAT, "there twice");
    check_bad("{\"__metadata__\":{},\"__metadata__\":{}}", 0, HONE_E_FORMAT, "there twice");
    check_bad("{\"__metadata__\":nil}", 0, HONE_E_FORMAT, "value");
    static const char *const values[] = { "",   "+1",  "01", "1.",   ".5",  "1e",      "nul",
                                          "[1", "[1,", "[,", "[1,]", "{1}", "{\"a\"}", "'a'" };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char header[100];
        snprintf(header, sizeof header, ONE("\"x\":%s"), values[i]);
        check_bad(header, 0, HONE_E_FORMAT, "no valid safetensors file");
    }
}

static void check_depth(int depth, bool good)
{
    char header[700] = ONE_BEGIN;
    memset(header + strlen(header), '[', (size_t)depth);
    memset(header + strlen(header), ']', (size_t)depth);
    strcat(header, "}}");
    if (good)
        check_good(header, 4);
    else
        check_bad(header, 4, HONE_E_FORMAT, "nested too deeply");
}

Test(safetensors, fields_that_are_nested_deeply)
{
    check_depth(120, true);
    check_depth(200, false);
}

Test(safetensors, what_is_there_twice_counts_as_the_last_says)
{
    check_good(
        "{\"__metadata__\":{\"a\":\"1\",\"b\":\"2\",\"a\":\"3\",\"c\":\"4\",\"a\":\"5\"},"
        "\"x\":" F32("7", "3", "4") ",\"y\":" F32("1", "4", "8") ",\"x\":" F32("1", "0", "4") "}",
        8);
    hone_metadata_list metadata;
    hone_named_list list = hone_safetensors_load(test_path("t"), &metadata);
    cr_assert(list.n == 2 && metadata.n == 3, "%s", hone_error_message());
    cr_assert_str_eq(list.at[0].name, "x");
    static const char *const wanted[] = { "b", "2", "c", "4", "a", "5" };
    for (int i = 0; i < 3; i++) {
        cr_assert_str_eq(metadata.at[i].key, wanted[2 * i]);
        cr_assert_str_eq(metadata.at[i].value, wanted[2 * i + 1]);
    }
    CHECK_OK(hone_safetensors_save(test_path("u"), list, &metadata));
    check_bad("{\"a\":" F32("1", "0", "4") ",\"a\":" F32("1", "4", "8") "}", 8, HONE_E_FORMAT,
              "\"a\" follows a gap");
}

/* ---- the length of a header: 100,000,000 bytes, as the format's own reader has it */

/* A header of so many bytes, all but the first two blanks. */
static const char *write_long_header(int64_t bytes)
{
    char *file = malloc((size_t)bytes + 8);
    cr_assert(file);
    memset(file, ' ', (size_t)bytes + 8);
    memcpy(file, &bytes, 8);
    memcpy(file + 8, "{}", 2);
    const char *path = test_write("t", file, (size_t)bytes + 8);
    free(file);
    return path;
}

Test(safetensors, the_longest_header_that_is_read)
{
    cr_assert(hone_safetensors_load(write_long_header(100000000), NULL).at, "%s",
              hone_error_message());
    CHECK_FAILS(hone_safetensors_load(write_long_header(100000001), NULL).at, HONE_E_FORMAT,
                "past the format's 100000000 bytes");
}

Test(safetensors, the_longest_header_that_is_written)
{
    static const char frame[] = "{\"__metadata__\":{\"k\":\"\"}}";
    const size_t most = 100000000 - strlen(frame);
    char *value = malloc(most + 2);
    cr_assert(value);
    memset(value, 'x', most + 1);
    value[most + 1] = 0;
    hone_named none;
    hone_metadata meta = { "k", value };
    const hone_metadata_list metadata = { &meta, 1 };
    CHECK_FAILS(hone_safetensors_save(test_path("t"), (hone_named_list){ &none, 0 }, &metadata),
                HONE_E_VALUE, "room for 100000000");
    cr_assert(test_dir_count() == 0);
    value[most] = 0;
    CHECK_OK(hone_safetensors_save(test_path("t"), (hone_named_list){ &none, 0 }, &metadata));
    free(value);
    hone_metadata_list read;
    cr_assert(hone_safetensors_load(test_path("t"), &read).at, "%s", hone_error_message());
    cr_assert(read.n == 1 && strlen(read.at[0].value) == most);
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
}

Test(safetensors, entries_that_are_wrong)
{
    check_bad(ONE("\"dtype\":\"F32\",\"shape\":[1]"), 4, HONE_E_FORMAT, "lacks");
    check_bad(ONE("\"dtype\":\"F32\",\"dtype\":\"F32\""), 4, HONE_E_FORMAT, "repeated field");
    check_bad(ONE("\"dtipe\":\"F32\""), 4, HONE_E_FORMAT, "lacks");
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

/* ---- what is valid but not hone's: listed, and refused when it is asked for */

#define ENTRY(name, dtype, shape, begin, end)                                                      \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" begin "," end \
    "]}"

static hone_safetensors *open_bytes(const char *header, const void *data, size_t data_bytes)
{
    char file[4096];
    const int64_t n = (int64_t)strlen(header);
    cr_assert(8 + (size_t)n + data_bytes <= sizeof file);
    memcpy(file, &n, 8);
    memcpy(file + 8, header, (size_t)n);
    memcpy(file + 8 + n, data, data_bytes);
    hone_safetensors *open =
        hone_safetensors_open(test_write("t", file, 8 + (size_t)n + data_bytes));
    cr_assert(open, "%s", hone_error_message());
    return open;
}

Test(safetensors, tensors_are_read_by_name)
{
    const char *header =
        "{\"__metadata__\":{\"k\":\"v\"}," ENTRY("f8", "F8_E4M3", "2,2", "0", "4") "," ENTRY(
            "deep", "F32", "1,1,1,1,1,1,1,1,1", "4",
            "8") "," ENTRY("x", "F32", "2", "8", "16") "," ENTRY("f4", "F4", "4", "16",
                                                                 "18") "," ENTRY("later", "F3", "5",
                                                                                 "18", "21") "}";
    char data[21] = { 0 };
    memcpy(data + 8, (float[2]){ 1.5f, -2 }, 8);
    hone_safetensors *file = open_bytes(header, data, sizeof data);
    const hone_safetensors_list list = hone_safetensors_entries(file);
    cr_assert(list.n == 5);
    const hone_safetensors_entry *e = list.at;
    cr_assert_str_eq(e[0].name, "f8");
    cr_assert_str_eq(e[0].dtype, "F8_E4M3");
    cr_assert(e[0].ndim == 2 && e[0].shape[0] == 2 && e[0].shape[1] == 2 && e[0].bytes == 4);
    cr_assert(e[1].ndim == 9 && e[1].shape[8] == 1);
    cr_assert_str_eq(e[3].dtype, "F4");
    cr_assert_str_eq(e[4].dtype, "F3");
    cr_assert(e[4].offset == 8 + (int64_t)strlen(header) + 18 && e[4].bytes == 3);
    cr_assert_str_eq(hone_safetensors_metadata(file).at[0].value, "v");

    CHECK_VALUES(hone_safetensors_read(file, "x"), HONE_F32, (2), 1.5, -2);
    CHECK_FAILS(hone_safetensors_read(file, "f8"), HONE_E_DTYPE, "safetensors_read: ");
    CHECK_FAILS(hone_safetensors_read(file, "f4"), HONE_E_DTYPE,
                "has dtype F4, hone has no dtype for it, and no library says how");
    CHECK_FAILS(hone_safetensors_read(file, "later"), HONE_E_DTYPE, "F3");
    CHECK_FAILS(hone_safetensors_read(file, "deep"), HONE_E_SHAPE,
                "\"deep\" has 9 dims, a tensor of hone 8 at most");
    CHECK_FAILS(hone_safetensors_read(file, "y"), HONE_E_INDEX, "has no tensor \"y\"");
    CHECK_FAILS(hone_safetensors_read(file, NULL), HONE_E_NULL, "safetensors_read");
    hone_safetensors_close(file);
    CHECK_FAILS(hone_safetensors_load(test_path("t"), NULL).at, HONE_E_DTYPE, "\"f8\"");

    hone_safetensors_close(NULL);
    CHECK_FAILS(hone_safetensors_open(NULL), HONE_E_NULL, "safetensors_open");
    CHECK_FAILS(hone_safetensors_open("/nowhere/x"), HONE_E_IO, "safetensors_open: can't open");
    CHECK_FAILS(hone_safetensors_read(NULL, "x"), HONE_E_NULL, "safetensors_read");
    CHECK_FAILS(hone_safetensors_entries(NULL).at, HONE_E_NULL, "safetensors_entries");
    CHECK_FAILS(hone_safetensors_metadata(NULL).at, HONE_E_NULL, "safetensors_metadata");
}

/* The sizes of all dtypes of the format; those below a byte must fill whole ones. */
Test(safetensors, dtypes_that_hone_lacks_are_checked_too)
{
    static const struct {
        const char *name;
        int bits;
    } all[] = {
        { "U64", 64 },    { "I64", 64 },    { "F64", 64 },    { "C64", 64 },        { "F32", 32 },
        { "U32", 32 },    { "I32", 32 },    { "BF16", 16 },   { "F16", 16 },        { "U16", 16 },
        { "I16", 16 },    { "I8", 8 },      { "U8", 8 },      { "F8_E5M2FNUZ", 8 }, { "F4", 4 },
        { "F8_E8M0", 8 }, { "F8_E4M3", 8 }, { "F8_E5M2", 8 }, { "F8_E4M3FNUZ", 8 }, { "BOOL", 8 },
        { "F6_E2M3", 6 }, { "F6_E3M2", 6 },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (int off = 0; off < 2; off++) {
            char header[200];
            const int bytes = all[i].bits + off; /* of 8 elements, or one byte more */
            snprintf(header, sizeof header, "{" ENTRY("a", "%s", "8", "0", "%d") "}", all[i].name,
                     bytes);
            const char *path = write_file(header, (int64_t)strlen(header), (size_t)bytes);
            hone_safetensors *file = hone_safetensors_open(path);
            cr_assert(off ? !file : file != NULL, "%s: %s", header, hone_error_message());
            hone_safetensors_close(file);
            hone_error_clear();
        }
    }
    check_bad("{" ENTRY("a", "F4", "3", "0", "2") "}", 2, HONE_E_FORMAT, "don't fit");
}

/* Valid, but C strings end at U+0000. */
Test(safetensors, texts_with_a_zero)
{
    check_bad("{\"a\\u0000b\":" F32("1", "0", "4") "}", 4, HONE_E_FORMAT, "hone can't read ");
    check_bad("{\"a\":" F32("0,18446744073709551615", "0", "0") "}", 0, HONE_E_FORMAT,
              "hone can't read ");
}

Test(safetensors, bool_bytes_above_1_are_true)
{
    hone_safetensors *file =
        open_bytes("{" ENTRY("a", "BOOL", "5", "0", "5") "}", "\0\1\2\x80\xff", 5);
    hone_tensor *a = hone_safetensors_read(file, "a");
    CHECK_VALUES(a, HONE_BOOL, (5), 0, 1, 1, 1, 1);
    uint8_t bytes[5];
    CHECK_OK(hone_copy_out(a, bytes, 5));
    cr_assert(memcmp(bytes, "\0\1\1\1\1", 5) == 0);
    hone_safetensors_close(file);
}

/* ---- floats of 16 bits */

static float f16_value(int bits)
{
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double size = exponent == 31  ? (fraction ? NAN : INFINITY)
                        : exponent == 0 ? ldexp(fraction, -24)
                                        : ldexp(1024 + fraction, exponent - 25);
    return (float)(bits & 0x8000 ? -size : size);
}

static float bf16_value(int bits)
{
    const int exponent = bits >> 7 & 255, fraction = bits & 127;
    const double size = exponent == 255 ? (fraction ? NAN : INFINITY)
                        : exponent == 0 ? ldexp(fraction, -133)
                                        : ldexp(128 + fraction, exponent - 134);
    return (float)(bits & 0x8000 ? -size : size);
}

Test(safetensors, halves_become_f32_exactly)
{
    static uint16_t halves[2][65536];
    static float got[2][65536];
    hone_named_list list;
    const char *header = "{" ENTRY("f16", "F16", "65536", "0", "131072") "," ENTRY(
        "bf16", "BF16", "65536", "131072", "262144") "}";
    static char file[8 + 200 + sizeof halves];
    const int64_t n = (int64_t)strlen(header);
    for (int i = 0; i < 65536; i++)
        halves[0][i] = halves[1][i] = (uint16_t)i;
    memcpy(file, &n, 8);
    memcpy(file + 8, header, (size_t)n);
    memcpy(file + 8 + n, halves, sizeof halves);
    const char *path = test_write("t", file, 8 + (size_t)n + sizeof halves);
    CHECK_FAILS(hone_safetensors_load(path, NULL).at, HONE_E_DTYPE,
                "\"f16\" has dtype F16, which is read as f32 if the option convert asks for it");
    list =
        hone_safetensors_load_with(path, NULL, &(hone_safetensors_options){ .half_to_f32 = true });
    cr_assert(list.n == 2, "%s", hone_error_message());
    for (int k = 0; k < 2; k++) {
        cr_assert(hone_dtype_of(list.at[k].tensor) == HONE_F32);
        CHECK_OK(hone_copy_out(list.at[k].tensor, got[k], sizeof got[k]));
        for (int i = 0; i < 65536; i++) {
            const float wanted = k == 0 ? f16_value(i) : bf16_value(i);
            cr_assert(wanted != wanted ? got[k][i] != got[k][i]
                                       : memcmp(&wanted, &got[k][i], sizeof wanted) == 0,
                      "%s %04x: %a, not %a", list.at[k].name, (unsigned)i, (double)got[k][i],
                      (double)wanted);
        }
    }
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

static bool open_and_read(void)
{
    HONE_SCOPE();
    hone_safetensors *file = hone_safetensors_open(test_path("t"));
    const bool ok = file && hone_safetensors_read(file, "a");
    hone_safetensors_close(file);
    return ok;
}

Test(safetensors, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(save_and_load);
    test_each_allocation_fails(open_and_read);
}
