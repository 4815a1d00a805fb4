#include "files.h"
#include "support.h"

#include <hone/autograd.h>
#include <hone/io.h>
#include <hone/nn.h>
#include <hone/ops.h>
#include <hone/runtime.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

SUITE_WITH_FILES(state);

/* ---- which way a tensor lies: its field says so, whatever its dims, alone or in an array */

typedef struct {
    hone_module base;
    hone_tensor *stack, *square, **weights;
    int n_weights;
} stacks;

static const hone_field stacks_fields[] = { HONE_WEIGHT(stacks, stack), HONE_PARAM(stacks, square),
                                            HONE_WEIGHTS(stacks, weights, n_weights),
                                            HONE_FIELDS_END };
static const hone_module_class stacks_class = { .name = "Stacks",
                                                .size = sizeof(stacks),
                                                .fields = stacks_fields };

static stacks *stacks_new(uint64_t seed)
{
    hone_seed(seed);
    stacks *s = hone_module_new(&stacks_class);
    cr_assert(s);
    s->stack = hone_parameter(hone_randn(HONE_F32, 4, 2, 3)); /* four of [in, out] */
    s->square = hone_parameter(hone_randn(HONE_F32, 2, 2));
    s->n_weights = 2;
    s->weights = hone_module_array(2);
    s->weights[0] = hone_parameter(hone_randn(HONE_F32, 3, 3));
    s->weights[1] = hone_parameter(hone_randn(HONE_F32, 5)); /* nothing to turn */
    return s;
}

static hone_module *mlp(uint64_t seed, int64_t in, int64_t hidden, int64_t out)
{
    hone_seed(seed);
    return hone_nn_sequential(hone_nn_linear(in, hidden), hone_nn_relu(),
                              hone_nn_linear(hidden, out));
}

static bool same_state(hone_module *a, hone_module *b)
{
    const hone_named_list x = hone_named_state(a), y = hone_named_state(b);
    bool same = x.n == y.n;
    for (int i = 0; same && i < x.n; i++)
        same = hone_equal(x.at[i].tensor, y.at[i].tensor);
    return same;
}

Test(state, a_field_says_that_files_have_it_turned)
{
    stacks *a = stacks_new(1), *b = stacks_new(2);
    const char *path = test_path("s.safetensors");
    CHECK_OK(hone_save_state(&a->base, path));
    const hone_named_list file = hone_safetensors_load(path, NULL);
    hone_tensor *stack = hone_named_find(file, "stack");
    cr_assert(hone_size(stack, 0) == 4 && hone_size(stack, 1) == 3 && hone_size(stack, 2) == 2);
    cr_assert(hone_at(stack, 3, 2, 1) == hone_at(a->stack, 3, 1, 2));
    cr_assert(hone_equal(hone_named_find(file, "square"), a->square));
    cr_assert(hone_equal(hone_named_find(file, "weights.0"), hone_transpose(a->weights[0], 0, 1)));
    cr_assert(hone_equal(hone_named_find(file, "weights.1"), a->weights[1]));
    CHECK_OK(hone_load_state(&b->base, path));
    cr_assert(same_state(&a->base, &b->base));
    hone_module_free(&a->base);
    hone_module_free(&b->base);
}

