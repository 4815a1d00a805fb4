/* Files that numpy, safetensors, PyTorch and gguf have written (make_files_golden.py). */
#include "files.h"
#include "support.h"

#include <hone/files.h>
#include <hone/ops.h>

#include <math.h>
#include <string.h>

SUITE(golden_files);

#define FILES HONE_SOURCE_DIR "/tests/golden/files/"

static const hone_file_options convert = { .convert = true };

/* What the generator puts into element i of a tensor with such a dtype in the file. */
static double value(const char *dtype, int64_t i)
{
    if (strcmp(dtype, "BOOL") == 0)
        return (double)(i % 2);
    if (strcmp(dtype, "F8_E8M0") == 0)
        return ldexp(1, (int)i - 2);
    if (dtype[0] == 'U')
        return (double)i;
    return dtype[0] == 'I' ? (double)(i - 2) : (double)(i - 2) / 2;
}

static const hone_file_entry *entry(const hone_file *f, const char *name)
{
    const hone_file_list list = hone_file_entries(f);
    for (int i = 0; i < list.n; i++)
        if (strcmp(list.at[i].name, name) == 0)
            return &list.at[i];
    cr_assert_fail("no %s", name);
    return NULL;
}

/* Dtype in the file, dtype that it becomes, shape, and the generator's values. */
static void check(const hone_file *f, const char *name, const char *dtype, hone_dtype becomes,
                  int ndim, const int64_t *shape)
{
    const hone_file_entry *e = entry(f, name);
    cr_assert_str_eq(e->dtype, dtype, "%s: %s", name, e->dtype);
    hone_tensor *t = hone_file_read_with(f, name, &convert);
    cr_assert(t, "%s", hone_error_message());
    cr_assert(hone_dtype_of(t) == becomes && hone_dim(t) == ndim && e->ndim == ndim, "%s", name);
    for (int d = 0; d < ndim; d++)
        cr_assert(hone_size(t, d) == shape[d] && e->shape[d] == shape[d], "%s", name);
    hone_tensor *flat = hone_reshape(t, -1);
    for (int64_t i = 0; i < hone_numel(t); i++)
        cr_assert(hone_at(flat, i) == value(dtype, i), "%s[%d]: %g", name, (int)i,
                  hone_at(flat, i));
}
#define CHECK(f, name, dtype, becomes, ...)                                                        \
    check(f, name, dtype, becomes, sizeof((int64_t[]){ 0, __VA_ARGS__ }) / 8 - 1,                  \
          (int64_t[]){ 0, __VA_ARGS__ } + 1)

static hone_file *open_golden(const char *name)
{
    char path[300];
    snprintf(path, sizeof path, FILES "%s", name);
    hone_file *f = hone_file_open(path);
    cr_assert(f, "%s", hone_error_message());
    return f;
}

/* ---- numpy */

#ifdef HONE_HAS_LIBZIP
static const struct {
    const char *name, *dtype;
    hone_dtype becomes;
} numpy_dtypes[] = {
    { "f2", "F16", HONE_F32 },       { "f4", "F32", HONE_F32 },    { "f8", "F64", HONE_F64 },
    { "i1", "I8", HONE_I32 },        { "i2", "I16", HONE_I32 },    { "i4", "I32", HONE_I32 },
    { "i8", "I64", HONE_I64 },       { "u1", "U8", HONE_U8 },      { "u2", "U16", HONE_I32 },
    { "u4", "U32", HONE_I64 },       { "u8", "U64", HONE_I64 },    { "b1", "BOOL", HONE_BOOL },
    { "be_f2", "F16", HONE_F32 },    { "be_f4", "F32", HONE_F32 }, { "be_f8", "F64", HONE_F64 },
    { "be_i2", "I16", HONE_I32 },    { "be_i4", "I32", HONE_I32 }, { "be_i8", "I64", HONE_I64 },
    { "be_u2", "U16", HONE_I32 },    { "be_u4", "U32", HONE_I64 }, { "be_u8", "U64", HONE_I64 },
    { "e5m2", "F8_E5M2", HONE_F32 },
};

Test(golden_files, numpy_dtypes)
{
    hone_file *f = open_golden("numpy.npz");
    cr_assert_str_eq(hone_file_format(f), "npz");
    for (size_t i = 0; i < sizeof numpy_dtypes / sizeof *numpy_dtypes; i++) {
        const int one = strcmp(numpy_dtypes[i].name, "e5m2") == 0; /* it has one dim */
        check(f, numpy_dtypes[i].name, numpy_dtypes[i].dtype, numpy_dtypes[i].becomes, 2 - one,
              one ? (int64_t[]){ 6 } : (int64_t[]){ 2, 3 });
    }
    hone_file_close(f);
}

