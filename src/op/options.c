/* options.c: what an op's field table says of its options, put to use. */
#include "op/options.h"

#include "core/text.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- fields */

static void *field(const hone__option *o, void *options)
{
    return (char *)options + o->offset;
}

static double number_in(const hone__option *o, const void *options)
{
    const void *at = (const char *)options + o->offset;
    switch (o->kind) {
    case HONE__OPT_INT:
        return (double)*(const int64_t *)at;
    case HONE__OPT_FLOAT:
        return *(const double *)at;
    case HONE__OPT_BOOL:
        return *(const bool *)at;
    case HONE__OPT_DTYPE:
        return *(const hone_dtype *)at;
    case HONE__OPT_CHOICE:
        return *(const int *)at;
    case HONE__OPT_DIMS:
        return ((const hone__shape *)at)->ndim;
    case HONE__OPT_TEXT:
        return (double)((const hone__words *)at)->n;
    case HONE__OPT_PAIR:
    case HONE__OPT_TRIPLE:
    case HONE__OPT_FLOATS:
        break; /* their numbers are looked at one by one */
    }
    return 0;
}

/* How many numbers a pair or a triple has; 0: it is none. */
static int count_of(const hone__option *o)
{
    const bool three = o->kind == HONE__OPT_TRIPLE || o->kind == HONE__OPT_FLOATS;
    return o->kind == HONE__OPT_PAIR ? 2 : three ? 3 : 0;
}

static double number_at(const hone__option *o, const void *options, int i)
{
    const void *at = (const char *)options + o->offset;
    return o->kind == HONE__OPT_FLOATS ? ((const double *)at)[i] : (double)((const int64_t *)at)[i];
}

static void put_number_at(const hone__option *o, void *options, int i, double value)
{
    void *at = field(o, options);
    if (o->kind == HONE__OPT_FLOATS)
        ((double *)at)[i] = value;
    else
        ((int64_t *)at)[i] = (int64_t)value;
}

static void put_number(const hone__option *o, void *options, double value)
{
    void *at = field(o, options);
    switch (o->kind) {
    case HONE__OPT_INT:
        *(int64_t *)at = value < 0x1p63 ? (int64_t)value : INT64_MAX;
        break;
    case HONE__OPT_FLOAT:
        *(double *)at = value;
        break;
    case HONE__OPT_BOOL:
        *(bool *)at = value != 0;
        break;
    case HONE__OPT_DTYPE:
        *(hone_dtype *)at = (hone_dtype)value;
        break;
    case HONE__OPT_CHOICE:
        *(int *)at = (int)value;
        break;
    case HONE__OPT_PAIR:
    case HONE__OPT_TRIPLE:
    case HONE__OPT_FLOATS:
        for (int i = 0; i < count_of(o); i++)
            put_number_at(o, options, i, value);
        break;
    case HONE__OPT_DIMS:
    case HONE__OPT_TEXT:
        break; /* none: an empty one */
    }
}

static bool in_range(const hone__op *op, const hone__option *o, double value)
{
    if ((o->min == 0 && o->max == 0) ||
        (value >= o->min && (o->below_max ? value < o->max : value <= o->max)))
        return true;
    char most[48] = "", wanted[96];
    if (o->max < DBL_MAX)
        hone__format(most, sizeof most, " to %s%.9g", o->below_max ? "below " : "", o->max);
    hone__format(wanted, sizeof wanted, "%.9g%s", o->min, *most ? most : " or more");
    hone_error_set(HONE_E_VALUE, "%s: %s is %.9g, but %s is wanted", op->name, o->name, value,
                   o->min > -DBL_MAX ? wanted : "a finite number");
    return false;
}

