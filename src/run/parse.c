/* parse.c: models and statements. */
#include "run/syntax.h"

#include <string.h>

/* ---- tokens */

bool hone__advance(hone__parser *p)
{
    p->token = hone__lexer_next(&p->lexer);
    return p->token.kind != HONE__TOKEN_BAD;
}

bool hone__is_sign(const hone__parser *p, int sign)
{
    return p->token.kind == HONE__TOKEN_SIGN && p->token.sign == sign;
}

static bool is_word(const hone__parser *p, int word)
{
    return p->token.kind == HONE__TOKEN_WORD && p->token.sign == word;
}

bool hone__wanted(const hone__parser *p, const char *what)
{
    const hone__token *t = &p->token;
    const hone__place place = hone__here(p);
    switch (t->kind) {
    case HONE__TOKEN_BAD:
        return false;
    case HONE__TOKEN_END:
        return hone__complain(place, "%s is wanted here, not the end of the text", what);
    case HONE__TOKEN_LINE:
        return hone__complain(place, "%s is wanted here, not the end of the line", what);
    case HONE__TOKEN_INDENT:
        return hone__complain(place, "%s is wanted here, not an indented line", what);
    case HONE__TOKEN_DEDENT:
        return hone__complain(place, "%s is wanted here, not the end of the block", what);
    default:
        return hone__complain(place, "%s is wanted here, not \"%.*s\"", what,
                              (int)(t->n < 40 ? t->n : 40), t->at);
    }
}

bool hone__expect(hone__parser *p, int sign)
{
    const char what[] = { '"', (char)sign, '"', 0 };
    return hone__is_sign(p, sign) ? hone__advance(p) : hone__wanted(p, what);
}

static bool end_line(hone__parser *p)
{
    if (p->token.kind == HONE__TOKEN_END)
        return true;
    return p->token.kind == HONE__TOKEN_LINE ? hone__advance(p)
                                             : hone__wanted(p, "the end of the line");
}

/* ---- statements */

static bool parse_suite(hone__parser *p, bool in_model, hone__stmt **body);

static hone__stmt *stmt_new(hone__parser *p, hone__stmt_kind kind)
{
    hone__stmt *s = hone__arena_take(p->arena, sizeof *s);
    if (s) {
        s->kind = kind;
        s->place = hone__here(p);
    }
    return s;
}

/* if and elif alike: condition, block, and what follows. The chain of elif is a loop. */
static hone__stmt *parse_if(hone__parser *p)
{
    hone__stmt *first = NULL, **last = &first;
    for (;;) {
        hone__stmt *s = stmt_new(p, HONE__STMT_IF);
        *last = s;
        if (!s || !hone__advance(p) || !(s->a = hone__parse_expr(p)) ||
            !parse_suite(p, false, &s->body))
            return NULL;
        last = &s->orelse;
        if (!is_word(p, HONE__WORD_ELIF))
            break;
    }
    if (!is_word(p, HONE__WORD_ELSE))
        return first;
    return hone__advance(p) && parse_suite(p, false, last) ? first : NULL;
}

static hone__stmt *parse_for(hone__parser *p)
{
    hone__stmt *s = stmt_new(p, HONE__STMT_FOR);
    return s && hone__advance(p) && hone__parse_each(p, &s->list, &s->a) &&
                   parse_suite(p, false, &s->body)
               ? s
               : NULL;
}

/* NAME(default), ... up to ")". */
static bool parse_params(hone__parser *p, bool defaults, hone__expr **params)
{
    hone__expr **last = params;
    *params = NULL;
    while (!hone__is_sign(p, ')')) {
        hone__expr *name = hone__parse_name(p, "a parameter's name");
        if (!name)
            return false;
        for (const hone__expr *other = *params; other; other = other->next)
            if (strcmp(other->text, name->text) == 0)
                return hone__complain(name->place, "there is a parameter %s already", name->text);
        *last = name;
        last = &name->next;
        if (defaults && hone__is_sign(p, '=') &&
            (!hone__advance(p) || !(name->a = hone__parse_expr(p))))
            return false;
        if (hone__is_sign(p, ',')) {
            if (!hone__advance(p))
                return false;
        } else if (!hone__is_sign(p, ')')) {
            return hone__wanted(p, "\",\" or \")\"");
        }
    }
    return hone__advance(p);
}