Test(golden_files, numpy_orders_and_shapes)
{
    hone_file *f = open_golden("numpy.npz");
    CHECK(f, "fortran", "F32", HONE_F32, 2, 3, 4);
    CHECK(f, "be_fortran", "I32", HONE_I32, 3, 2);
    CHECK(f, "one_row", "F32", HONE_F32, 1, 5);
    CHECK(f, "zero_d", "F64", HONE_F64);
    CHECK(f, "empty", "F32", HONE_F32, 3, 0, 2);
    hone_file_close(f);
}

Test(golden_files, numpy_that_hone_refuses_by_name)
{
    hone_file *f = open_golden("numpy.npz");
    static const struct {
        const char *name, *says;
    } refused[] = {
        { "c8", "\"c8\" has dtype C64, hone has no complex numbers" },
        { "text", "has dtype <U2, which hone doesn't have" },
        { "objects", "holds Python objects" },
        { "struct", "holds structs" },
        { "bf16", "has dtype V2, two bytes that numpy doesn't name, as it writes bfloat16" },
        { "e4m3", "has dtype V1, a byte" },
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        CHECK_FAILS(hone_file_read_with(f, refused[i].name, &convert), HONE_E_DTYPE,
                    refused[i].says);
    CHECK_FAILS(hone_file_read_with(f, "deep", &convert), HONE_E_SHAPE, "has 9 dims");
    CHECK_FAILS(hone_file_read_with(f, "large_u8", &convert), HONE_E_VALUE,
                "\"large_u8\" is U64 with a value that i64 hasn't");
    CHECK_FAILS(hone_file_read(f, "i1"), HONE_E_DTYPE,
                "has dtype I8, which is read as i32 if the option convert asks for it");
    hone_file_close(f);
}

Test(golden_files, numpy_bytes_whose_dtype_the_user_says)
{
    hone_file_options o = { .void_dtype = "BF16", .convert = true };
    hone_file *f = hone_file_open_with(FILES "numpy.npz", &o);
    cr_assert(f);
    CHECK(f, "bf16", "BF16", HONE_F32, 6);
    CHECK_FAILS(hone_file_read_with(f, "e4m3", &o), HONE_E_DTYPE, "has dtype V1");
    hone_file_close(f);
    o.void_dtype = "F8_E4M3";
    f = hone_file_open_with(FILES "numpy.npz", &o);
    CHECK(f, "e4m3", "F8_E4M3", HONE_F32, 6);
    hone_file_close(f);
    o.void_dtype = "F32";
    CHECK_FAILS(hone_file_open_with(FILES "numpy.npz", &o), HONE_E_VALUE,
                "void_dtype is a dtype of one or two bytes, not \"F32\"");
    o.void_dtype = "BF16";
    hone_tensor *t = hone_npy_load_with(FILES "bf16.npy", &o);
    CHECK_VALUES(t, HONE_F32, (6), -1, -0.5, 0, 0.5, 1, 1.5);
}

/* Compressed; a name that ends in .npy; no member at all; zip64 records; written to a pipe. */
Test(golden_files, numpy_zips_of_all_kinds)
{
    hone_file *f = open_golden("numpy_compressed.npz");
    CHECK(f, "a", "F32", HONE_F32, 2, 3);
    cr_assert(hone_item(hone_sum(hone_file_read(f, "b"))) == 0);
    hone_file_close(f);
    f = open_golden("numpy_names.npz");
    CHECK(f, "a.npy", "I32", HONE_I32, 2, 3);
    CHECK(f, "a", "F32", HONE_F32, 2, 3);
    CHECK(f, "dir/b", "F64", HONE_F64, 2, 3);
    hone_file_close(f);
    f = open_golden("numpy_none.npz");
    cr_assert(hone_file_entries(f).n == 0 && hone_file_entries(f).at);
    hone_file_close(f);
    f = open_golden("numpy_zip64.npz");
    CHECK(f, "x", "F32", HONE_F32, 2, 3);
    CHECK(f, "y", "I64", HONE_I64, 2, 3);
    hone_file_close(f);
    f = open_golden("numpy_pipe.npz");
    CHECK(f, "x", "F32", HONE_F32, 2, 3);
    hone_file_close(f);
}
#endif

Test(golden_files, numpy_versions)
{
    static const char *const names[] = { "v1.npy", "v2.npy", "v3.npy" };
    for (int i = 0; i < 3; i++) {
        hone_file *f = open_golden(names[i]);
        CHECK(f, "array", "F32", HONE_F32, 2, 3);
        hone_file_close(f);
    }
    hone_tensor *t = hone_npy_load(FILES "fortran.npy");
    cr_assert(hone_is_contiguous(t) && hone_at(t, 1, 0, 2) == value("F32", 14));
    hone_tensor *mapped = hone_npy_map(FILES "fortran.npy");
    cr_assert(mapped && hone_equal(t, mapped));
    mapped = hone_npy_map(FILES "v1.npy");
    CHECK_VALUES(mapped, HONE_F32, (2, 3), -1, -0.5, 0, 0.5, 1, 1.5);
}

/* ---- safetensors */

static const struct {
    const char *name;
    hone_dtype becomes;
} torch_dtypes[] = {
    { "F32", HONE_F32 },         { "F64", HONE_F64 },     { "F16", HONE_F32 },
    { "BF16", HONE_F32 },        { "F8_E4M3", HONE_F32 }, { "F8_E5M2", HONE_F32 },
    { "F8_E4M3FNUZ", HONE_F32 }, { "I8", HONE_I32 },      { "F8_E5M2FNUZ", HONE_F32 },
    { "I16", HONE_I32 },         { "I32", HONE_I32 },     { "I64", HONE_I64 },
    { "U8", HONE_U8 },           { "U16", HONE_I32 },     { "U32", HONE_I64 },
    { "U64", HONE_I64 },         { "BOOL", HONE_BOOL },
};

static void check_torch_dtypes(const hone_file *f)
{
    for (size_t i = 0; i < sizeof torch_dtypes / sizeof *torch_dtypes; i++)
        check(f, torch_dtypes[i].name, torch_dtypes[i].name, torch_dtypes[i].becomes, 2,
              (int64_t[]){ 2, 3 });
    CHECK_FAILS(hone_file_read_with(f, "C64", &convert), HONE_E_DTYPE, "no complex numbers");
}

Test(golden_files, safetensors_dtypes)
{
    hone_file *f = open_golden("dtypes.safetensors");
    cr_assert_str_eq(hone_file_format(f), "safetensors");
    check_torch_dtypes(f);
    CHECK(f, "F8_E8M0", "F8_E8M0", HONE_F32, 2, 3);
    CHECK(f, "zero_d", "F32", HONE_F32);
    CHECK(f, "empty", "F32", HONE_F32, 3, 0, 2);
    const hone_metadata_list metadata = hone_file_metadata(f);
    cr_assert(metadata.n == 1);
    cr_assert_str_eq(metadata.at[0].key, "key");
    cr_assert_str_eq(metadata.at[0].value, "value");
    hone_file_close(f);
}

/* All 256 codes, NaN and infinity among them, as PyTorch converts them. */
Test(golden_files, every_code_of_small_floats)
{
    static const char *const names[] = { "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ",
                                         "F8_E8M0" };
    hone_file *f = open_golden("codes.safetensors");
    for (int k = 0; k < 5; k++) {
        char wide[32];
        snprintf(wide, sizeof wide, "%s.f32", names[k]);
        hone_tensor *got = hone_file_read_with(f, names[k], &convert);
        hone_tensor *want = hone_file_read(f, wide);
        for (int64_t i = 0; i < 256; i++) {
            const double x = hone_at(got, i), y = hone_at(want, i);
            cr_assert((x == y && signbit(x) == signbit(y)) || (isnan(x) && isnan(y)),
                      "%s %d: %g, not %g", names[k], (int)i, x, y);
        }
    }
    hone_file_close(f);
}

/* ---- PyTorch */

#ifdef HONE_HAS_LIBZIP
Test(golden_files, pytorch_dtypes)
{
    hone_file *f = open_golden("dtypes.pt");
    cr_assert_str_eq(hone_file_format(f), "pt");
    check_torch_dtypes(f);
    hone_file_close(f);
}

Test(golden_files, pytorch_views)
{
    hone_file *f = open_golden("views.pt");
    hone_tensor *ten = hone_file_read(f, "ten"); /* of a thousand, all of which are stored */
    CHECK_VALUES(ten, HONE_F32, (10), 100, 101, 102, 103, 104, 105, 106, 107, 108, 109);
    CHECK_VALUES(hone_file_read(f, "first"), HONE_F32, (2, 3), 0, 1, 2, 3, 4, 5);
    CHECK_VALUES(hone_file_read(f, "second"), HONE_F32, (6), 6, 7, 8, 9, 10, 11);
    CHECK_VALUES(hone_file_read(f, "turned"), HONE_F32, (3, 2), -1, 0.5, -0.5, 1, 0, 1.5);
    hone_tensor *expanded = hone_file_read(f, "expanded");
    CHECK_VALUES(expanded, HONE_F32, (4, 3), 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
    cr_assert(hone_is_contiguous(expanded));
    CHECK_VALUES(hone_file_read(f, "negated"), HONE_F32, (2, 3), 1, 0.5, -0.0, -0.5, -1, -1.5);
    CHECK_FAILS(hone_file_read(f, "conjugated"), HONE_E_DTYPE, "no complex numbers");
    CHECK(f, "zero_d", "F64", HONE_F64);
    CHECK(f, "empty", "F32", HONE_F32, 3, 0, 2);
    hone_file_close(f);
}

Test(golden_files, pytorch_parameters_and_nests)
{
    static const char *const names[] = { "parameter", "with_state", "with_attribute",
                                         "nested.tuple.0" };
    hone_file *f = open_golden("views.pt");
    for (int i = 0; i < 4; i++)
        CHECK(f, names[i], "F32", HONE_F32, 2, 3);
    CHECK(f, "nested.list.0", "I64", HONE_I64, 2, 3);
    CHECK(f, "nested.list.1.deep", "U8", HONE_U8, 2, 3);
    CHECK(f, "3", "I32", HONE_I32, 2, 3);
    static const char *const values[][2] = {
        { "nested.tuple.1", "1" },
        { "epoch", "12" },
        { "lr", "0.10000000000000001" },
        { "name", "hone" },
        { "nothing", "None" },
        { "on", "True" },
        { "large", "0x400000000000000000" },
    };
    const hone_metadata_list metadata = hone_file_metadata(f);
    cr_assert(metadata.n == 7);
    for (int i = 0; i < 7; i++) {
        cr_assert_str_eq(metadata.at[i].key, values[i][0]);
        cr_assert_str_eq(metadata.at[i].value, values[i][1]);
    }
    hone_file_close(f);
}

Test(golden_files, pytorch_states)
{
    hone_file *f = open_golden("state.pt");
    cr_assert(hone_file_entries(f).n == 7 && hone_file_metadata(f).n == 0);
    CHECK(f, "0.weight", "F32", HONE_F32, 2, 3);
    CHECK_VALUE0(hone_file_read(f, "1.num_batches_tracked"), HONE_I64, 0);
    hone_file_close(f);
    f = open_golden("checkpoint.pt");
    cr_assert(hone_dim(hone_file_read(f, "optimizer.state.0.exp_avg")) == 2);
    CHECK_VALUE0(hone_file_read(f, "optimizer.state.3.step"), HONE_F32, 1);
    bool found = false;
    const hone_metadata_list metadata = hone_file_metadata(f);
    for (int i = 0; i < metadata.n; i++)
        found |= strcmp(metadata.at[i].key, "optimizer.param_groups.0.betas.1") == 0 &&
                 strcmp(metadata.at[i].value, "0.999") == 0;
    cr_assert(found);
    hone_file_close(f);
}

/* No checksums; data at multiples of 4096; a tensor alone. */
Test(golden_files, pytorch_options)
{
    hone_file *f = open_golden("no_crc.pt");
    CHECK(f, "x", "F32", HONE_F32, 2, 3);
    hone_file_close(f);
    f = open_golden("aligned.pt");
    CHECK(f, "x", "F32", HONE_F32, 2, 3);
    hone_file_close(f);
    f = open_golden("alone.pt");
    CHECK(f, "tensor", "F32", HONE_F32, 2, 3);
    hone_file_close(f);
}

Test(golden_files, pytorch_that_hone_refuses)
{
    CHECK_FAILS(
        hone_file_open(FILES "foreign.pt"), HONE_E_FORMAT,
        "asks for operator.itemgetter: hone reads tensors, dicts, lists and plain values, and "
        "runs nothing");
    CHECK_FAILS(hone_file_open(FILES "module.pt"), HONE_E_FORMAT,
                "asks for torch.nn.modules.container.Sequential");
    CHECK_FAILS(hone_file_open(FILES "protocol4.pt"), HONE_E_FORMAT,
                "is pickled with protocol 4, which torch.load refuses, too");
    CHECK_FAILS(hone_file_open(FILES "legacy.pt"), HONE_E_FORMAT,
                "legacy.pt is no valid pt file: it is of PyTorch's format before 1.6");
}
#endif

/* ---- GGUF, llm.c */

Test(golden_files, gguf)
{
    hone_file *f = open_golden("small.gguf");
    cr_assert_str_eq(hone_file_format(f), "GGUF");
    CHECK(f, "f32", "F32", HONE_F32, 2, 3);
    CHECK(f, "f16", "F16", HONE_F32, 2, 3);
    CHECK(f, "bf16", "BF16", HONE_F32, 2, 3);
    CHECK(f, "f64", "F64", HONE_F64, 2, 3);
    CHECK(f, "i8", "I8", HONE_I32, 2, 3);
    CHECK(f, "i16", "I16", HONE_I32, 2, 3);
    CHECK(f, "i32", "I32", HONE_I32, 2, 3);
    CHECK(f, "i64", "I64", HONE_I64, 2, 3);
    for (int i = 0; i < 2; i++) {
        hone_tensor *got = hone_file_read_with(f, i ? "q4_0" : "q8_0", &convert);
        cr_assert(got && hone_size(got, 0) == 2 && hone_size(got, 1) == 32);
        cr_assert(hone_equal(got, hone_file_read(f, i ? "q4_0.f32" : "q8_0.f32")));
    }
    CHECK_FAILS(hone_file_read_with(f, "mxfp4", &convert), HONE_E_DTYPE,
                "\"mxfp4\" has dtype MXFP4, which hone doesn't have");
    static const char *const values[][2] = {
        { "general.architecture", "test" },
        { "test.text", "value" },
        { "test.number", "7" },
        { "test.real", "0.5" },
        { "test.on", "true" },
        { "test.list", "[2 values]" },
    };
    const hone_metadata_list metadata = hone_file_metadata(f);
    cr_assert(metadata.n == 6);
    for (int i = 0; i < 6; i++) {
        cr_assert_str_eq(metadata.at[i].key, values[i][0]);
        cr_assert_str_eq(metadata.at[i].value, values[i][1]);
    }
    hone_file_close(f);
}

/* Element i of the k-th tensor of the file is k + i % 100 / 4; all layers of a kind are one. */
static double llmc_value(int k, int64_t i)
{
    return k + (double)(i % 100) / 4;
}

static void check_llmc(const char *name)
{
    hone_file *f = open_golden(name);
    cr_assert_str_eq(hone_file_format(f), "llm.c");
    cr_assert(hone_file_entries(f).n == 2 + 2 * 12 + 2);
    hone_tensor *wte = hone_file_read_with(f, "transformer.wte.weight", &convert);
    cr_assert(hone_size(wte, 0) == 10 && hone_size(wte, 1) == 8); /* of 16 rows */
    cr_assert(hone_at(wte, 9, 7) == llmc_value(0, 79));
    hone_tensor *wpe = hone_file_read_with(f, "transformer.wpe.weight", &convert);
    cr_assert(hone_size(wpe, 0) == 4 && hone_at(wpe, 3, 7) == llmc_value(1, 31));
    hone_tensor *qkv = hone_file_read_with(f, "transformer.h.1.attn.c_attn.weight", &convert);
    cr_assert(hone_size(qkv, 0) == 8 && hone_size(qkv, 1) == 24); /* stored as [24, 8] */
    cr_assert(hone_at(qkv, 3, 20) == llmc_value(4, 192 + 20 * 8 + 3));
    hone_tensor *proj = hone_file_read_with(f, "transformer.h.0.mlp.c_proj.weight", &convert);
    cr_assert(hone_size(proj, 0) == 32 && hone_at(proj, 31, 2) == llmc_value(12, 2 * 32 + 31));
    hone_tensor *bias = hone_file_read_with(f, "transformer.ln_f.bias", &convert);
    cr_assert(hone_dim(bias) == 1 && hone_at(bias, 7) == llmc_value(15, 7));
    hone_file_close(f);
}

Test(golden_files, llmc)
{
    check_llmc("llmc_f32.bin");
    check_llmc("llmc_bf16.bin");
}
