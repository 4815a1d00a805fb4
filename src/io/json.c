/* json.c: the reader. Source: RFC 8259; UTF-8 by RFC 3629. */
#include "io/json.h"

#include <string.h>

static bool problem(hone__json *j, const char *what)
{
    if (!j->problem)
        j->problem = what;
    return false;
}

static void beyond(hone__json *j, const char *what)
{
    j->beyond = j->beyond || !j->problem;
    problem(j, what);
}

static void skip_space(hone__json *j)
{
    while (j->at < j->end && (*j->at == ' ' || *j->at == '\n' || *j->at == '\t' || *j->at == '\r'))
        j->at++;
}

bool hone__json_is(hone__json *j, char c)
{
    skip_space(j);
    return !j->problem && j->at < j->end && *j->at == c;
}

bool hone__json_take(hone__json *j, char c)
{
    if (!hone__json_is(j, c))
        return problem(j, c == '{'   ? "'{' is missing"
                          : c == '[' ? "'[' is missing"
                          : c == ':' ? "':' is missing"
                                     : "a comma or bracket is missing");
    j->at++;
    return true;
}

bool hone__json_more(hone__json *j, char close, bool *first)
{
    const bool at_first = *first;
    *first = false;
    if (hone__json_is(j, close)) {
        j->at++;
        return false;
    }
    if (at_first)
        return !j->problem;
    return hone__json_take(j, ',');
}

bool hone__json_ends(hone__json *j)
{
    skip_space(j);
    return j->at == j->end ? !j->problem : problem(j, "there is text after its end");
}

int64_t hone__json_number(hone__json *j)
{
    skip_space(j);
    int64_t value = 0;
    char *const begin = j->at;
    for (; !j->problem && j->at < j->end && *j->at >= '0' && *j->at <= '9'; j->at++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *j->at - '0', &value))
            beyond(j, "a number is too large");
    }
    const bool leading_zero = j->at - begin > 1 && *begin == '0';
    if (j->at == begin || leading_zero)
        problem(j, "a number (0, 1, 2, ...) is missing");
    return j->problem ? -1 : value;
}

int hone__utf8_length(const char *text, size_t left)
{
    const unsigned char *p = (const unsigned char *)text;
    if (left < 1 || p[0] < 0x80)
        return left >= 1;
    const int length = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4 || left < (size_t)length)
        return 0;
    for (int i = 1; i < length; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    /* overlong forms, surrogates, past U+10FFFF */
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return length;
}

static char *put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = { 0, 0xC0, 0xE0, 0xF0 };
    *out++ = (char)(lead[more] | code >> 6 * more);
    for (int i = more - 1; i >= 0; i--)
        *out++ = (char)(0x80 | (code >> 6 * i & 0x3F));
    return out;
}

/* Four hexadecimal digits after \u; -1 on a problem. */
static int32_t hex4(hone__json *j)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++, j->at++) {
        static const char digits[] = "0123456789abcdef";
        const char c = j->at < j->end ? *j->at : 0;
        const char *found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
        if (!found) {
            problem(j, "a \\u escape has no 4 digits");
            return -1;
        }
        value = value << 4 | (int32_t)(found - digits);
    }
    return value;
}

/* What follows "\u": one escape, or two that are a surrogate pair. */
static char *unicode_escape(hone__json *j, char *out)
{
    int32_t code = hex4(j);
    if (code >= 0xD800 && code <= 0xDBFF) {
        const bool pair = j->end - j->at >= 2 && j->at[0] == '\\' && j->at[1] == 'u';
        j->at += pair ? 2 : 0;
        const int32_t low = pair ? hex4(j) : 0;
        if (low < 0xDC00 || low > 0xDFFF)
            problem(j, "half of a surrogate pair stands alone");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
        problem(j, "half of a surrogate pair stands alone");
    }
    if (code == 0)
        beyond(j, "a string holds U+0000");
    return j->problem ? out : put_utf8(out, (uint32_t)code);
}

/* What follows a backslash. */
static char *escape(hone__json *j, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char c = j->at < j->end ? *j->at++ : 0;
    if (c == 'u')
        return unicode_escape(j, out);
    const char *found = c ? strchr(from, c) : NULL;
    if (!found)
        problem(j, "an unknown escape in a string");
    else
        *out++ = to[found - from];
    return out;
}

char *hone__json_string(hone__json *j)
{
    if (!hone__json_is(j, '"')) {
        problem(j, "a string is missing");
        return NULL;
    }
    char *const text = j->at++;
    char *out = text;
    while (!j->problem && j->at < j->end && *j->at != '"') {
        if (*j->at == '\\') {
            j->at++;
            out = escape(j, out);
            continue;
        }
        const int length = hone__utf8_length(j->at, (size_t)(j->end - j->at));
        if (length == 0 || (unsigned char)*j->at < 0x20) {
            problem(j, length ? "a control character in a string" : "a string isn't UTF-8");
            break;
        }
        memmove(out, j->at, (size_t)length);
        out += length;
        j->at += length;
    }
    if (j->at >= j->end)
        problem(j, "a string has no end");
    if (j->problem)
        return NULL;
    j->at++;
    *out = 0;
    return text;
}

/* ---- values that nobody asked for */

static bool take_word(hone__json *j, const char *word)
{
    const size_t length = strlen(word);
    if ((size_t)(j->end - j->at) < length || memcmp(j->at, word, length) != 0)
        return false;
    j->at += length;
    return true;
}

static bool take_digits(hone__json *j)
{
    char *const begin = j->at;
    while (j->at < j->end && *j->at >= '0' && *j->at <= '9')
        j->at++;
    return j->at > begin;
}

/* -1.5e+3: as JSON has them. */
static bool take_number(hone__json *j)
{
    take_word(j, "-");
    if (!take_word(j, "0") && !take_digits(j))
        return false;
    if (take_word(j, ".") && !take_digits(j))
        return false;
    if (!take_word(j, "e") && !take_word(j, "E"))
        return true;
    if (!take_word(j, "+"))
        take_word(j, "-");
    return take_digits(j);
}

static void skip_scalar(hone__json *j)
{
    if (hone__json_is(j, '"'))
        hone__json_string(j);
    else if (!take_word(j, "null") && !take_word(j, "true") && !take_word(j, "false") &&
             !take_number(j))
        problem(j, "a value is missing");
}

void hone__json_skip(hone__json *j)
{
    enum { MOST_DEPTH = 128 };
    char close[MOST_DEPTH];
    int depth = 0;
    bool first = true;
    do {
        const char bracket = hone__json_is(j, '{') ? '}' : hone__json_is(j, '[') ? ']' : 0;
        if (!bracket) {
            skip_scalar(j);
        } else if (depth == MOST_DEPTH) {
            problem(j, "values are nested too deeply");
        } else {
            j->at++;
            close[depth++] = bracket;
        }
        first = bracket != 0;
        while (depth > 0 && !hone__json_more(j, close[depth - 1], &first) && !j->problem)
            depth--; /* it ended */
        if (depth > 0 && close[depth - 1] == '}') {
            hone__json_string(j);
            hone__json_take(j, ':');
        }
    } while (depth > 0 && !j->problem);
}