/* After "forward(". */
static hone__stmt *parse_forward(hone__parser *p, hone__place place)
{
    hone__stmt *s = stmt_new(p, HONE__STMT_FORWARD);
    if (!s || !hone__advance(p) || !parse_params(p, true, &s->list))
        return NULL;
    for (const hone__expr *in = s->list; in; in = in->next)
        if (in->a && (in->a->kind != HONE__EXPR_NONE || in->next || in == s->list)) {
            hone__complain(in->place, "only a forward's last input may have a default, which is "
                                      "None, and not where it is the first");
            return NULL;
        }
    s->place = place;
    if (!s->list) {
        hone__complain(place, "forward takes one input or more");
        return NULL;
    }
    return parse_suite(p, false, &s->body) ? s : NULL;
}

/* Expressions with commas between them; one that stands alone is itself. */
static hone__expr *parse_tuple(hone__parser *p)
{
    hone__expr *first = hone__parse_expr(p);
    if (!first || !hone__is_sign(p, ','))
        return first;
    hone__expr *e = hone__expr_new(p, HONE__EXPR_LIST, first->place), **last = &first->next;
    if (!e)
        return NULL;
    e->list = first;
    while (hone__is_sign(p, ',')) {
        if (!hone__advance(p) || !(*last = hone__parse_expr(p)))
            return NULL;
        last = &(*last)->next;
    }
    return e;
}

static int augmented(const hone__token *t)
{
    switch (t->kind == HONE__TOKEN_SIGN ? t->sign : 0) {
    case HONE__SIGN_ADD_TO:
        return '+';
    case HONE__SIGN_SUB_TO:
        return '-';
    case HONE__SIGN_MUL_TO:
        return '*';
    case HONE__SIGN_DIV_TO:
        return '/';
    default:
        return 0;
    }
}

static bool can_be_target(const hone__expr *e)
{
    if (e->kind == HONE__EXPR_NAME || e->kind == HONE__EXPR_MEMBER)
        return true;
    return hone__complain(e->place, "a name is wanted on the left of \"=\"");
}

/* An assignment or a call: both begin with an expression. */
static hone__stmt *parse_simple(hone__parser *p)
{
    hone__stmt *s = stmt_new(p, HONE__STMT_CALL);
    hone__expr *e = s ? parse_tuple(p) : NULL;
    if (!e)
        return NULL;
    s->sign = augmented(&p->token);
    if (!s->sign && !hone__is_sign(p, '=')) {
        s->a = e;
        return end_line(p) ? s : NULL;
    }
    s->kind = HONE__STMT_ASSIGN;
    s->list = e->kind == HONE__EXPR_LIST ? e->list : e;
    if (!s->list || (s->sign && s->list->next)) {
        hone__complain(e->place, "a name is wanted on the left of \"=\"");
        return NULL;
    }
    for (const hone__expr *target = s->list; target; target = target->next)
        if (!can_be_target(target))
            return NULL;
    return hone__advance(p) && (s->a = parse_tuple(p)) && end_line(p) ? s : NULL;
}

static hone__stmt *parse_word(hone__parser *p)
{
    const int word = p->token.sign;
    if (word == HONE__WORD_IF)
        return parse_if(p);
    if (word == HONE__WORD_FOR)
        return parse_for(p);
    hone__stmt *s = stmt_new(p, word == HONE__WORD_RETURN   ? HONE__STMT_RETURN
                                : word == HONE__WORD_ASSERT ? HONE__STMT_ASSERT
                                                            : HONE__STMT_PASS);
    if (!s || !hone__advance(p))
        return NULL;
    if (word != HONE__WORD_PASS && !(s->a = hone__parse_expr(p)))
        return NULL;
    if (word == HONE__WORD_ASSERT && hone__is_sign(p, ',') &&
        (!hone__advance(p) || !(s->b = hone__parse_expr(p))))
        return NULL;
    return end_line(p) ? s : NULL;
}