/* Two names of one tensor: the file may have either, and not two different ones. */
Test(state, tied_tensors)
{
    hone_module *a = hone_nn_sequential(hone_nn_linear(2, 2), hone_nn_linear(2, 2));
    hone_module *first = hone_nn_linear(2, 2);
    hone_module *both = hone_nn_sequential(first, hone_module_retain(first));
    const char *path = test_path("t.safetensors");
    hone_tensor *w = T(HONE_F32, (2, 2), 1, 2, 3, 4), *b = T(HONE_F32, (2), 5, 6);
    hone_metadata pt[] = { { "format", "pt" }, { "1.weight", "0.weight" } };
    hone_metadata_list metadata = { pt, 1 };
    CHECK_OK(hone_safetensors_save(path, hone_list_named({ "1.weight", w }, { "0.bias", b }),
                                   &metadata));
    CHECK_OK(hone_load_state(both, path));
    cr_assert(hone_at(hone_module_tensor(both, "0.weight"), 0, 1) == 3); /* turned */
    CHECK_OK(hone_safetensors_save(
        path, hone_list_named({ "0.weight", w }, { "1.weight", w }, { "0.bias", b }), &metadata));
    CHECK_OK(hone_load_state(both, path));
    CHECK_OK(hone_safetensors_save(
        path, hone_list_named({ "0.weight", w }, { "1.weight", hone_neg(w) }, { "0.bias", b }),
        &metadata));
    CHECK_FAILS(hone_load_state(both, path), HONE_E_STATE,
                "\"0.weight\" and \"1.weight\" differ, and the module has one tensor for both");
    /* of two tensors, the metadata say that the file has one for both */
    metadata.n = 2;
    CHECK_OK(hone_safetensors_save(
        path, hone_list_named({ "0.weight", w }, { "0.bias", b }, { "1.bias", b }), &metadata));
    CHECK_OK(hone_load_state(a, path));
    cr_assert(hone_equal(hone_module_tensor(a, "0.weight"), hone_module_tensor(a, "1.weight")));
    hone_module_free(both);
    hone_module_free(a);
}

Test(state, comes_back_with_every_bit)
{
    hone_module *a = mlp(1, 5, 4, 3), *b = mlp(2, 5, 4, 3);
    const char *path = test_path("m.safetensors");
    cr_assert(!same_state(a, b));
    CHECK_OK(hone_save_state(a, path));
    CHECK_OK(hone_load_state(b, path));
    cr_assert(same_state(a, b));
    const hone_tensor_list p = hone_parameters(b);
    cr_assert(hone_requires_grad(p.at[0]) && hone_is_leaf(p.at[0]));
    hone_module_free(a);
    hone_module_free(b);
}

Test(state, the_same_state_gives_the_same_bytes)
{
    hone_module *a = mlp(1, 5, 4, 3);
    size_t n1, n2;
    CHECK_OK(hone_save_state(a, test_path("1")));
    CHECK_OK(hone_save_state(a, test_path("2")));
    char *one = test_read(test_path("1"), &n1), *two = test_read(test_path("2"), &n2);
    cr_assert(n1 == n2 && memcmp(one, two, n1) == 0);
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\",\"layout\":\"out,in\"},"
        "\"0.weight\":{\"dtype\":\"F32\",\"shape\":[4,5],\"data_offsets\":[0,80]},"
        "\"0.bias\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[80,96]},"
        "\"2.weight\":{\"dtype\":\"F32\",\"shape\":[3,4],\"data_offsets\":[96,144]},"
        "\"2.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[144,156]}}";
    cr_assert(memcmp(one + 8, header, strlen(header)) == 0, "%s", one + 8);
    free(one);
    free(two);
    hone_module_free(a);
}

Test(state, saving_replaces_and_leaves_nothing_beside)
{
    hone_module *a = mlp(1, 5, 4, 3), *b = mlp(2, 5, 4, 3);
    const char *path = test_write("m", "old", 3);
    chmod(path, 0640);
    CHECK_OK(hone_save_state(a, path));
    CHECK_OK(hone_load_state(b, path));
    struct stat st;
    cr_assert(same_state(a, b) && test_dir_count() == 1);
    cr_assert(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640);
    hone_module_free(a);
    hone_module_free(b);
}

/* ---- layouts */

static const hone_state_options in_out = { .layout = HONE_LAYOUT_IN_OUT },
                                out_in = { .layout = HONE_LAYOUT_OUT_IN };

static bool first_weight_is(hone_module *m, hone_tensor *wanted)
{
    return hone_equal(hone_detach(hone_parameters(m).at[0]), wanted);
}

