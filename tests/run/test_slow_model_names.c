/* The named networks in full size have torchvision's and Hugging Face's names and shapes, in their
 * order: tests/golden/make_models_golden.py wrote models.txt. */
#include "files.h"
#include "support.h"

#include "nn/walk.h"

#include <hone/hone.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SUITE_WITH_FILES(model_names);

/* "fc.weight 1000 512": the shape in files, where Linear's weight is [out, in]. */
static void line_of(const hone__found *found, char *text, size_t size)
{
    const hone_tensor *t = found->value;
    const int n = hone_dim(found->value);
    int used = snprintf(text, size, "%s", found->name);
    for (int d = 0; d < n; d++) {
        const int from = found->kind == HONE_FIELD_WEIGHT ? n - 1 - d : d;
        used += snprintf(text + used, size - (size_t)used, " %lld",
                         (long long)hone_size((hone_tensor *)(uintptr_t)t, from));
    }
}

/* One of `text`'s models: its line "model NAME NUMBERS" and those that follow. */
static const char *check_model(const char *text)
{
    char name[64];
    long long numbers;
    HONE_SCOPE();
    cr_assert_eq(sscanf(text, "model %63s %lld\n", name, &numbers), 2);
    text = strchr(text, '\n') + 1;
    hone_module *m = hone_model_named(name, NULL);
    cr_assert(m, "%s", hone_error_message());
    cr_expect_eq(hone_parameter_count(m), numbers, "%s: %lld parameters", name,
                 (long long)hone_parameter_count(m));
    const hone__found_list all = hone__collect("test", m, HONE__STATE, INT32_MAX, false);
    int i = 0;
    for (; *text && strncmp(text, "model ", 6) != 0; text = strchr(text, '\n') + 1, i++) {
        char line[200];
        cr_assert_lt(i, all.n, "%s has only %d tensors", name, all.n);
        line_of(&all.at[i], line, sizeof line);
        cr_expect(strncmp(text, line, strlen(line)) == 0 && text[strlen(line)] == '\n',
                  "%s: tensor %d is %s, not %.60s", name, i, line, text);
    }
    cr_expect_eq(i, all.n, "%s has %d tensors, not %d", name, all.n, i);
    hone_module_free(m);
    return text;
}

Test(model_names, as_torchvision_and_hugging_face_have_them)
{
    size_t n;
    char *all = test_read(HONE_SOURCE_DIR "/tests/golden/models.txt", &n);
    cr_assert(all);
    char *text = realloc(all, n + 1);
    cr_assert(text);
    text[n] = 0;
    int models = 0;
    for (const char *at = text; *at; models++)
        at = check_model(at);
    cr_expect_eq(models, 3);
    free(text);
}
