/* print.c: modules as text, in PyTorch's layout. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/walk.h"
#include "runtime/memory.h"

#include <errno.h>
#include <string.h>

/* Text like snprintf's: what doesn't fit is counted only. */
typedef struct {
    char *text;
    size_t size, length;
} writer;

static void put(writer *w, const char *text)
{
    for (; *text; text++, w->length++)
        if (w->length + 1 < w->size)
            w->text[w->length] = *text;
}

static void put_spaces(writer *w, int n)
{
    for (int i = 0; i < n; i++)
        put(w, " ");
}

static void put_extra(writer *w, const hone_module *module, int indent, bool own_line)
{
    char extra[256] = "";
    if (module->type->print)
        module->type->print(module, extra, sizeof extra);
    if (!extra[0])
        return;
    if (own_line) {
        put(w, "\n");
        put_spaces(w, indent + 2);
    }
    put(w, extra);
}

static void put_module(writer *w, const hone_module *module, int indent);

static bool put_children(writer *w, const hone_module *module, int indent)
{
    bool any = false;
    hone__slots walk = hone__slots_of(module);
    hone__slot slot;
    while (hone__slot_next(module, &walk, &slot)) {
        if (slot.kind != HONE_FIELD_CHILD)
            continue;
        if (!any)
            put_extra(w, module, indent, true);
        any = true;
        char digits[16] = "";
        if (slot.index >= 0)
            hone__format(digits, sizeof digits, slot.name ? ".%d" : "%d", slot.index);
        put(w, "\n");
        put_spaces(w, indent + 2);
        put(w, "(");
        put(w, slot.name ? slot.name : "");
        put(w, digits);
        put(w, "): ");
        put_module(w, slot.value, indent + 2);
    }
    return any;
}

static void put_module(writer *w, const hone_module *module, int indent)
{
    put(w, module->type->name);
    put(w, "(");
    if (put_children(w, module, indent)) {
        put(w, "\n");
        put_spaces(w, indent);
    } else {
        put_extra(w, module, indent, false);
    }
    put(w, ")");
}

int64_t hone_sprint_module(char *text, size_t size, hone_module *module)
{
    if (!module) {
        hone__error_missing("sprint_module", "a module");
        return -1;
    }
    writer w = { text, text ? size : 0, 0 };
    put_module(&w, module, 0);
    if (w.size > 0)
        w.text[w.length < w.size ? w.length : w.size - 1] = 0;
    return (int64_t)w.length;
}

hone_status hone_fprint_module(FILE *stream, hone_module *module)
{
    if (!stream || !module)
        return hone__error_missing("print_module", "a module");
    const int64_t parameters = hone_parameter_count(module);
    if (parameters < 0)
        return hone_error_code();
    const size_t size = (size_t)hone_sprint_module(NULL, 0, module) + 1;
    char *text = hone__malloc(size);
    if (!text)
        return HONE_E_NOMEM;
    hone_sprint_module(text, size, module);
    const int printed = fprintf(stream, "%s\n%lld parameters\n", text, (long long)parameters);
    hone__free(text);
    if (printed < 0)
        return hone_error_set(HONE_E_IO, "print_module: can't write: %s", strerror(errno));
    return HONE_OK;
}

hone_status hone_print_module(hone_module *module)
{
    return hone_fprint_module(stdout, module);
}