static bool numbers_in_range(const hone__op *op, const hone__option *o, const void *options)
{
    const int n = count_of(o);
    for (int i = 0; i < n; i++)
        if (!in_range(op, o, number_at(o, options, i)))
            return false;
    if (n > 0)
        return true;
    if (o->kind != HONE__OPT_DIMS)
        return in_range(op, o, number_in(o, options));
    const hone__shape *list = (const void *)((const char *)options + o->offset);
    for (int i = 0; i < list->ndim; i++)
        if (!in_range(op, o, (double)list->shape[i]))
            return false;
    return true;
}

static bool is_missing(const hone__op *op, const hone__option *o)
{
    hone_error_set(HONE_E_VALUE, "%s: attribute %s is missing", op->name, o->name);
    return false;
}

/* ---- from a user's struct */

/* A pair's and a triple's numbers have each their own 0, but none at all is what is missing. */
static bool resolve_numbers(const hone__op *op, const hone__option *o, void *plain)
{
    bool any = false;
    for (int i = 0; i < count_of(o); i++) {
        any = any || number_at(o, plain, i) != 0;
        if (number_at(o, plain, i) == 0)
            put_number_at(o, plain, i, o->standard);
    }
    return !any && o->required ? is_missing(op, o) : numbers_in_range(op, o, plain);
}

bool hone__options_resolve(const hone__op *op, const void *given, void *plain)
{
    memset(plain, 0, op->options_bytes);
    if (given)
        memcpy(plain, given, op->options_bytes);
    for (const hone__option *o = op->options; o && o->name; o++) {
        if (count_of(o) > 0) {
            if (!resolve_numbers(op, o, plain))
                return false;
            continue;
        }
        const double value = number_in(o, plain);
        if (value == 0 && o->required)
            return is_missing(op, o);
        if (value == 0)
            put_number(o, plain, o->standard);
        else if (o->kind == HONE__OPT_FLOAT && value == HONE_ZERO)
            put_number(o, plain, 0);
        if (!numbers_in_range(op, o, plain))
            return false;
    }
    return true;
}

/* ---- from text */

static bool is_name(const char *name, const char *at, size_t n)
{
    return strlen(name) == n && memcmp(name, at, n) == 0;
}

static bool read_int(const char *at, size_t n, int64_t *value)
{
    return hone__read_i64(at, n, value);
}

static bool read_bool(const char *at, size_t n, bool *value)
{
    *value = is_name("true", at, n) || is_name("1", at, n);
    return *value || is_name("false", at, n) || is_name("0", at, n);
}

static bool read_dtype(const char *at, size_t n, hone_dtype *value)
{
    for (int d = 0; d < HONE_DTYPES; d++) {
        if (!is_name(hone_dtype_name((hone_dtype)d), at, n))
            continue;
        *value = (hone_dtype)d;
        return true;
    }
    return false;
}

static bool read_choice(const hone__option *o, const char *at, size_t n, int *value)
{
    for (int i = 0; o->choices[i]; i++) {
        if (!is_name(o->choices[i], at, n))
            continue;
        *value = i;
        return true;
    }
    return false;
}

/* "2,3"; an empty text is an empty list. */
static bool read_dims(const char *at, size_t n, hone__shape *value)
{
    value->ndim = 0;
    while (n > 0) {
        const char *comma = memchr(at, ',', n);
        const size_t length = comma ? (size_t)(comma - at) : n;
        if (value->ndim == HONE_MAX_DIMS || !read_int(at, length, &value->shape[value->ndim++]))
            return false;
        at += length + (comma != NULL);
        n -= length + (comma != NULL);
        if (comma && n == 0)
            return false;
    }
    return true;
}

/* "3,2", or "3" for so many times the same. */
static bool read_numbers(const hone__option *o, const char *at, size_t n, void *plain)
{
    const int count = count_of(o);
    int i = 0;
    for (bool more = true; more && i < count; i++) {
        const char *comma = memchr(at, ',', n);
        const size_t length = comma ? (size_t)(comma - at) : n;
        int64_t whole = 0;
        double value = 0;
        if (o->kind == HONE__OPT_FLOATS ? !hone__read_f64(at, length, &value)
                                        : !read_int(at, length, &whole))
            return false;
        if (o->kind == HONE__OPT_FLOATS)
            put_number_at(o, plain, i, value);
        else
            ((int64_t *)field(o, plain))[i] = whole;
        more = comma != NULL;
        at += length + more;
        n -= length + more;
        if (more && i == count - 1)
            return false;
    }
    for (int k = i; i == 1 && k < count; k++)
        put_number_at(o, plain, k, number_at(o, plain, 0));
    return i == 1 || i == count || o->some;
}

