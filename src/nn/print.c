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

/* Of a deep nest these are nearly all: those past the end are counted at once. */
static void put_spaces(writer *w, size_t n)
{
    const size_t room = w->size > w->length + 1 ? w->size - w->length - 1 : 0;
    if (room > 0)
        memset(w->text + w->length, ' ', n < room ? n : room);
    w->length += n;
}

static void put_line(writer *w, size_t indent)
{
    put(w, "\n");
    put_spaces(w, indent);
}

static void put_extra(writer *w, const hone_module *module, size_t indent, bool own_line)
{
    char extra[256] = "";
    if (module->type->print)
        module->type->print(module, extra, sizeof extra);
    if (!extra[0])
        return;
    if (own_line)
        put_line(w, indent);
    put(w, extra);
}

static bool has_children(const hone_module *module)
{
    hone__slots walk = hone__slots_of(module);
    hone__slot slot;
    while (hone__slot_next(module, &walk, &slot))
        if (slot.kind == HONE_FIELD_CHILD)
            return true;
    return false;
}

static void put_child_name(writer *w, const hone__slot *slot, size_t indent)
{
    char digits[16] = "";
    if (slot->index >= 0)
        hone__format(digits, sizeof digits, slot->name ? ".%d" : "%d", slot->index);
    put_line(w, indent);
    put(w, "(");
    put(w, slot->name ? slot->name : "");
    put(w, digits);
    put(w, "): ");
}

/* What comes before a module's children, who are indented by `indent`. */
static void put_begin(writer *w, const hone_module *module, size_t indent)
{
    put(w, module->type->name);
    put(w, "(");
    put_extra(w, module, indent, has_children(module));
}

static bool put_module(writer *w, hone_module *module)
{
    hone__descent way;
    bool ok = true;
    hone__descent_begin(&way, module);
    put_begin(w, module, 2);
    while (ok && way.n > 0) {
        hone__level *level = &way.at[way.n - 1];
        const size_t indent = 2 * (size_t)way.n;
        hone__slot slot;
        if (!hone__slot_next(level->module, &level->slots, &slot)) {
            if (has_children(level->module))
                put_line(w, indent - 2);
            put(w, ")");
            hone__ascend(&way);
        } else if (slot.kind == HONE_FIELD_CHILD) {
            put_child_name(w, &slot, indent);
            put_begin(w, slot.value, indent + 2);
            ok = hone__descend(&way, slot.value);
        }
    }
    hone__descent_end(&way);
    return ok;
}

int64_t hone_sprint_module(char *text, size_t size, hone_module *module)
{
    if (!module) {
        hone__error_missing("sprint_module", "a module");
        return -1;
    }
    writer w = { text, text ? size : 0, 0 };
    const bool ok = put_module(&w, module);
    if (w.size > 0)
        w.text[w.length < w.size ? w.length : w.size - 1] = 0;
    return ok ? (int64_t)w.length : -1;
}

hone_status hone_fprint_module(FILE *stream, hone_module *module)
{
    if (!stream || !module)
        return hone__error_missing("print_module", "a module");
    const int64_t parameters = hone_parameter_count(module);
    if (parameters < 0)
        return hone__error_last();
    const int64_t length = hone_sprint_module(NULL, 0, module);
    if (length < 0)
        return hone__error_last();
    const size_t size = (size_t)length + 1;
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
