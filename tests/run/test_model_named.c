/* The named networks: their sizes, and small ones that follow PyTorch:
 * tests/golden/make_models_golden.py says what the file holds. */
#include "files.h"
#include "support.h"

#include <hone/hone.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

SUITE_WITH_FILES(model_named);

#define GOLDEN HONE_SOURCE_DIR "/tests/golden/pytorch_models.safetensors"

Test(model_named, each_is_listed_with_what_it_takes)
{
    char text[300];
    bool resnet = false;
    for (int i = 0; i < hone_model_count(); i++) {
        const char *name = hone_model_name(i);
        cr_expect(hone_model_signature(name, text, sizeof text) == (int64_t)strlen(text));
        cr_expect(strncmp(text, name, strlen(name)) == 0 && text[strlen(name)] == '(' &&
                      text[strlen(text) - 1] == ')',
                  "%s", text);
        cr_expect(strncmp(hone_model_text(name), "# ", 2) == 0);
        resnet = resnet ||
                 strcmp(text, "resnet18(num_classes=1000, channels=3, small=False, width=64)") == 0;
    }
    cr_expect(resnet);
}

typedef struct {
    const char *spec;
    int64_t parameters, in[4], out[3]; /* in: an image, or tokens; ends with 0 */
    bool tokens;
} size_row;

