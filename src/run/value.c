/* value.c: arithmetic on what is known while a network is built. */
#include "run/value.h"

#include "core/text.h"

#include <math.h>
#include <string.h>

const char *hone__value_text(const hone__value *v)
{
    static const char *const texts[] = {
        [HONE__VALUE_NONE] = "None",
        [HONE__VALUE_BOOL] = "True or False",
        [HONE__VALUE_INT] = "a whole number",
        [HONE__VALUE_FLOAT] = "a number",
        [HONE__VALUE_TEXT] = "a text",
        [HONE__VALUE_LIST] = "a list",
        [HONE__VALUE_CLASS] = "a model that isn't made",
        [HONE__VALUE_MODULE] = "a layer",
        [HONE__VALUE_FIELD] = "a parameter",
        [HONE__VALUE_TENSOR] = "a tensor",
        [HONE__VALUE_SIZE] = "a size",
    };
    return texts[v->kind];
}

const char *hone__sign_text(int sign)
{
    static const struct {
        int sign;
        const char *text;
    } texts[] = { { HONE__SIGN_EQ, "==" },
                  { HONE__SIGN_NE, "!=" },
                  { HONE__SIGN_LE, "<=" },
                  { HONE__SIGN_GE, ">=" },
                  { HONE__SIGN_FLOOR, "//" },
                  { HONE__SIGN_POWER, "**" },
                  { HONE__WORD_NOT, "not" },
                  { HONE__WORD_IS, "is" },
                  { HONE__WORD_IS_NOT, "is not" },
                  { '+', "+" },
                  { '-', "-" },
                  { '*', "*" },
                  { '/', "/" },
                  { '%', "%" },
                  { '@', "@" },
                  { '<', "<" },
                  { '>', ">" } };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].sign == sign)
            return texts[i].text;
    return "?";
}

bool hone__value_is_number(const hone__value *v)
{
    return v->kind == HONE__VALUE_INT || v->kind == HONE__VALUE_FLOAT;
}

double hone__value_number(const hone__value *v)
{
    return v->kind == HONE__VALUE_INT ? (double)v->i : v->f;
}

bool hone__value_equal(const hone__value *a, const hone__value *b)
{
    if (hone__value_is_number(a) && hone__value_is_number(b))
        return a->kind == HONE__VALUE_INT && b->kind == HONE__VALUE_INT
                   ? a->i == b->i
                   : hone__value_number(a) == hone__value_number(b);
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case HONE__VALUE_NONE:
        return true;
    case HONE__VALUE_BOOL:
        return a->b == b->b;
    case HONE__VALUE_TEXT:
    case HONE__VALUE_CLASS:
        return strcmp(a->text, b->text) == 0;
    case HONE__VALUE_MODULE:
        return a->module == b->module;
    case HONE__VALUE_FIELD:
        return a->tensor == b->tensor;
    case HONE__VALUE_LIST:
        for (int i = 0; i < a->n; i++)
            if (a->n != b->n || !hone__value_equal(&a->list[i], &b->list[i]))
                return false;
        return a->n == b->n;
    default:
        return false;
    }
}

bool hone__value_truth(hone__place place, const hone__value *v, bool *truth)
{
    switch (v->kind) {
    case HONE__VALUE_NONE:
        *truth = false;
        return true;
    case HONE__VALUE_BOOL:
        *truth = v->b;
        return true;
    case HONE__VALUE_INT:
    case HONE__VALUE_FLOAT:
        *truth = hone__value_number(v) != 0;
        return true;
    case HONE__VALUE_TEXT:
        *truth = *v->text;
        return true;
    case HONE__VALUE_LIST:
        *truth = v->n > 0;
        return true;
    case HONE__VALUE_TENSOR:
    case HONE__VALUE_SIZE:
        return hone__complain(place,
                              "%s is known only when the network runs; a condition is on "
                              "what is known before, or on `training`",
                              hone__value_text(v));
    default:
        *truth = true;
        return true;
    }
}

/* ---- numbers */

static int64_t floor_divide(int64_t i, int64_t j)
{
    return i / j - ((i % j != 0) && ((i < 0) != (j < 0)));
}

static bool int_power(int64_t base, int64_t exponent, int64_t *out)
{
    *out = 1;
    for (; exponent > 0; exponent--) {
        if (__builtin_mul_overflow(*out, base, out))
            return false;
        if (*out == 0 || base == 1)
            return true;
        if (base == -1)
            return *out = exponent % 2 ? -1 : 1, true;
    }
    return true;
}

