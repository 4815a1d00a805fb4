/* named.c: layers by name. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"
#include "runtime/memory.h"

#include <stdarg.h>
#include <string.h>

#define HONE_LAYER(name) extern const hone__layer hone__layer_##name;
#include "nn/layers.def"
#undef HONE_LAYER

#define HONE_LAYER(name) &hone__layer_##name,
static const hone__layer *const layers[] = {
#include "nn/layers.def"
};
#undef HONE_LAYER

enum { LAYERS = sizeof layers / sizeof *layers };

int hone_nn_layer_count(void)
{
    return LAYERS;
}

const char *hone_nn_layer_name(int i)
{
    return i >= 0 && i < LAYERS ? layers[i]->name : NULL;
}

static const hone__layer *no_such_layer(const char *name, size_t n)
{
    const char *names[LAYERS], *nearest = NULL;
    char word[64];
    hone__format(word, sizeof word, "%.*s", (int)(n < 60 ? n : 60), name);
    for (int i = 0; i < LAYERS; i++)
        names[i] = layers[i]->name;
    for (int i = 0; i < LAYERS && !nearest; i++)
        if (strcasecmp(word, names[i]) == 0)
            nearest = names[i];
    if (!nearest)
        nearest = hone__nearest(word, names, LAYERS);
    hone_error_set(HONE_E_VALUE, "nn_layer: there is no layer %s%s%s%s", word,
                   nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
    return NULL;
}

/* "Conv2d", "nn.Conv2d" or "torch.nn.Conv2d" of n letters. */
static const hone__layer *find(const char *name, size_t n)
{
    static const char *const rooms[] = { "torch.nn.", "nn." };
    for (size_t r = 0; r < sizeof rooms / sizeof *rooms; r++) {
        const size_t length = strlen(rooms[r]);
        if (n > length && memcmp(name, rooms[r], length) == 0) {
            name += length;
            n -= length;
            break;
        }
    }
    for (int i = 0; i < LAYERS; i++)
        if (strlen(layers[i]->name) == n && memcmp(layers[i]->name, name, n) == 0)
            return layers[i];
    return no_such_layer(name, n);
}

static hone_module *make(const hone__layer *layer, const char *text, size_t length)
{
    hone__argument a[HONE__ARGUMENTS];
    if (!hone__arguments_read(layer, text, length, a))
        return NULL;
    HONE_SCOPE();
    hone_module *module = layer->make ? layer->make(a) : hone__plain_new(layer, a);
    hone__arguments_free(a);
    return module;
}

hone_module *hone__layer_make(const hone__layer *layer, const char *arguments)
{
    return make(layer, arguments, strlen(arguments));
}

hone_module *hone__layer_from(const char *name, size_t n, const char *arguments, size_t length)
{
    const hone__layer *layer = find(name, n);
    return layer ? make(layer, arguments, length) : NULL;
}

hone_module *hone_nn_layer(const char *name, const char *arguments)
{
    if (!name) {
        hone__error_missing("nn_layer", "the name of a layer");
        return NULL;
    }
    return hone__layer_from(name, strlen(name), arguments ? arguments : "",
                            arguments ? strlen(arguments) : 0);
}

hone_module *hone_nn_layer_format(const char *name, const char *format, ...)
{
    if (!format) {
        hone__error_missing("nn_layer_format", "a format");
        return NULL;
    }
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int length = hone__vformat(NULL, 0, format, args);
    char *text = length < 0 ? NULL : hone__malloc((size_t)length + 1);
    if (text)
        hone__vformat(text, (size_t)length + 1, format, again);
    else if (length < 0)
        hone_error_set(HONE_E_VALUE, "nn_layer_format: the format can't be printed");
    va_end(again);
    va_end(args);
    hone_module *module = text ? hone_nn_layer(name, text) : NULL;
    hone__free(text);
    return module;
}

int64_t hone_nn_layer_signature(const char *name, char *buffer, size_t bytes)
{
    if (!name) {
        hone__error_missing("nn_layer_signature", "the name of a layer");
        return -1;
    }
    const hone__layer *layer = find(name, strlen(name));
    if (!layer)
        return -1;
    const size_t size = buffer ? bytes : 0, begin = strlen(layer->name) + 1;
    hone__format(buffer, size, "%s(", layer->name);
    const size_t inside = (size_t)hone__arguments_print(layer, size > begin ? buffer + begin : NULL,
                                                        size > begin ? size - begin : 0);
    if (size > begin + inside)
        hone__format(buffer + begin + inside, size - begin - inside, ")");
    return (int64_t)(begin + inside + 1);
}