static bool begins_statement(const hone__parser *p)
{
    return is_word(p, HONE__WORD_IF) || is_word(p, HONE__WORD_FOR) ||
           is_word(p, HONE__WORD_RETURN) || is_word(p, HONE__WORD_ASSERT) ||
           is_word(p, HONE__WORD_PASS);
}

static bool is_forward(const hone__parser *p)
{
    return p->token.kind == HONE__TOKEN_NAME && p->token.n == 7 &&
           memcmp(p->token.at, "forward", 7) == 0 && *p->lexer.at == '(';
}

static hone__stmt *parse_statement(hone__parser *p, bool in_model)
{
    if (in_model && is_forward(p)) {
        const hone__place place = hone__here(p);
        return hone__advance(p) ? parse_forward(p, place) : NULL;
    }
    return begins_statement(p) ? parse_word(p) : parse_simple(p);
}

/* ": statement" or an indented block. */
static bool parse_block(hone__parser *p, bool in_model, hone__stmt **body)
{
    *body = NULL;
    if (!hone__expect(p, ':'))
        return false;
    if (p->token.kind != HONE__TOKEN_LINE)
        return (*body = parse_statement(p, in_model)) != NULL;
    if (!hone__advance(p))
        return false;
    if (p->token.kind != HONE__TOKEN_INDENT)
        return hone__wanted(p, "an indented line");
    if (!hone__advance(p))
        return false;
    for (hone__stmt **last = body; p->token.kind != HONE__TOKEN_DEDENT; last = &(*last)->next) {
        if (p->token.kind == HONE__TOKEN_INDENT)
            return hone__wanted(p, "a line that is indented as the one above");
        if (!(*last = parse_statement(p, in_model)))
            return false;
    }
    return hone__advance(p);
}

static bool parse_suite(hone__parser *p, bool in_model, hone__stmt **body)
{
    if (!hone__enter(p))
        return false;
    const bool ok = parse_block(p, in_model, body);
    hone__leave(p);
    return ok;
}

/* ---- models */

static hone__model *parse_model(hone__parser *p, hone__model *before)
{
    hone__model *m = hone__arena_take(p->arena, sizeof *m);
    if (!m)
        return NULL;
    if (!is_word(p, HONE__WORD_MODEL)) {
        hone__wanted(p, "\"model\"");
        return NULL;
    }
    hone__expr *name = hone__advance(p) ? hone__parse_name(p, "a model's name") : NULL;
    if (!name)
        return NULL;
    *m = (hone__model){ .name = name->text, .place = name->place, .next = before };
    for (const hone__model *other = before; other; other = other->next)
        if (strcmp(other->name, m->name) == 0) {
            hone__complain(m->place, "there is a model %s already", m->name);
            return NULL;
        }
    return hone__expect(p, '(') && parse_params(p, true, &m->params) &&
                   parse_suite(p, true, &m->body)
               ? m
               : NULL;
}

bool hone__parse(hone__arena *arena, const hone__source *source, hone__model **models)
{
    hone__parser p = { .arena = arena };
    *models = NULL;
    hone__lexer_begin(&p.lexer, source);
    if (!hone__advance(&p))
        return false;
    while (p.token.kind != HONE__TOKEN_END) {
        hone__model *m = parse_model(&p, *models);
        if (!m)
            return false;
        *models = m;
    }
    return *models || hone__wanted(&p, "\"model\"");
}

bool hone__parse_arguments(hone__arena *arena, const hone__source *source, hone__expr **list)
{
    hone__parser p = { .arena = arena };
    *list = NULL;
    hone__lexer_begin(&p.lexer, source);
    p.lexer.fresh = false;
    p.lexer.brackets = 1; /* of the call they could stand in */
    hone__expr **last = list;
    if (!hone__advance(&p))
        return false;
    while (p.token.kind != HONE__TOKEN_END) {
        hone__expr *e = hone__parse_expr(&p);
        if (e && e->kind == HONE__EXPR_NAME && hone__is_sign(&p, '='))
            e = hone__parse_keyword(&p, e);
        if (!e)
            return false;
        *last = e;
        last = &e->next;
        if (p.token.kind == HONE__TOKEN_END)
            break;
        if (!hone__is_sign(&p, ','))
            return hone__wanted(&p, "\",\"");
        if (!hone__advance(&p))
            return false;
    }
    return true;
}