static bool read_value(const hone__option *o, const char *at, size_t n, void *plain)
{
    void *to = field(o, plain);
    switch (o->kind) {
    case HONE__OPT_INT:
        return read_int(at, n, to);
    case HONE__OPT_FLOAT:
        return hone__read_f64(at, n, to);
    case HONE__OPT_BOOL:
        return read_bool(at, n, to);
    case HONE__OPT_DTYPE:
        return read_dtype(at, n, to);
    case HONE__OPT_CHOICE:
        return read_choice(o, at, n, to);
    case HONE__OPT_DIMS:
        return read_dims(at, n, to);
    case HONE__OPT_PAIR:
    case HONE__OPT_TRIPLE:
    case HONE__OPT_FLOATS:
        return read_numbers(o, at, n, plain);
    case HONE__OPT_TEXT:
        *(hone__words *)to = (hone__words){ at, n };
        return true;
    }
    return false;
}

static const char *kind_text(hone__option_kind kind)
{
    static const char *const texts[] = { "int",    "float", "bool",   "dtype",  "dims",
                                         "choice", "pair",  "triple", "floats", "text" };
    return texts[kind];
}

static const char *wanted_text(hone__option_kind kind)
{
    static const char *const texts[] = { "a whole number",
                                         "a number",
                                         "true or false",
                                         "a dtype (f32, f64, i64, i32, u8, bool)",
                                         "up to 8 whole numbers joined by commas",
                                         "",
                                         "a whole number, or two joined by a comma,",
                                         "a whole number, or three joined by commas,",
                                         "a number, or up to three joined by commas,",
                                         "a text" };
    return texts[kind];
}

/* "zeros, reflect or circular" */
static void list_choices(const hone__option *o, char *text, size_t size)
{
    size_t used = 0;
    for (int i = 0; o->choices[i] && used < size; i++)
        used += (size_t)hone__format(text + used, size - used, "%s%s",
                                     i == 0              ? ""
                                     : o->choices[i + 1] ? ", "
                                                         : " or ",
                                     o->choices[i]);
}

static bool wrong_value(const hone__op *op, const hone__option *o, const char *at, size_t n)
{
    char choices[160];
    if (o->kind == HONE__OPT_CHOICE)
        list_choices(o, choices, sizeof choices);
    hone_error_set(HONE_E_VALUE, "%s: attribute %s is \"%.*s\", but %s is wanted", op->name,
                   o->name, (int)(n < 60 ? n : 60), at,
                   o->kind == HONE__OPT_CHOICE ? choices : wanted_text(o->kind));
    return false;
}

static bool no_such_attribute(const hone__op *op, const char *at, size_t n)
{
    char signature[400] = "none";
    if (op->options && op->options->name)
        hone__options_print(op, signature, sizeof signature);
    hone_error_set(HONE_E_VALUE, "%s: it has no attribute \"%.*s\"; it has %s", op->name,
                   (int)(n < 60 ? n : 60), at,
                   op->options ? signature + strlen(", *, ") : signature);
    return false;
}

/* The text up to the next blank. */
static size_t word_length(const char *at)
{
    return strcspn(at, " \t\n");
}