Test(state, files_are_in_pytorchs_layout)
{
    hone_module *a = mlp(1, 3, 3, 2), *b = mlp(2, 3, 3, 2);
    const char *path = test_path("m");
    hone_tensor *weight = hone_detach(hone_parameters(a).at[0]);
    static const hone_state_options asked[] = { { .layout = HONE_LAYOUT_AUTO },
                                                { .layout = HONE_LAYOUT_OUT_IN } };
    for (int i = 0; i < 2; i++) {
        CHECK_OK(hone_save_state_with(a, path, &asked[i]));
        const hone_named_list file = hone_safetensors_load(path, NULL);
        cr_assert(hone_equal(hone_named_find(file, "0.weight"), hone_transpose(weight, 0, 1)));
    }
    CHECK_OK(hone_load_state(b, path));
    cr_assert(same_state(a, b));
    hone_module_free(a);
    hone_module_free(b);
}

/* Also how files of hone lay when that was the default. */
Test(state, files_in_hones_own_layout)
{
    hone_module *a = mlp(1, 3, 3, 2), *b = mlp(2, 3, 3, 2);
    const char *path = test_path("m");
    CHECK_OK(hone_save_state_with(a, path, &in_out));
    hone_metadata_list metadata;
    const hone_named_list file = hone_safetensors_load(path, &metadata);
    cr_assert(hone_equal(hone_named_find(file, "0.weight"), hone_detach(hone_parameters(a).at[0])));
    cr_assert(metadata.n == 1);
    cr_assert_str_eq(metadata.at[0].key, "layout");
    cr_assert_str_eq(metadata.at[0].value, "in,out");
    CHECK_OK(hone_load_state(b, path));
    cr_assert(same_state(a, b));
    hone_module_free(a);
    hone_module_free(b);
}

/* Where one weight is not square, it tells for all. */
Test(state, shapes_tell_the_layout_that_nobody_says)
{
    hone_module *a = mlp(1, 3, 3, 2), *b = mlp(2, 3, 3, 2);
    const char *path = test_path("m");
    hone_metadata odd = { "layout", "NCHW" };
    for (int i = 0; i < 4; i++) {
        CHECK_OK(hone_save_state_with(a, path, i < 2 ? &in_out : &out_in));
        const hone_named_list list = hone_safetensors_load(path, NULL);
        CHECK_OK(
            hone_safetensors_save(path, list, i % 2 ? &(hone_metadata_list){ &odd, 1 } : NULL));
        hone_load_state_with(b, path, i < 2 ? &out_in : &in_out); /* spoils b, or fails */
        hone_error_clear();
        CHECK_OK(hone_load_state(b, path));
        cr_assert(same_state(a, b), "%d", i);
    }
    CHECK_OK(hone_safetensors_save(path, hone_named_state(b), NULL));
    hone_module *c = mlp(3, 3, 4, 2);
    CHECK_FAILS(hone_load_state(c, path), HONE_E_SHAPE, "\"0.weight\" has shape [3, 3] (out, in)");
    hone_module_free(a);
    hone_module_free(b);
    hone_module_free(c);
}

Test(state, square_weights_need_to_be_told)
{
    hone_module *a = mlp(1, 2, 2, 2), *b = mlp(2, 2, 2, 2);
    const char *path = test_path("m");
    hone_tensor *weight = hone_detach(hone_parameters(a).at[0]);
    CHECK_OK(hone_safetensors_save(path, hone_named_state(a), NULL));
    CHECK_FAILS(hone_load_state(b, path), HONE_E_FORMAT, "HONE_LAYOUT_OUT_IN");
    CHECK_OK(hone_load_state_with(b, path, &in_out));
    cr_assert(same_state(a, b));
    CHECK_OK(hone_load_state_with(b, path, &out_in));
    cr_assert(first_weight_is(b, hone_transpose(weight, 0, 1)));
    hone_metadata odd = { "layout", "sideways" }, torch = { "format", "pt" };
    CHECK_OK(hone_safetensors_save(path, hone_named_state(a), &(hone_metadata_list){ &odd, 1 }));
    CHECK_FAILS(hone_load_state(b, path), HONE_E_FORMAT, "its layout \"sideways\" is unknown");
    CHECK_OK(hone_load_state_with(b, path, &in_out));
    cr_assert(same_state(a, b));
    CHECK_OK(hone_safetensors_save(path, hone_named_state(a), &(hone_metadata_list){ &torch, 1 }));
    CHECK_OK(hone_load_state(b, path));
    cr_assert(first_weight_is(b, hone_transpose(weight, 0, 1)));
    hone_module_free(a);
    hone_module_free(b);
}

