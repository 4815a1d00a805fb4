/* pickle.c: one loop over the opcodes, a stack of values and a memo. */
#include "io/pickle.h"

#include "core/core.h"
#include "io/json.h"
#include "runtime/memory.h"

#include <string.h>

#define ORDERED_DICT "collections OrderedDict"

enum { CHUNK = 256 }; /* values that are made at once */

typedef struct {
    hone_file *file;
    const unsigned char *at, *end;
    const char *const *globals;
    hone__pickled *chunk; /* values that are still unused */
    int unused;
    hone__pickled list[2]; /* the stack and the memo */
} reader;

static hone__pickled *const failed = NULL;

static hone__pickled *bad(reader *r, const char *why)
{
    hone__file_bad(r->file, "its pickle %s", why);
    return failed;
}

/* ---- values */

static hone__pickled *value(reader *r, hone__pickled_kind kind)
{
    if (r->unused == 0) {
        r->chunk = hone__file_room(r->file, CHUNK * sizeof *r->chunk);
        r->unused = r->chunk ? CHUNK : 0;
    }
    if (r->unused == 0)
        return failed;
    hone__pickled *v = &r->chunk[--r->unused];
    *v = (hone__pickled){ .kind = kind };
    return v;
}

static hone__pickled *number(reader *r, hone__pickled_kind kind, int64_t n)
{
    hone__pickled *v = value(r, kind);
    if (v)
        v->number = n;
    return v;
}

/* Doubles its room: what is left behind is no more than what is there. */
static bool add(reader *r, hone__pickled *to, hone__pickled *item)
{
    if (to->n == to->room) {
        const int room = to->room ? 2 * to->room : 4;
        hone__pickled **items = hone__file_room(r->file, (size_t)room * sizeof *items);
        if (!items)
            return false;
        if (to->n)
            memcpy(items, to->items, (size_t)to->n * sizeof *items);
        to->items = items;
        to->room = room;
    }
    to->items[to->n++] = item;
    return true;
}

/* ---- bytes */

static const unsigned char *take(reader *r, size_t n)
{
    if ((size_t)(r->end - r->at) < n) {
        bad(r, "is truncated");
        return NULL;
    }
    const unsigned char *at = r->at;
    r->at += n;
    return at;
}

/* A little-endian number of n bytes. */
static bool take_number(reader *r, int n, uint64_t *out)
{
    const unsigned char *at = take(r, (size_t)n);
    *out = 0;
    for (int i = n - 1; at && i >= 0; i--)
        *out = *out << 8 | at[i];
    return at;
}

static hone__pickled *text(reader *r, int length_bytes)
{
    uint64_t n;
    if (!take_number(r, length_bytes, &n))
        return failed;
    const unsigned char *at = take(r, n);
    if (!at)
        return failed;
    for (size_t i = 0, length; i < n; i += length) {
        length = (size_t)hone__utf8_length((const char *)at + i, n - i);
        if (length == 0 || !at[i])
            return bad(r, "has a text that isn't UTF-8, or with U+0000 in it");
    }
    hone__pickled *v = value(r, HONE__PICKLED_TEXT);
    const char *copy = v ? hone__file_text(r->file, (const char *)at, n) : NULL;
    if (copy)
        v->text = copy;
    return copy ? v : failed;
}

static hone__pickled *real(reader *r)
{
    uint64_t bits = 0;
    const unsigned char *at = take(r, 8);
    hone__pickled *v = at ? value(r, HONE__PICKLED_REAL) : failed;
    for (int i = 0; v && i < 8; i++) /* big-endian, it alone */
        bits = bits << 8 | at[i];
    if (v)
        memcpy(&v->real, &bits, 8);
    return v;
}

/* Two's complement of any length. */
static hone__pickled *long_number(reader *r, int length_bytes)
{
    uint64_t n, small = 0;
    const unsigned char *at = take_number(r, length_bytes, &n) ? take(r, n) : NULL;
    if (!at)
        return failed;
    const bool negative = n > 0 && at[n - 1] & 0x80;
    if (n <= 8) {
        small = negative ? ~UINT64_C(0) : 0;
        for (uint64_t i = n; i-- > 0;)
            small = small << 8 | at[i];
        return number(r, HONE__PICKLED_INT, (int64_t)small);
    }
    hone__pickled *v = value(r, HONE__PICKLED_LARGE);
    const size_t bytes = 2 * n + 5;
    char *digits = v ? hone__file_room(r->file, bytes) : NULL;
    if (!digits)
        return failed;
    v->text = digits;
    int used = hone__format(digits, bytes, negative ? "-..0x" : "0x");
    if (negative) /* as many Fs in front as one likes */
        used = hone__format(digits, bytes, "..0x");
    for (uint64_t i = n; i-- > 0;)
        used += hone__format(digits + used, bytes - (size_t)used, "%02x", at[i]);
    return v;
}