bool hone__int_binary(int sign, int64_t i, int64_t j, int64_t *out, const char **message)
{
    bool overflow = false;
    *message = "a whole number beyond 64 bits";
    if ((sign == HONE__SIGN_FLOOR || sign == '%') && j == 0) {
        *message = "a division by zero";
        return false;
    }
    switch (sign) {
    case '+':
        overflow = __builtin_add_overflow(i, j, out);
        break;
    case '-':
        overflow = __builtin_sub_overflow(i, j, out);
        break;
    case '*':
        overflow = __builtin_mul_overflow(i, j, out);
        break;
    case HONE__SIGN_FLOOR:
        overflow = i == INT64_MIN && j == -1;
        if (!overflow)
            *out = floor_divide(i, j);
        break;
    case '%':
        *out = j == -1 ? 0 : i - j * floor_divide(i, j);
        break;
    case HONE__SIGN_POWER:
        overflow = !int_power(i, j, out);
        break;
    default:
        *message = "no operation on whole numbers";
        return false;
    }
    return !overflow;
}

/* By multiplications and square roots alone, so that it is the same everywhere. */
static bool float_power(double base, double exponent, double *out)
{
    const bool root = exponent != floor(exponent);
    const double whole = fabs(root ? exponent - 0.5 : exponent);
    if (whole != floor(whole) || whole > 1000 || (root && exponent < 0 && exponent != -0.5))
        return false;
    double power = 1;
    for (int i = 0; i < (int)(root && exponent < 0 ? 0 : whole); i++)
        power *= base;
    if (root)
        power *= sqrt(base);
    *out = exponent < 0 ? 1 / power : power;
    return true;
}

static bool float_binary(hone__place place, int sign, double a, double b, hone__value *out)
{
    *out = (hone__value){ .kind = HONE__VALUE_FLOAT };
    if ((sign == '/' || sign == '%' || sign == HONE__SIGN_FLOOR) && b == 0)
        return hone__complain(place, "a division by zero");
    switch (sign) {
    case '+':
        out->f = a + b;
        return true;
    case '-':
        out->f = a - b;
        return true;
    case '*':
        out->f = a * b;
        return true;
    case '/':
        out->f = a / b;
        return true;
    case HONE__SIGN_FLOOR:
        out->f = floor(a / b);
        return true;
    case '%':
        out->f = fmod(a, b);
        out->f += out->f != 0 && (out->f < 0) != (b < 0) ? b : 0;
        return true;
    default:
        return float_power(a, b, &out->f) ||
               hone__complain(place, "the exponent is a whole number, or one and a half of that "
                                     "kind (0.5, 1.5), or -0.5");
    }
}

static bool number_binary(hone__place place, int sign, const hone__value *a, const hone__value *b,
                          hone__value *out)
{
    const char *message;
    if (a->kind != HONE__VALUE_INT || b->kind != HONE__VALUE_INT || sign == '/' ||
        (sign == HONE__SIGN_POWER && b->i < 0))
        return float_binary(place, sign, hone__value_number(a), hone__value_number(b), out);
    *out = hone__value_int(0);
    return hone__int_binary(sign, a->i, b->i, &out->i, &message) ||
           hone__complain(place, "%s", message);
}

/* ---- lists and comparisons */

static bool list_binary(hone__arena *arena, hone__place place, int sign, const hone__value *a,
                        const hone__value *b, hone__value *out)
{
    const bool add = sign == '+' && b->kind == HONE__VALUE_LIST;
    if (!add && !(sign == '*' && b->kind == HONE__VALUE_INT))
        return hone__complain(place, "a list %s %s has no meaning", hone__sign_text(sign),
                              hone__value_text(b));
    const int64_t times = add ? 1 : b->i < 0 ? 0 : b->i;
    if (times > 100000 || a->n * times + (add ? b->n : 0) > 100000)
        return hone__complain(place, "a list of more than 100000 elements");
    *out = (hone__value){ .kind = HONE__VALUE_LIST, .n = a->n * (int)times + (add ? b->n : 0) };
    out->list = hone__arena_take(arena, (size_t)(out->n + 1) * sizeof *out->list);
    if (!out->list)
        return false;
    for (int i = 0; i < a->n * (int)times; i++)
        out->list[i] = a->list[i % a->n];
    for (int i = 0; add && i < b->n; i++)
        out->list[a->n + i] = b->list[i];
    return true;
}

