/* parse_expr.c: expressions, by the precedence of Python's operators. */
#include "run/syntax.h"

#include <string.h>

hone__place hone__here(const hone__parser *p)
{
    return (hone__place){ p->lexer.source, p->token.at, p->token.line };
}

hone__expr *hone__expr_new(hone__parser *p, hone__expr_kind kind, hone__place place)
{
    hone__expr *e = hone__arena_take(p->arena, sizeof *e);
    if (e) {
        e->kind = kind;
        e->place = place;
    }
    return e;
}

bool hone__enter(hone__parser *p)
{
    if (p->depth >= 100)
        return hone__complain(hone__here(p), "this is nested too deeply");
    p->depth++;
    return true;
}

void hone__leave(hone__parser *p)
{
    p->depth--;
}

/* An expression of the token that is there, which is passed over. */
static hone__expr *of_token(hone__parser *p, hone__expr_kind kind)
{
    const hone__token t = p->token;
    hone__expr *e = hone__expr_new(p, kind, hone__here(p));
    if (!e)
        return NULL;
    e->place.at -= kind == HONE__EXPR_TEXT; /* the quote */
    e->i = t.i;
    e->f = t.f;
    if (kind == HONE__EXPR_NAME || kind == HONE__EXPR_TEXT) {
        e->text = hone__arena_text(p->arena, t.at, t.n);
        if (!e->text)
            return NULL;
    }
    return hone__advance(p) ? e : NULL;
}

hone__expr *hone__parse_name(hone__parser *p, const char *what)
{
    if (p->token.kind == HONE__TOKEN_NAME)
        return of_token(p, HONE__EXPR_NAME);
    hone__wanted(p, what);
    return NULL;
}

/* ---- lists */

hone__expr *hone__parse_keyword(hone__parser *p, const hone__expr *name)
{
    hone__expr *e = hone__advance(p) ? hone__parse_expr(p) : NULL;
    if (e) {
        e->keyword = name->text;
        e->named = name->place;
    }
    return e;
}

bool hone__parse_call_list(hone__parser *p, int end, hone__expr **list)
{
    hone__expr **last = list;
    *list = NULL;
    while (!hone__is_sign(p, end)) {
        const bool star = hone__is_sign(p, '*');
        if (star && !hone__advance(p))
            return false;
        hone__expr *e = hone__parse_expr(p);
        if (!e)
            return false;
        if (end == ')' && !star && e->kind == HONE__EXPR_NAME && hone__is_sign(p, '=')) {
            if (!(e = hone__parse_keyword(p, e)))
                return false;
        }
        e->star = star;
        *last = e;
        last = &e->next;
        if (hone__is_sign(p, ',')) {
            if (!hone__advance(p))
                return false;
        } else if (!hone__is_sign(p, end)) {
            return hone__wanted(p, end == ')' ? "\",\" or \")\"" : "\",\" or \"]\"");
        }
    }
    return hone__advance(p);
}

static hone__expr *parse_plain(hone__parser *p);

bool hone__parse_each(hone__parser *p, hone__expr **names, hone__expr **of)
{
    hone__expr **last = names;
    for (;;) {
        hone__expr *name = hone__parse_name(p, "the name of a variable");
        if (!name)
            return false;
        *last = name;
        last = &name->next;
        if (!hone__is_sign(p, ','))
            break;
        if (!hone__advance(p))
            return false;
    }
    if (p->token.kind != HONE__TOKEN_NAME || p->token.n != 2 || memcmp(p->token.at, "in", 2) != 0)
        return hone__wanted(p, "\"in\"");
    return hone__advance(p) && (*of = parse_plain(p));
}

static bool is_word(const hone__parser *p, int word)
{
    return p->token.kind == HONE__TOKEN_WORD && p->token.sign == word;
}

/* After "[": a list, or [x for y in z if c]. */
static hone__expr *parse_list(hone__parser *p, hone__place at)
{
    hone__expr *e = hone__expr_new(p, HONE__EXPR_LIST, at);
    if (!e)
        return NULL;
    if (hone__is_sign(p, ']') || hone__is_sign(p, '*'))
        return hone__parse_call_list(p, ']', &e->list) ? e : NULL;
    hone__expr *first = hone__parse_expr(p);
    if (!first)
        return NULL;
    if (!is_word(p, HONE__WORD_FOR)) {
        e->list = first;
        if (!hone__is_sign(p, ','))
            return hone__expect(p, ']') ? e : NULL;
        return hone__advance(p) && hone__parse_call_list(p, ']', &first->next) ? e : NULL;
    }
    e->kind = HONE__EXPR_EACH;
    e->a = first;
    if (!hone__advance(p) || !hone__parse_each(p, &e->names, &e->b))
        return NULL;
    if (is_word(p, HONE__WORD_IF) && (!hone__advance(p) || !(e->c = parse_plain(p))))
        return NULL;
    return hone__expect(p, ']') ? e : NULL;
}