/* "module\nname\n" -> "module name", if it is in the list. */
static hone__pickled *global(reader *r)
{
    char name[200];
    const unsigned char *line = memchr(r->at, '\n', (size_t)(r->end - r->at));
    const unsigned char *stop = line ? memchr(line + 1, '\n', (size_t)(r->end - line) - 1) : NULL;
    if (!stop)
        return bad(r, "is truncated");
    hone__format(name, sizeof name, "%.*s %.*s", (int)(line - r->at < 90 ? line - r->at : 90),
                 (const char *)r->at, (int)(stop - line - 1 < 90 ? stop - line - 1 : 90),
                 (const char *)line + 1);
    r->at = stop + 1;
    for (const char *const *g = r->globals; *g; g++)
        if (strcmp(*g, name) == 0) {
            hone__pickled *v = value(r, HONE__PICKLED_GLOBAL);
            if (v)
                v->text = *g;
            return v;
        }
    *strchr(name, ' ') = '.';
    for (char *c = name; *c; c++)
        *c = *c < 0x20 || *c > 0x7E ? '?' : *c;
    hone_error_set(
        HONE_E_FORMAT,
        "%s: %s asks for %s: hone reads tensors, dicts, lists and plain values, and runs "
        "nothing (of a module, save its state_dict())",
        r->file->where, r->file->path, name);
    return failed;
}

/* ---- the stack */

static hone__pickled *pop(reader *r)
{
    hone__pickled *stack = &r->list[0];
    if (stack->n == 0 || stack->items[stack->n - 1]->kind == HONE__PICKLED_MARK)
        return bad(r, "takes more from its stack than there is");
    return stack->items[--stack->n];
}

static hone__pickled *top(reader *r)
{
    hone__pickled *v = pop(r);
    if (v)
        r->list[0].n++;
    return v;
}

/* Where the items since the last mark begin; -1: there is none. */
static int marked(reader *r)
{
    const hone__pickled *stack = &r->list[0];
    for (int i = stack->n; i-- > 0;)
        if (stack->items[i]->kind == HONE__PICKLED_MARK)
            return i + 1;
    bad(r, "has no mark where it needs one");
    return -1;
}

/* The last n values, out of the stack, into a container. */
static hone__pickled *gather(reader *r, hone__pickled *into, int n)
{
    hone__pickled *stack = &r->list[0];
    if (!into)
        return failed;
    for (int i = stack->n - n; i < stack->n; i++)
        if (!add(r, into, stack->items[i]))
            return failed;
    stack->n -= n;
    return into;
}

static hone__pickled *tuple(reader *r, int n)
{
    const hone__pickled *stack = &r->list[0];
    if (stack->n < n)
        return bad(r, "takes more from its stack than there is");
    for (int i = stack->n - n; i < stack->n; i++)
        if (stack->items[i]->kind == HONE__PICKLED_MARK)
            return bad(r, "takes more from its stack than there is");
    return gather(r, value(r, HONE__PICKLED_TUPLE), n);
}

static hone__pickled *marked_tuple(reader *r)
{
    const int begin = marked(r);
    hone__pickled *v =
        begin < 0 ? failed : gather(r, value(r, HONE__PICKLED_TUPLE), r->list[0].n - begin);
    if (v)
        r->list[0].n--; /* the mark */
    return v;
}

/* Items since the mark, or the last n, into the list or dict below them, which stays. */
static bool extend(reader *r, hone__pickled_kind kind, int n)
{
    hone__pickled *stack = &r->list[0];
    const int begin = n ? stack->n - n : marked(r);
    if (n == 0 && begin < 0)
        return false;
    const int below = begin - (n ? 1 : 2), count = stack->n - begin;
    hone__pickled *into = below >= 0 ? stack->items[below] : NULL;
    if (!into || into->kind != kind || (kind == HONE__PICKLED_DICT && count % 2))
        return bad(r, "adds to what is no list or dict");
    if (!gather(r, into, count))
        return false;
    stack->n -= n ? 0 : 1;
    return true;
}

/* ---- calls that aren't made */

static hone__pickled *call(reader *r)
{
    hone__pickled *arguments = pop(r), *function = arguments ? pop(r) : failed;
    if (!function)
        return failed;
    if (function->kind != HONE__PICKLED_GLOBAL || arguments->kind != HONE__PICKLED_TUPLE)
        return bad(r, "calls what is no function");
    if (strcmp(function->text, ORDERED_DICT) == 0) {
        if (arguments->n > 0)
            return bad(r, "has an OrderedDict of other things");
        return value(r, HONE__PICKLED_DICT);
    }
    hone__pickled *v = value(r, HONE__PICKLED_CALL);
    return v && add(r, v, function) && add(r, v, arguments) ? v : failed;
}

