/* print.c: modules as text, in PyTorch's layout. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"
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

/* `more`: so many after it are printed alike and stand in the same line. */
static void put_child_name(writer *w, const hone__slot *slot, size_t indent, int more)
{
    char digits[16] = "", last[60] = "";
    if (slot->index >= 0)
        hone__format(digits, sizeof digits, slot->name ? ".%d" : "%d", slot->index);
    if (more > 0)
        hone__format(last, sizeof last, "-%d): %d x ", slot->index + more, more + 1);
    put_line(w, indent);
    put(w, "(");
    put(w, slot->name ? slot->name : "");
    put(w, digits);
    put(w, *last ? last : "): ");
}

static bool same_line(const hone_module *a, const hone_module *b)
{
    char of_a[256] = "", of_b[256] = "";
    if (a->type != b->type)
        return false;
    if (a->type->print) {
        a->type->print(a, of_a, sizeof of_a);
        b->type->print(b, of_b, sizeof of_b);
    }
    return strcmp(of_a, of_b) == 0;
}

/* The next child of the module that the walk is in; false: it has no more. */
static bool next_child(hone__descent *way, hone__slot *slot)
{
    hone__level *level = &way->at[way->n - 1];
    while (hone__slot_next(level->module, &level->slots, slot))
        if (slot->kind == HONE_FIELD_CHILD)
            return true;
    return false;
}

/* True if both are printed as the same text: one line after the other. */
static bool printed_alike(hone_module *a, hone_module *b, bool *ok)
{
    hone__descent way_a, way_b;
    bool alike = same_line(a, b);
    hone__descent_begin(&way_a, a);
    hone__descent_begin(&way_b, b);
    while (alike && *ok && way_a.n > 0) {
        hone__slot of_a, of_b;
        const bool child = next_child(&way_a, &of_a);
        alike = child == next_child(&way_b, &of_b);
        if (!child) {
            hone__ascend(&way_a);
            hone__ascend(&way_b);
        } else if (alike) {
            alike = of_a.index == of_b.index && same_line(of_a.value, of_b.value) &&
                    strcmp(of_a.name ? of_a.name : "", of_b.name ? of_b.name : "") == 0;
            *ok = hone__descend(&way_a, of_a.value) && hone__descend(&way_b, of_b.value);
        }
    }
    hone__descent_end(&way_a);
    hone__descent_end(&way_b);
    return alike && *ok;
}

/* Takes the children after this one that are printed alike, as PyTorch's ModuleList does it. */
static int take_alike(hone__level *level, const hone__slot *slot, bool *ok)
{
    int more = 0;
    if (level->module->type != &hone__module_list_class)
        return 0;
    for (hone__slots after = level->slots;; level->slots = after, more++) {
        hone__slot next;
        if (!hone__slot_next(level->module, &after, &next) ||
            !printed_alike(slot->value, next.value, ok))
            return more;
    }
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
            put_child_name(w, &slot, indent, take_alike(level, &slot, &ok));
            put_begin(w, slot.value, indent + 2);
            ok = ok && hone__descend(&way, slot.value);
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