static bool is_order(int sign)
{
    return sign == '<' || sign == '>' || sign == HONE__SIGN_LE || sign == HONE__SIGN_GE;
}

static bool compare(hone__place place, int sign, const hone__value *a, const hone__value *b,
                    hone__value *out)
{
    if (!is_order(sign)) {
        const bool same = hone__value_equal(a, b);
        *out = hone__value_bool(sign == HONE__SIGN_EQ || sign == HONE__WORD_IS ? same : !same);
        return true;
    }
    if (!hone__value_is_number(a) || !hone__value_is_number(b))
        return hone__complain(place, "%s %s %s has no meaning", hone__value_text(a),
                              hone__sign_text(sign), hone__value_text(b));
    const bool whole = a->kind == HONE__VALUE_INT && b->kind == HONE__VALUE_INT;
    const double x = hone__value_number(a), y = hone__value_number(b);
    const bool less = whole ? a->i < b->i : x < y, more = whole ? a->i > b->i : x > y;
    const bool same = whole ? a->i == b->i : x == y;
    *out = hone__value_bool(sign == '<'             ? less
                            : sign == '>'           ? more
                            : sign == HONE__SIGN_LE ? less || same
                                                    : more || same);
    return true;
}

bool hone__value_binary(hone__arena *arena, hone__place place, int sign, const hone__value *a,
                        const hone__value *b, hone__value *out)
{
    if (sign == HONE__SIGN_EQ || sign == HONE__SIGN_NE || sign == HONE__WORD_IS ||
        sign == HONE__WORD_IS_NOT || is_order(sign))
        return compare(place, sign, a, b, out);
    if (hone__value_is_number(a) && hone__value_is_number(b) && sign != '@')
        return number_binary(place, sign, a, b, out);
    if (a->kind == HONE__VALUE_LIST)
        return list_binary(arena, place, sign, a, b, out);
    return hone__complain(place, "%s %s %s has no meaning", hone__value_text(a),
                          hone__sign_text(sign), hone__value_text(b));
}

bool hone__value_unary(hone__place place, int sign, const hone__value *a, hone__value *out)
{
    bool truth = false;
    if (sign == HONE__WORD_NOT) {
        if (!hone__value_truth(place, a, &truth))
            return false;
        *out = hone__value_bool(!truth);
        return true;
    }
    if (!hone__value_is_number(a))
        return hone__complain(place, "%s %s has no meaning", hone__sign_text(sign),
                              hone__value_text(a));
    const hone__value zero = hone__value_int(0);
    *out = *a;
    if (sign == '-' && a->kind == HONE__VALUE_FLOAT)
        out->f = -a->f;
    return sign == '+' || a->kind == HONE__VALUE_FLOAT || number_binary(place, '-', &zero, a, out);
}

/* ---- as text */

static bool append(char *text, size_t size, const char *what)
{
    const size_t used = strlen(text), n = strlen(what);
    if (used + n >= size)
        return false;
    memcpy(text + used, what, n + 1);
    return true;
}

/* As few digits as give the number back. */
static void print_float(char *text, size_t size, double value)
{
    double back;
    for (int digits = 6; digits <= 17; digits++) {
        hone__format(text, size, "%.*g", digits, value);
        if (hone__read_f64(text, strlen(text), &back) && back == value)
            return;
    }
}

bool hone__value_print(const hone__value *v, char *text, size_t size)
{
    char number[40] = "";
    switch (v->kind) {
    case HONE__VALUE_NONE:
        return append(text, size, "None");
    case HONE__VALUE_BOOL:
        return append(text, size, v->b ? "True" : "False");
    case HONE__VALUE_INT:
        hone__format(number, sizeof number, "%lld", (long long)v->i);
        return append(text, size, number);
    case HONE__VALUE_FLOAT:
        print_float(number, sizeof number, v->f);
        return append(text, size, number);
    case HONE__VALUE_TEXT:
        return append(text, size, strchr(v->text, '\'') ? "\"" : "'") &&
               append(text, size, v->text) &&
               append(text, size, strchr(v->text, '\'') ? "\"" : "'");
    case HONE__VALUE_CLASS:
        return append(text, size, v->text);
    case HONE__VALUE_LIST:
        for (int i = 0; i < v->n; i++)
            if (!append(text, size, i ? ", " : "(") || !hone__value_print(&v->list[i], text, size))
                return false;
        return append(text, size, v->n == 0 ? "()" : v->n == 1 ? ",)" : ")");
    default:
        return false;
    }
}
