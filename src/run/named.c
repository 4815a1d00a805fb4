/* named.c: the networks that have a name. Their texts are src/run/models/<name>.hone, which CMake
 * puts into model_texts.inc. */
#include "run/named.h"

#include <hone/model.h>

#include <string.h>

static const struct {
    const char *name, *text;
} models[] = {
#include "model_texts.inc"
};

enum { MODELS = sizeof models / sizeof *models };

int hone_model_count(void)
{
    return MODELS;
}

const char *hone_model_name(int i)
{
    return i >= 0 && i < MODELS ? models[i].name : NULL;
}

const char *hone__model_text(const char *name)
{
    for (int i = 0; name && i < MODELS; i++)
        if (strcmp(models[i].name, name) == 0)
            return models[i].text;
    return NULL;
}

const char *hone_model_text(const char *name)
{
    const char *text = hone__model_text(name);
    if (text)
        return text;
    char all[200] = "";
    for (int i = 0; i < MODELS; i++) {
        strncat(all, i ? ", " : "", sizeof all - strlen(all) - 1);
        strncat(all, models[i].name, sizeof all - strlen(all) - 1);
    }
    if (!name)
        hone_error_set(HONE_E_NULL, "model: a name is wanted: %s", all);
    else
        hone_error_set(HONE_E_VALUE, "model: there is no %.60s; there are %s", name, all);
    return NULL;
}