static bool read_attribute(const hone__op *op, const char *at, size_t n, uint32_t *seen,
                           void *plain)
{
    const char *equals = memchr(at, '=', n);
    const size_t name_length = equals ? (size_t)(equals - at) : n;
    const hone__option *o = op->options;
    while (o && o->name && !is_name(o->name, at, name_length))
        o++;
    if (!o || !o->name)
        return no_such_attribute(op, at, name_length);
    const uint32_t bit = 1u << (o - op->options);
    if (*seen & bit) {
        hone_error_set(HONE_E_VALUE, "%s: attribute %s is given twice", op->name, o->name);
        return false;
    }
    *seen |= bit;
    const char *value = equals ? equals + 1 : at + n;
    const size_t value_length = (size_t)(at + n - value);
    if (!equals || !read_value(o, value, value_length, plain))
        return wrong_value(op, o, value, value_length);
    return numbers_in_range(op, o, plain);
}

static bool read_attributes(const hone__op *op, const char *text, uint32_t *seen, void *plain)
{
    for (const char *at = text ? text : ""; *(at += strspn(at, " \t\n"));) {
        const size_t n = word_length(at);
        if (!read_attribute(op, at, n, seen, plain))
            return false;
        at += n;
    }
    return true;
}

bool hone__options_change(const hone__op *op, const char *text, void *plain)
{
    uint32_t seen = 0;
    return read_attributes(op, text, &seen, plain);
}

bool hone__options_read(const hone__op *op, const char *text, void *plain)
{
    uint32_t seen = 0;
    memset(plain, 0, op->options_bytes);
    if (!read_attributes(op, text, &seen, plain))
        return false;
    for (const hone__option *o = op->options; o && o->name; o++) {
        if (seen & (1u << (o - op->options)))
            continue;
        if (o->required)
            return is_missing(op, o);
        put_number(o, plain, o->standard);
    }
    return true;
}

/* ---- one by one */

static const hone__option *find(const hone__op *op, const char *name)
{
    const hone__option *o = op->options;
    while (o && o->name && strcmp(o->name, name) != 0)
        o++;
    return o && o->name ? o : NULL;
}

bool hone__option_get(const hone__op *op, const char *name, const void *plain, double *value)
{
    const hone__option *o = find(op, name);
    if (o)
        *value = number_in(o, plain);
    return o != NULL;
}

bool hone__option_set(const hone__op *op, const char *name, double value, void *plain)
{
    const hone__option *o = find(op, name);
    if (!o)
        return no_such_attribute(op, name, strlen(name));
    if (!in_range(op, o, value))
        return false;
    put_number(o, plain, value);
    return true;
}

/* ---- to text */

static int print_default(const hone__option *o, char *text, size_t size)
{
    switch (o->kind) {
    case HONE__OPT_BOOL:
        return hone__format(text, size, " = %s", o->standard != 0 ? "true" : "false");
    case HONE__OPT_DTYPE:
        return hone__format(text, size, " = %s", hone_dtype_name((hone_dtype)o->standard));
    case HONE__OPT_CHOICE:
        return hone__format(text, size, " = %s", o->choices[(int)o->standard]);
    case HONE__OPT_DIMS:
        return hone__format(text, size, " = ()");
    case HONE__OPT_TEXT:
        return hone__format(text, size, " = \"\"");
    case HONE__OPT_INT:
    case HONE__OPT_FLOAT:
    case HONE__OPT_PAIR:
    case HONE__OPT_TRIPLE:
    case HONE__OPT_FLOATS:
        break;
    }
    return hone__format(text, size, " = %.9g", o->standard);
}

int hone__options_print(const hone__op *op, char *text, size_t size)
{
    size_t used = 0;
    if (size > 0)
        *text = 0;
    for (const hone__option *o = op->options; o && o->name; o++) {
        const bool first = o == op->options;
        used +=
            (size_t)hone__format(text + (used < size ? used : size), used < size ? size - used : 0,
                                 "%s%s: %s", first ? ", *, " : ", ", o->name, kind_text(o->kind));
        if (!o->required)
            used += (size_t)print_default(o, text + (used < size ? used : size),
                                          used < size ? size - used : 0);
    }
    return (int)used;
}