/* After "(": an expression in brackets, or a tuple. */
static hone__expr *parse_brackets(hone__parser *p, hone__place at)
{
    hone__expr *e = hone__expr_new(p, HONE__EXPR_LIST, at), *first;
    if (!e || hone__is_sign(p, ')') || hone__is_sign(p, '*'))
        return e && hone__parse_call_list(p, ')', &e->list) ? e : NULL;
    if (!(first = hone__parse_expr(p)))
        return NULL;
    if (!hone__is_sign(p, ','))
        return hone__expect(p, ')') ? first : NULL;
    e->list = first;
    return hone__advance(p) && hone__parse_call_list(p, ')', &first->next) ? e : NULL;
}

/* ---- from the strongest operators to the weakest */

static hone__expr *parse_atom(hone__parser *p)
{
    const hone__place at = hone__here(p);
    switch (p->token.kind) {
    case HONE__TOKEN_NAME:
        return of_token(p, HONE__EXPR_NAME);
    case HONE__TOKEN_INT:
        return of_token(p, HONE__EXPR_INT);
    case HONE__TOKEN_FLOAT:
        return of_token(p, HONE__EXPR_FLOAT);
    case HONE__TOKEN_TEXT:
        return of_token(p, HONE__EXPR_TEXT);
    default:
        break;
    }
    if (is_word(p, HONE__WORD_TRUE) || is_word(p, HONE__WORD_FALSE)) {
        p->token.i = is_word(p, HONE__WORD_TRUE);
        return of_token(p, HONE__EXPR_BOOL);
    }
    if (is_word(p, HONE__WORD_NONE))
        return of_token(p, HONE__EXPR_NONE);
    if (hone__is_sign(p, '('))
        return hone__advance(p) ? parse_brackets(p, at) : NULL;
    if (hone__is_sign(p, '['))
        return hone__advance(p) ? parse_list(p, at) : NULL;
    hone__wanted(p, "a value");
    return NULL;
}

/* x, x:y, :, ... in an index. */
static hone__expr *parse_subscript(hone__parser *p)
{
    hone__expr *from = NULL, *e;
    const hone__place at = hone__here(p);
    if (!hone__is_sign(p, ':') && !(from = hone__parse_expr(p)))
        return NULL;
    if (!hone__is_sign(p, ':'))
        return from;
    if (!(e = hone__expr_new(p, HONE__EXPR_SLICE, at)) || !hone__advance(p))
        return NULL;
    e->a = from;
    if (!hone__is_sign(p, ',') && !hone__is_sign(p, ']') && !(e->b = hone__parse_expr(p)))
        return NULL;
    return e;
}

static bool parse_index(hone__parser *p, hone__expr **list)
{
    for (hone__expr **last = list;; last = &(*last)->next) {
        if (!(*last = parse_subscript(p)))
            return false;
        if (!hone__is_sign(p, ','))
            return hone__expect(p, ']');
        if (!hone__advance(p))
            return false;
    }
}

static hone__expr *parse_postfix(hone__parser *p)
{
    hone__expr *e = parse_atom(p), *outer;
    while (e && (hone__is_sign(p, '(') || hone__is_sign(p, '.') || hone__is_sign(p, '['))) {
        const int sign = p->token.sign;
        if (!hone__advance(p))
            return NULL;
        const hone__place at = sign == '.' ? hone__here(p) : e->place;
        if (!(outer = hone__expr_new(p,
                                     sign == '('   ? HONE__EXPR_CALL
                                     : sign == '.' ? HONE__EXPR_MEMBER
                                                   : HONE__EXPR_INDEX,
                                     at)))
            return NULL;
        outer->a = e;
        if (sign == '(' && !hone__parse_call_list(p, ')', &outer->list))
            return NULL;
        if (sign == '[' && !parse_index(p, &outer->list))
            return NULL;
        if (sign == '.') {
            hone__expr *name = hone__parse_name(p, "a name");
            if (!name)
                return NULL;
            outer->text = name->text;
        }
        e = outer;
    }
    return e;
}

static hone__expr *parse_unary(hone__parser *p);

