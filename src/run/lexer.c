/* lexer.c: from text to tokens, with Python's rule of indentation. */
#include "run/syntax.h"

#include "core/text.h"

#include <string.h>

void hone__lexer_begin(hone__lexer *lexer, const hone__source *source)
{
    *lexer = (hone__lexer){
        .source = source,
        .at = source->text,
        .counted = source->text,
        .line = 1,
        .fresh = true,
        .n_indents = 1 /* of 0 blanks */
    };
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static hone__token token_of(hone__token_kind kind, const char *at, size_t n)
{
    return (hone__token){ .kind = kind, .at = at, .n = n };
}

/* Tokens come in the order of the text. */
static int line_of(hone__lexer *l, const char *at)
{
    for (; l->counted < at; l->counted++)
        l->line += *l->counted == '\n';
    return l->line;
}

static hone__token bad(hone__lexer *l, const char *at, const char *message)
{
    hone__complain((hone__place){ l->source, at, line_of(l, at) }, "%s", message);
    return token_of(HONE__TOKEN_BAD, at, 0);
}

/* Past blanks and a comment; in brackets past lines, too. */
static void skip_blanks(hone__lexer *l)
{
    for (;; l->at++) {
        if (*l->at == '#')
            while (*l->at && *l->at != '\n')
                l->at++;
        if (*l->at != ' ' && *l->at != '\t' && *l->at != '\r' && !(l->brackets && *l->at == '\n'))
            return;
    }
}

/* The line that begins here is not empty: how far is it indented? */
static hone__token indentation(hone__lexer *l, int blanks)
{
    l->fresh = false;
    if (blanks > l->indents[l->n_indents - 1]) {
        if (l->n_indents == sizeof l->indents / sizeof *l->indents)
            return bad(l, l->at, "blocks are nested too deeply");
        l->indents[l->n_indents++] = blanks;
        return token_of(HONE__TOKEN_INDENT, l->at, 0);
    }
    while (blanks < l->indents[l->n_indents - 1]) {
        l->n_indents--;
        l->dedents++;
    }
    if (blanks != l->indents[l->n_indents - 1])
        return bad(l, l->at, "this line is indented as far as no line above it");
    return token_of(HONE__TOKEN_LINE, l->at, 0); /* none */
}

/* At the beginning of a line: passes over empty ones. False: a token was made. */
static bool begin_line(hone__lexer *l, hone__token *token)
{
    while (l->fresh) {
        const char *begin = l->at;
        while (*l->at == ' ')
            l->at++;
        const int blanks = (int)(l->at - begin < 1000 ? l->at - begin : 1000);
        if (*l->at == '\t') {
            *token = bad(l, l->at, "a tab in the indentation: blanks are wanted");
            return false;
        }
        skip_blanks(l);
        if (*l->at == '\n') {
            l->at++;
            continue;
        }
        *token = indentation(l, *l->at ? blanks : 0);
        if (token->kind != HONE__TOKEN_LINE)
            return false;
    }
    return true;
}

static const struct {
    const char *text;
    int sign;
} words[] = {
    { "and", HONE__WORD_AND },       { "or", HONE__WORD_OR },       { "not", HONE__WORD_NOT },
    { "is", HONE__WORD_IS },         { "if", HONE__WORD_IF },       { "elif", HONE__WORD_ELIF },
    { "else", HONE__WORD_ELSE },     { "for", HONE__WORD_FOR },     { "return", HONE__WORD_RETURN },
    { "assert", HONE__WORD_ASSERT }, { "pass", HONE__WORD_PASS },   { "model", HONE__WORD_MODEL },
    { "True", HONE__WORD_TRUE },     { "False", HONE__WORD_FALSE }, { "None", HONE__WORD_NONE }
};

static const struct {
    char text[3];
    int sign;
} pairs[] = { { "==", HONE__SIGN_EQ },     { "!=", HONE__SIGN_NE },     { "<=", HONE__SIGN_LE },
              { ">=", HONE__SIGN_GE },     { "//", HONE__SIGN_FLOOR },  { "**", HONE__SIGN_POWER },
              { "+=", HONE__SIGN_ADD_TO }, { "-=", HONE__SIGN_SUB_TO }, { "*=", HONE__SIGN_MUL_TO },
              { "/=", HONE__SIGN_DIV_TO } };

static hone__token read_word(hone__lexer *l)
{
    const char *begin = l->at;
    while (is_letter(*l->at) || is_digit(*l->at))
        l->at++;
    hone__token t = token_of(HONE__TOKEN_NAME, begin, (size_t)(l->at - begin));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].text) == t.n && memcmp(words[i].text, begin, t.n) == 0) {
            t.kind = HONE__TOKEN_WORD;
            t.sign = words[i].sign;
        }
    return t;
}