static hone__pickled *outside(reader *r)
{
    hone__pickled *id = pop(r), *v = id ? value(r, HONE__PICKLED_OUTSIDE) : failed;
    return v && add(r, v, id) ? v : failed;
}

/* ---- the memo: numbered in order */

static bool put(reader *r, int index_bytes)
{
    hone__pickled *memo = &r->list[1], *v = top(r);
    uint64_t i;
    if (!v || !take_number(r, index_bytes, &i))
        return false;
    if (i > (uint64_t)memo->n)
        return bad(r, "numbers its memo out of order");
    if (i == (uint64_t)memo->n)
        return add(r, memo, v);
    memo->items[i] = v;
    return true;
}

static hone__pickled *get(reader *r, int index_bytes)
{
    uint64_t i;
    if (!take_number(r, index_bytes, &i))
        return failed;
    if (i >= (uint64_t)r->list[1].n)
        return bad(r, "takes what isn't in its memo");
    return r->list[1].items[i];
}

/* ---- opcodes */

static hone__pickled *small_number(reader *r, int bytes)
{
    uint64_t n;
    if (!take_number(r, bytes, &n))
        return failed;
    return number(r, HONE__PICKLED_INT, bytes == 4 ? (int64_t)(int32_t)(uint32_t)n : (int64_t)n);
}

/* Those that put a value on the stack; *done is false of others. */
static hone__pickled *made(reader *r, int opcode, bool *done)
{
    *done = true;
    switch (opcode) {
    case 'N':
        return value(r, HONE__PICKLED_NONE);
    case 0x88:
        return number(r, HONE__PICKLED_BOOL, 1);
    case 0x89:
        return number(r, HONE__PICKLED_BOOL, 0);
    case 'J':
        return small_number(r, 4);
    case 'K':
        return small_number(r, 1);
    case 'M':
        return small_number(r, 2);
    case 0x8a:
        return long_number(r, 1);
    case 0x8b:
        return long_number(r, 4);
    case 'G':
        return real(r);
    case 'X':
    case 'T':
        return text(r, 4);
    case 'U':
        return text(r, 1);
    case '}':
        return value(r, HONE__PICKLED_DICT);
    case ']':
        return value(r, HONE__PICKLED_LIST);
    case ')':
        return value(r, HONE__PICKLED_TUPLE);
    case '(':
        return value(r, HONE__PICKLED_MARK);
    case 't':
        return marked_tuple(r);
    case 0x85:
    case 0x86:
    case 0x87:
        return tuple(r, opcode - 0x84);
    case 'c':
        return global(r);
    case 'R':
        return call(r);
    case 'Q':
        return outside(r);
    case 'h':
        return get(r, 1);
    case 'j':
        return get(r, 4);
    default:
        *done = false;
        return failed;
    }
}

static bool protocol(reader *r)
{
    uint64_t version;
    if (!take_number(r, 1, &version))
        return false;
    if (version <= 2)
        return true;
    hone__file_bad(r->file,
                   "it is pickled with protocol %d, which torch.load refuses, too: save it "
                   "with protocol 2, the default",
                   (int)version);
    return false;
}

static bool step(reader *r, int opcode)
{
    bool done;
    hone__pickled *v = made(r, opcode, &done);
    if (done)
        return v && add(r, &r->list[0], v);
    switch (opcode) {
    case 0x80:
        return protocol(r);
    case 'q':
        return put(r, 1);
    case 'r':
        return put(r, 4);
    case 'a':
        return extend(r, HONE__PICKLED_LIST, 1);
    case 'e':
        return extend(r, HONE__PICKLED_LIST, 0);
    case 's':
        return extend(r, HONE__PICKLED_DICT, 2);
    case 'u':
        return extend(r, HONE__PICKLED_DICT, 0);
    case 'b':
        return pop(r) && top(r); /* a state: attributes, which hone has no use for */
    default:
        break;
    }
    hone__file_bad(r->file, "its pickle has the opcode 0x%02x, which hone doesn't know", opcode);
    return false;
}

const hone__pickled *hone__unpickle(hone_file *f, const unsigned char *bytes, int64_t n,
                                    const char *const *globals)
{
    reader r = { .file = f, .at = bytes, .end = bytes + n, .globals = globals };
    for (;;) {
        const unsigned char *opcode = take(&r, 1);
        if (!opcode)
            return NULL;
        if (*opcode == '.')
            return pop(&r);
        if (!step(&r, *opcode))
            return NULL;
    }
}