/* What the caller says wins over what the file says. */
Test(state, the_option_wins)
{
    hone_module *a = mlp(1, 2, 2, 2), *b = mlp(2, 2, 2, 2);
    const char *path = test_path("m");
    hone_tensor *weight = hone_detach(hone_parameters(a).at[0]);
    static const char *const tags[] = { "NCHW", "out,in", "in,out" };
    for (int i = 0; i < 3; i++) {
        hone_metadata tag = { "layout", tags[i] };
        CHECK_OK(
            hone_safetensors_save(path, hone_named_state(a), &(hone_metadata_list){ &tag, 1 }));
        CHECK_OK(hone_load_state_with(b, path, &in_out));
        cr_assert(first_weight_is(b, weight), "%s", tags[i]);
        CHECK_OK(hone_load_state_with(b, path, &out_in));
        cr_assert(first_weight_is(b, hone_transpose(weight, 0, 1)), "%s", tags[i]);
    }
    hone_module_free(a);
    hone_module_free(b);
}

/* ---- names that only one side has */

static void check_list(hone_name_list list, const char *wanted)
{
    char got[100] = "";
    for (int i = 0; i < list.n; i++) {
        strcat(got, list.at[i]);
        strcat(got, " ");
    }
    cr_assert_str_eq(got, wanted);
}

Test(state, names_that_only_one_side_has)
{
    hone_module *a = hone_nn_sequential(hone_nn_linear(5, 4), hone_nn_layer_norm(4));
    hone_module *b = mlp(2, 5, 4, 2), *before = mlp(2, 5, 4, 2);
    hone_state_report report;
    const char *path = test_path("m");
    CHECK_OK(hone_save_state(a, path));
    CHECK_FAILS(hone_load_state_with(b, path, &(hone_state_options){ .report = &report }),
                HONE_E_STATE, "missing: 2.weight, 2.bias; unexpected: 1.weight, 1.bias");
    check_list(report.missing, "2.weight 2.bias ");
    check_list(report.unexpected, "1.weight 1.bias ");
    cr_assert(same_state(b, before));

    CHECK_OK(hone_load_state_with(b, path,
                                  &(hone_state_options){ .non_strict = true, .report = &report }));
    check_list(report.missing, "2.weight 2.bias ");
    check_list(report.unexpected, "1.weight 1.bias ");
    const hone_named_list got = hone_named_state(b);
    for (int i = 0; i < 4; i++) /* 0.weight, 0.bias; 2.weight, 2.bias */
        cr_assert(hone_equal(got.at[i].tensor, hone_named_state(i < 2 ? a : before).at[i].tensor));

    CHECK_OK(hone_load_state_with(a, path, &(hone_state_options){ .report = &report }));
    cr_assert(report.missing.n == 0 && report.unexpected.n == 0);
    CHECK_FAILS(hone_load_state_with(a, "/nowhere", &(hone_state_options){ .report = &report }),
                HONE_E_IO, "/nowhere");
    cr_assert(!report.missing.at && !report.unexpected.at);

    hone_module *other = mlp(1, 6, 4, 2); /* shapes must fit all the same */
    CHECK_FAILS(hone_load_state_with(other, path, &(hone_state_options){ .non_strict = true }),
                HONE_E_SHAPE, "0.weight");
    hone_module_free(a);
    hone_module_free(b);
    hone_module_free(before);
    hone_module_free(other);
}

/* ---- other tools' files */