Test(model_named, sizes)
{
    static const size_row rows[] = {
        { "lenet", 61706, { 2, 1, 28, 28 }, { 2, 10 }, false },
        { "lenet:num_classes=7, channels=3",
          61706 + 2 * 150 - 3 * 85,
          { 2, 3, 28, 28 },
          { 2, 7 },
          false },
        { "resnet18", 11689512, { 1, 3, 64, 64 }, { 1, 1000 }, false },
        { "resnet18:num_classes=10, small=True", 11173962, { 1, 3, 32, 32 }, { 1, 10 }, false },
        { "vgg11:num_classes=10, small=True", 9750922, { 1, 3, 32, 32 }, { 1, 10 }, false },
        { "gpt:layers=2, heads=2, width=8, vocab=11, context=6",
          11 * 8 + 6 * 8 + 2 * (2 * 16 + 8 * 24 + 24 + 8 * 8 + 8 + 8 * 32 + 32 + 32 * 8 + 8) + 16,
          { 2, 6 },
          { 2, 6, 11 },
          true },
        { "lstm:vocab=11, width=3, hidden=5, layers=2",
          11 * 3 + 20 * (3 + 5 + 2) + 20 * (5 + 5 + 2) + 5 * 11 + 11,
          { 2, 6 },
          { 2, 6, 11 },
          true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        HONE_SCOPE();
        HONE_NO_GRAD();
        const size_row *r = &rows[i];
        int64_t dims[6] = { HONE_F32 };
        int n = 0;
        for (; n < 4 && r->in[n]; n++)
            dims[n + 1] = r->in[n];
        dims[n + 1] = HONE_END_DIM;
        hone_module *m = hone_model(r->spec);
        cr_assert(m, "%s", hone_error_message());
        cr_expect_eq(hone_parameter_count(m), r->parameters, "%s has %lld parameters", r->spec,
                     (long long)hone_parameter_count(m));
        hone_module_train(m, false);
        hone_tensor *x = hone_rand_v(dims);
        hone_tensor *y = hone_forward(m, r->tokens ? hone_to(hone_mul_scalar(x, 11), HONE_I64) : x);
        cr_assert(y, "%s: %s", r->spec, hone_error_message());
        for (int d = 0; d < hone_dim(y); d++)
            cr_expect_eq(hone_size(y, d), r->out[d]);
        cr_expect(isfinite(hone_item(hone_sum(y))));
        hone_module_free(m);
    }
}

/* ---- as PyTorch's */

static hone_tensor *part(hone_named_list all, const char *name, const char *what)
{
    char full[100];
    snprintf(full, sizeof full, "%s.%s", name, what);
    hone_tensor *t = hone_named_find(all, full);
    cr_assert(t, "%s", hone_error_message());
    return t;
}

static void load(hone_module *m, hone_named_list all, const char *name)
{
    hone_named state[200];
    char prefix[64];
    int n = 0;
    snprintf(prefix, sizeof prefix, "%s.begin.", name);
    for (int i = 0; i < all.n; i++)
        if (strncmp(all.at[i].name, prefix, strlen(prefix)) == 0)
            state[n++] = (hone_named){ all.at[i].name + strlen(prefix), all.at[i].tensor };
    CHECK_OK(hone_safetensors_save(test_path("state"), hone_list_named_n(state, n), NULL));
    CHECK_OK(hone_load_state_with(m, test_path("state"),
                                  &(hone_state_options){ .layout = HONE_LAYOUT_OUT_IN }));
}

static hone_tensor *scores(hone_module *m, hone_tensor *x)
{
    hone_tensor *y = hone_forward(m, x);
    cr_assert(y, "%s", hone_error_message());
    return hone_reshape(y, -1, hone_size(y, -1));
}

static void follows(const char *name, const char *arguments)
{
    const hone_named_list all = hone_safetensors_load(GOLDEN, NULL);
    hone_module *m = hone_model_named(name, arguments);
    cr_assert(m, "%s", hone_error_message());
    load(m, all, name);
    hone_tensor *x = part(all, name, "x"), *y = part(all, name, "y");
    hone_optim *sgd = hone_sgd(m, &(hone_sgd_options){ .lr = 0.05 });
    for (int i = 0; i < 5; i++) {
        HONE_SCOPE();
        const double want = hone_at(part(all, name, "losses"), i);
        hone_tensor *loss = hone_cross_entropy(scores(m, x), y);
        cr_expect(fabs(hone_item(loss) - want) <= 2e-5 * want, "%s: loss %d is %.9g, not %.9g",
                  name, i, hone_item(loss), want);
        hone_optim_zero_grad(sgd);
        CHECK_OK(hone_backward(loss));
        CHECK_OK(hone_optim_step(sgd));
    }
    hone_module_train(m, false);
    HONE_NO_GRAD();
    hone_tensor *off = hone_abs(hone_sub(scores(m, x), part(all, name, "evaluated")));
    cr_expect(hone_item(hone_max(off)) < 1e-4, "%s: outputs are off by %g", name,
              hone_item(hone_max(off)));
    hone_optim_free(sgd);
    hone_module_free(m);
}

Test(model_named, resnet18_trains_as_pytorch_does)
{
    follows("resnet18", "num_classes=5, width=2");
}

Test(model_named, gpt_trains_as_pytorch_does)
{
    follows("gpt", "layers=2, heads=2, width=8, vocab=11, context=6, dropout=0");
}

Test(model_named, lstm_trains_as_pytorch_does)
{
    follows("lstm", "vocab=7, width=3, hidden=5, layers=2");
}

/* Its tied weights are one parameter under two names; it saves both, as PyTorch's state has them. */
Test(model_named, gpt_loads_a_file_without_the_tied_weight)
{
    const char *arguments = "layers=1, heads=2, width=8, vocab=11, context=6";
    hone_module *a = hone_model_named("gpt", arguments), *b = hone_model_named("gpt", arguments);
    const hone_named_list all = hone_named_state(a);
    cr_expect_str_eq(all.at[all.n - 1].name, "lm_head.weight");
    cr_expect_eq(all.at[all.n - 1].tensor, all.at[0].tensor);
    CHECK_OK(
        hone_safetensors_save(test_path("untied"), hone_list_named_n(all.at, all.n - 1), NULL));
    CHECK_OK(hone_load_state(b, test_path("untied")));
    hone_tensor *tokens = T(HONE_I64, (1, 4), 3, 1, 4, 1);
    hone_module_train(a, false);
    hone_module_train(b, false);
    cr_expect(test_same_bits(hone_forward(a, tokens), hone_forward(b, tokens)));
    hone_module_free(a);
    hone_module_free(b);
}

/* What comes later changes nothing before it. */
Test(model_named, gpt_looks_backwards_only)
{
    hone_module *m = hone_model_named("gpt", "layers=2, heads=2, width=8, vocab=11, context=6");
    hone_module_train(m, false);
    HONE_NO_GRAD();
    hone_tensor *long_one = hone_forward(m, T(HONE_I64, (1, 6), 3, 1, 4, 1, 5, 9));
    hone_tensor *short_one = hone_forward(m, T(HONE_I64, (1, 3), 3, 1, 4));
    hone_tensor *off = hone_abs(hone_sub(hone_slice(long_one, 1, 0, 3, 1), short_one));
    cr_expect(hone_item(hone_max(off)) < 1e-5);
    CHECK_FAILS(hone_forward(m, hone_zeros(HONE_I64, 1, 7)), HONE_E_INDEX, "wpe (gpt:");
    hone_module_free(m);
}

Test(model_named, the_seed_gives_the_weights)
{
    hone_seed(5);
    hone_module *a = hone_model_named("resnet18", "num_classes=3, width=2");
    hone_seed(5);
    hone_module *b = hone_model_named("resnet18", "num_classes=3, width=2");
    const hone_named_list p = hone_named_parameters(a), q = hone_named_parameters(b);
    for (int i = 0; i < p.n; i++)
        cr_expect(test_same_bits(p.at[i].tensor, q.at[i].tensor));
    hone_tensor *w = hone_named_find(p, "layer4.1.conv2.weight"); /* [16, 16, 3, 3], fan_out 144 */
    const double std = hone_item(hone_std(w, 1));
    cr_expect(std > 0.9 * sqrt(2. / 144) && std < 1.1 * sqrt(2. / 144), "%g", std);
    hone_module_free(a);
    hone_module_free(b);
}