static hone__expr *binary(hone__parser *p, hone__expr *a, int sign, hone__place at, hone__expr *b)
{
    hone__expr *e = a && b ? hone__expr_new(p, HONE__EXPR_BINARY, at) : NULL;
    if (e) {
        e->a = a;
        e->b = b;
        e->sign = sign;
    }
    return e;
}

static hone__expr *parse_power(hone__parser *p)
{
    hone__expr *base = parse_postfix(p);
    if (!base || !hone__is_sign(p, HONE__SIGN_POWER))
        return base;
    const hone__place at = hone__here(p);
    if (!hone__enter(p))
        return NULL;
    hone__expr *exponent = hone__advance(p) ? parse_unary(p) : NULL;
    hone__leave(p);
    return binary(p, base, HONE__SIGN_POWER, at, exponent);
}

static hone__expr *parse_unary(hone__parser *p)
{
    if (!hone__is_sign(p, '-') && !hone__is_sign(p, '+'))
        return parse_power(p);
    hone__expr *e = hone__expr_new(p, HONE__EXPR_UNARY, hone__here(p));
    if (!e || !hone__enter(p))
        return NULL;
    e->sign = p->token.sign;
    e->a = hone__advance(p) ? parse_unary(p) : NULL;
    hone__leave(p);
    return e->a ? e : NULL;
}

enum { LEVEL_OR, LEVEL_AND, LEVEL_NOT, LEVEL_COMPARE, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_UNARY };

static int level_of(const hone__token *t)
{
    switch (t->kind == HONE__TOKEN_SIGN || t->kind == HONE__TOKEN_WORD ? t->sign : 0) {
    case HONE__WORD_OR:
        return LEVEL_OR;
    case HONE__WORD_AND:
        return LEVEL_AND;
    case HONE__SIGN_EQ:
    case HONE__SIGN_NE:
    case HONE__SIGN_LE:
    case HONE__SIGN_GE:
    case HONE__WORD_IS:
    case '<':
    case '>':
        return LEVEL_COMPARE;
    case '+':
    case '-':
        return LEVEL_SUM;
    case '*':
    case '/':
    case '%':
    case '@':
    case HONE__SIGN_FLOOR:
        return LEVEL_PRODUCT;
    default:
        return -1;
    }
}

static hone__expr *parse_level(hone__parser *p, int level)
{
    if (level == LEVEL_UNARY)
        return parse_unary(p);
    if (level == LEVEL_NOT && is_word(p, HONE__WORD_NOT)) {
        hone__expr *e = hone__expr_new(p, HONE__EXPR_UNARY, hone__here(p));
        if (!e || !hone__enter(p))
            return NULL;
        e->sign = HONE__WORD_NOT;
        e->a = hone__advance(p) ? parse_level(p, LEVEL_NOT) : NULL;
        hone__leave(p);
        return e->a ? e : NULL;
    }
    hone__expr *e = parse_level(p, level + 1);
    for (int n = 0; e && level != LEVEL_NOT && level_of(&p->token) == level; n++) {
        const hone__place at = hone__here(p);
        int sign = p->token.sign;
        if (level == LEVEL_COMPARE && n > 0) {
            hone__complain(at, "comparisons have two sides: a < b and b < c");
            return NULL;
        }
        if (!hone__advance(p))
            return NULL;
        if (sign == HONE__WORD_IS && is_word(p, HONE__WORD_NOT)) {
            sign = HONE__WORD_IS_NOT;
            if (!hone__advance(p))
                return NULL;
        }
        e = binary(p, e, sign, at, parse_level(p, level + 1));
    }
    return e;
}

/* Without "a if c else b" at its outermost: what may be followed by an `if`. */
static hone__expr *parse_plain(hone__parser *p)
{
    if (!hone__enter(p))
        return NULL;
    hone__expr *e = parse_level(p, LEVEL_OR);
    hone__leave(p);
    return e;
}

static hone__expr *parse_choice(hone__parser *p)
{
    hone__expr *a = parse_plain(p), *e;
    if (!a || !is_word(p, HONE__WORD_IF))
        return a;
    if (!(e = hone__expr_new(p, HONE__EXPR_CHOICE, hone__here(p))) || !hone__advance(p))
        return NULL;
    e->a = a;
    if (!(e->c = parse_plain(p)))
        return NULL;
    if (is_word(p, HONE__WORD_ELSE))
        return hone__advance(p) && (e->b = hone__parse_expr(p)) ? e : NULL;
    hone__wanted(p, "\"else\"");
    return NULL;
}

hone__expr *hone__parse_expr(hone__parser *p)
{
    if (!hone__enter(p))
        return NULL;
    hone__expr *e = parse_choice(p);
    hone__leave(p);
    return e;
}