static const char *write_one(const char *dtype, int shape, const void *data, size_t bytes)
{
    char file[300];
    const int n = snprintf(file + 8, sizeof file - 8,
                           "{\"odd\":{\"dtype\":\"F8_E4M3\",\"shape\":[1],\"data_offsets\":[0,1]},"
                           "\"x\":{\"dtype\":\"%s\",\"shape\":[%d],\"data_offsets\":[1,%zu]}}",
                           dtype, shape, bytes + 1);
    const int64_t header = n;
    memcpy(file, &header, 8);
    file[8 + n] = 0;
    memcpy(file + 9 + n, data, bytes);
    return test_write("m", file, 9 + (size_t)n + bytes);
}

typedef struct {
    hone_module base;
    hone_tensor *x;
} one;

static const hone_field one_fields[] = { HONE_PARAM(one, x), HONE_FIELDS_END };
static const hone_module_class one_class = { .name = "One",
                                             .size = sizeof(one),
                                             .fields = one_fields };

/* A tensor that nobody asks for may have any dtype; halves go into f32, and nothing else. */
Test(state, halves_go_into_f32)
{
    const hone_state_options loose = { .non_strict = true };
    one *m = hone_module_new(&one_class);
    m->x = hone_parameter(hone_zeros(HONE_F32, 2));
    CHECK_OK(hone_load_state_with(&m->base, write_one("F16", 2, "\0\x3e\0\xc0", 4), &loose));
    CHECK_VALUES(hone_detach(m->x), HONE_F32, (2), 1.5, -2);
    CHECK_OK(hone_load_state_with(&m->base, write_one("BF16", 2, "\x20\x40\x80\xbf", 4), &loose));
    CHECK_VALUES(hone_detach(m->x), HONE_F32, (2), 2.5, -1);
    CHECK_FAILS(hone_load_state_with(&m->base, write_one("U16", 2, "\0\0\0\0", 4), &loose),
                HONE_E_DTYPE, "\"x\" is U16, the module's is f32");
    hone_release(m->x);
    m->x = hone_parameter(hone_zeros(HONE_F64, 2));
    CHECK_FAILS(hone_load_state_with(&m->base, write_one("F16", 2, "\0\0\0\0", 4), &loose),
                HONE_E_DTYPE, "\"x\" is F16, the module's is f64");
    hone_module_free(&m->base);
}

/* ---- what doesn't fit: named, and nothing is changed */

static void check_refused(hone_module *from, hone_module *into, hone_status code, const char *text)
{
    const char *path = test_path("m");
    hone_named_list state = hone_named_state(into);
    hone_tensor *before[8];
    for (int i = 0; i < state.n; i++)
        before[i] = hone_clone(hone_detach(state.at[i].tensor));
    CHECK_OK(hone_save_state(from, path));
    CHECK_FAILS(hone_load_state(into, path), code, text);
    for (int i = 0; i < state.n; i++)
        cr_assert(hone_equal(before[i], hone_detach(state.at[i].tensor)));
    hone_module_free(from);
    hone_module_free(into);
}

Test(state, another_shape_names_both)
{
    check_refused(mlp(1, 5, 4, 3), mlp(2, 5, 4, 2), HONE_E_SHAPE,
                  "\"2.weight\" has shape [3, 4] (out, in), the module's [4, 2]");
}

Test(state, a_missing_tensor_is_named)
{
    check_refused(hone_nn_sequential(hone_nn_linear(5, 4)), mlp(2, 5, 4, 2), HONE_E_STATE,
                  "missing: 2.weight, 2.bias; unexpected: none");
}

Test(state, an_unexpected_tensor_is_named)
{
    check_refused(mlp(2, 5, 4, 2), hone_nn_sequential(hone_nn_linear(5, 4)), HONE_E_STATE,
                  "missing: none; unexpected: 2.weight, 2.bias");
}

Test(state, another_dtype_names_both)
{
    const hone_nn_linear_options f64 = { .dtype = HONE_F64 };
    check_refused(hone_nn_linear_with(2, 3, &f64), hone_nn_linear(2, 3), HONE_E_DTYPE,
                  "\"weight\" is f64, the module's is f32");
}

/* A module whose last buffer can't be written to: the parameter before it must not change either. */
typedef struct {
    hone_module base;
    hone_tensor *weight, *mean;
} buffered;