static void skip_digits(hone__lexer *l)
{
    while (is_digit(*l->at))
        l->at++;
}

static hone__token read_number(hone__lexer *l)
{
    const char *begin = l->at;
    skip_digits(l);
    hone__token t = token_of(HONE__TOKEN_INT, begin, 0);
    if (*l->at == '.') {
        t.kind = HONE__TOKEN_FLOAT;
        l->at++;
        skip_digits(l);
    }
    if (*l->at == 'e' || *l->at == 'E') {
        const char *digits = l->at + 1 + (l->at[1] == '+' || l->at[1] == '-');
        if (is_digit(*digits)) {
            t.kind = HONE__TOKEN_FLOAT;
            l->at = digits;
            skip_digits(l);
        }
    }
    t.n = (size_t)(l->at - begin);
    if (is_letter(*l->at))
        return bad(l, l->at, "a letter in a number");
    if (t.kind == HONE__TOKEN_INT ? !hone__read_i64(begin, t.n, &t.i)
                                  : !hone__read_f64(begin, t.n, &t.f))
        return bad(l, begin, "this number is too large");
    return t;
}

static hone__token read_text(hone__lexer *l)
{
    const char *begin = l->at, quote = *l->at++;
    while (*l->at && *l->at != quote && *l->at != '\n' && *l->at != '\\')
        l->at++;
    if (*l->at == '\\')
        return bad(l, l->at, "texts have no backslashes");
    if (*l->at != quote)
        return bad(l, begin, "this text has no end on its line");
    l->at++;
    return token_of(HONE__TOKEN_TEXT, begin + 1, (size_t)(l->at - begin - 2));
}

static hone__token read_sign(hone__lexer *l)
{
    const char *begin = l->at;
    hone__token t = token_of(HONE__TOKEN_SIGN, begin, 1);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (begin[0] == pairs[i].text[0] && begin[1] == pairs[i].text[1]) {
            l->at += 2;
            t.n = 2;
            t.sign = pairs[i].sign;
            return t;
        }
    if (!strchr("+-*/%@=<>()[],:.", *begin))
        return bad(l, begin, "this character has no meaning here");
    l->brackets += *begin == '(' || *begin == '[';
    l->brackets -= l->brackets > 0 && (*begin == ')' || *begin == ']');
    l->at++;
    t.sign = (unsigned char)*begin;
    return t;
}

static hone__token next(hone__lexer *l)
{
    hone__token t;
    if (l->fresh && !begin_line(l, &t))
        return t;
    if (l->dedents > 0) {
        l->dedents--;
        return token_of(HONE__TOKEN_DEDENT, l->at, 0);
    }
    skip_blanks(l);
    if (*l->at == '\n') {
        t = token_of(HONE__TOKEN_LINE, l->at++, 1);
        l->fresh = true;
        return t;
    }
    if (!*l->at) { /* the last line's end may be missing */
        l->brackets = 0;
        l->dedents = l->n_indents - 1;
        l->n_indents = 1;
        if (l->dedents > 0)
            return token_of(HONE__TOKEN_LINE, l->at, 0);
        return token_of(HONE__TOKEN_END, l->at, 0);
    }
    if (is_letter(*l->at))
        return read_word(l);
    if (is_digit(*l->at) || (*l->at == '.' && is_digit(l->at[1])))
        return read_number(l);
    return *l->at == '"' || *l->at == '\'' ? read_text(l) : read_sign(l);
}

hone__token hone__lexer_next(hone__lexer *l)
{
    hone__token t = next(l);
    t.line = line_of(l, t.at);
    return t;
}