static const hone_field buffered_fields[] = { HONE_PARAM(buffered, weight),
                                              HONE_BUFFER(buffered, mean), HONE_FIELDS_END };
static const hone_module_class buffered_class = { .name = "Buffered",
                                                  .size = sizeof(buffered),
                                                  .fields = buffered_fields };

static hone_module *buffered_new(hone_tensor *weight, hone_tensor *mean)
{
    buffered *b = hone_module_new(&buffered_class);
    cr_assert(b && weight && mean, "%s", hone_error_message());
    b->weight = hone_parameter(weight);
    b->mean = hone_retain(mean);
    return &b->base;
}

Test(state, a_buffer_that_can_not_be_written)
{
    check_refused(buffered_new(hone_ones(HONE_F32, 2), hone_zeros(HONE_F32, 3)),
                  buffered_new(hone_zeros(HONE_F32, 2), hone_expand(hone_ones(HONE_F32, 1), 3)),
                  HONE_E_STATE, "load_state: the module's \"mean\": f32 [3] is expanded");
    hone_tensor *leaf = hone_requires_grad_(hone_ones(HONE_F32, 3), true);
    check_refused(buffered_new(hone_ones(HONE_F32, 2), hone_zeros(HONE_F32, 3)),
                  buffered_new(hone_zeros(HONE_F32, 2), hone_square(leaf)), HONE_E_STATE,
                  "load_state: the module's \"mean\": f32 [3] was computed");
}

Test(state, null_and_missing_files)
{
    hone_module *a = mlp(1, 2, 2, 2);
    CHECK_FAILS(hone_save_state(NULL, "x"), HONE_E_NULL, "save_state");
    CHECK_FAILS(hone_load_state(NULL, "x"), HONE_E_NULL, "load_state");
    CHECK_FAILS(hone_save_state(a, NULL), HONE_E_NULL, "path");
    CHECK_FAILS(hone_load_state(a, NULL), HONE_E_NULL, "path");
    CHECK_FAILS(hone_load_state(a, "/nowhere/m"), HONE_E_IO,
                "load_state: can't open /nowhere/m: No such file");
    CHECK_FAILS(hone_load_state(a, "/tmp"), HONE_E_IO, "Is a directory");
    CHECK_FAILS(hone_load_state(a, "/dev/null"), HONE_E_IO, "no regular file");
    CHECK_FAILS(hone_save_state(a, "/nowhere/m"), HONE_E_IO, "save_state: can't write /nowhere/m");
    hone_module_free(a);
}

/* Each action returns its own status, whatever happened before. */
Test(state, an_older_error_is_not_the_status)
{
    hone_module *a = mlp(1, 2, 2, 2), *b = mlp(1, 2, 3, 2);
    hone_named one_name[] = { { "\xff", hone_zeros(HONE_F32, 2) } };
    CHECK_OK(hone_save_state(a, test_path("m")));
    hone_error_set(HONE_E_GRADIENT, "older");
    cr_assert(hone_load_state(a, "/nowhere/m") == HONE_E_IO);
    cr_assert(hone_load_state(a, NULL) == HONE_E_NULL);
    cr_assert(hone_load_state(b, test_path("m")) == HONE_E_SHAPE);
    cr_assert(hone_save_state(a, "/nowhere/m") == HONE_E_IO);
    cr_assert(hone_safetensors_save("/nowhere/m", (hone_named_list){ one_name, 1 }, NULL) ==
              HONE_E_VALUE);
    CHECK_ERROR(HONE_E_GRADIENT, "older");
    hone_module_free(a);
    hone_module_free(b);
}

static bool save_and_load(void)
{
    HONE_SCOPE();
    hone_module *a = mlp(1, 3, 2, 2);
    hone_state_report report;
    const hone_state_options reported = { .report = &report };
    const bool ok = a && hone_save_state(a, test_path("m")) == HONE_OK &&
                    hone_load_state_with(a, test_path("m"), &reported) == HONE_OK;
    hone_module_free(a);
    return ok;
}

Test(state, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(save_and_load);
    cr_assert(test_dir_count() == 1);
}
