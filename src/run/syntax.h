/* syntax.h: what a description consists of: tokens, expressions, statements, models. */
#ifndef HONE_RUN_SYNTAX_H
#define HONE_RUN_SYNTAX_H

#include "run/source.h"

/* ---- tokens */

typedef enum {
    HONE__TOKEN_END,
    HONE__TOKEN_LINE, /* the end of a statement's line */
    HONE__TOKEN_INDENT,
    HONE__TOKEN_DEDENT,
    HONE__TOKEN_NAME,
    HONE__TOKEN_WORD, /* a reserved one; `sign` says which */
    HONE__TOKEN_INT,
    HONE__TOKEN_FLOAT,
    HONE__TOKEN_TEXT,
    HONE__TOKEN_SIGN,
    HONE__TOKEN_BAD /* the error is set */
} hone__token_kind;

/** Signs of one character are that character. */
enum {
    HONE__SIGN_EQ = 256,
    HONE__SIGN_NE,
    HONE__SIGN_LE,
    HONE__SIGN_GE,
    HONE__SIGN_FLOOR, /* // */
    HONE__SIGN_POWER, /* ** */
    HONE__SIGN_ADD_TO,
    HONE__SIGN_SUB_TO,
    HONE__SIGN_MUL_TO,
    HONE__SIGN_DIV_TO,
    HONE__WORD_AND,
    HONE__WORD_OR,
    HONE__WORD_NOT,
    HONE__WORD_IS,
    HONE__WORD_IS_NOT, /* no token: of `is` `not` */
    HONE__WORD_IF,
    HONE__WORD_ELIF,
    HONE__WORD_ELSE,
    HONE__WORD_FOR,
    HONE__WORD_RETURN,
    HONE__WORD_ASSERT,
    HONE__WORD_PASS,
    HONE__WORD_MODEL,
    HONE__WORD_TRUE,
    HONE__WORD_FALSE,
    HONE__WORD_NONE,
};

typedef struct {
    hone__token_kind kind;
    int sign;
    const char *at; /* in the text */
    int line;
    size_t n; /* of its characters */
    int64_t i;
    double f;
} hone__token;

typedef struct {
    const hone__source *source;
    const char *at;
    int line; /* of `counted`, to which line ends are counted */
    const char *counted;
    int brackets; /* open ones: there line ends count as blanks */
    bool fresh;   /* at the beginning of a line, whose indentation is to be looked at */
    int indents[32], n_indents;
    int dedents; /* still to be given */
} hone__lexer;

void hone__lexer_begin(hone__lexer *lexer, const hone__source *source);
hone__token hone__lexer_next(hone__lexer *lexer);

/* ---- expressions */

typedef enum {
    HONE__EXPR_NONE,
    HONE__EXPR_BOOL,
    HONE__EXPR_INT,
    HONE__EXPR_FLOAT,
    HONE__EXPR_TEXT,
    HONE__EXPR_NAME,
    HONE__EXPR_LIST,   /* `list` */
    HONE__EXPR_EACH,   /* [a for names in b if c] */
    HONE__EXPR_CALL,   /* a(list), each perhaps with a keyword or a star */
    HONE__EXPR_MEMBER, /* a.text */
    HONE__EXPR_INDEX,  /* a[list] */
    HONE__EXPR_SLICE,  /* a:b in an index; either may be NULL */
    HONE__EXPR_UNARY,  /* sign a */
    HONE__EXPR_BINARY, /* a sign b */
    HONE__EXPR_CHOICE, /* a if c else b */
} hone__expr_kind;

typedef struct hone__expr hone__expr;
struct hone__expr {
    hone__expr_kind kind;
    int sign;
    bool star;
    const char *keyword; /* of an argument, or NULL */
    hone__place named;   /* where that stands */
    hone__place place;
    const char *text;
    int64_t i;
    double f;
    hone__expr *a, *b, *c, *list;
    hone__expr *names; /* of a comprehension's variables */
    hone__expr *next;  /* in the list it is in */
};

/* ---- statements */

typedef enum {
    HONE__STMT_ASSIGN,  /* list = a; sign: + of += and so on, or 0 */
    HONE__STMT_IF,      /* a: body, orelse */
    HONE__STMT_FOR,     /* list in a: body */
    HONE__STMT_RETURN,  /* a */
    HONE__STMT_ASSERT,  /* a, b: the message, or NULL */
    HONE__STMT_CALL,    /* a, for its effect */
    HONE__STMT_FORWARD, /* of list: body */
    HONE__STMT_PASS,
} hone__stmt_kind;

typedef struct hone__stmt hone__stmt;
struct hone__stmt {
    hone__stmt_kind kind;
    int sign;
    hone__place place;
    hone__expr *a, *b, *list;
    hone__stmt *body, *orelse, *next;
};

typedef struct hone__model hone__model;
struct hone__model {
    const char *name;
    hone__place place;
    hone__expr *params; /* names; `a` is the default, or NULL */
    hone__stmt *body;
    hone__model *next; /* the one before it in the file */
};

/** All models of a text, the last one first; false + an error. */
bool hone__parse(hone__arena *arena, const hone__source *source, hone__model **models);
/** Arguments as a call has them, without the brackets; false + an error. */
bool hone__parse_arguments(hone__arena *arena, const hone__source *source, hone__expr **list);

/* ---- between parse.c and parse_expr.c */

typedef struct {
    hone__arena *arena;
    hone__lexer lexer;
    hone__token token; /* the next one */
    int depth;
} hone__parser;

/** To the token after this one; false: the text is wrong there. */
bool hone__advance(hone__parser *p);
bool hone__is_sign(const hone__parser *p, int sign);
/** Passes over a sign that has to be there; false + "... is wanted here, not ...". */
bool hone__expect(hone__parser *p, int sign);
bool hone__wanted(const hone__parser *p, const char *what);
/** A name that has to be there. */
hone__expr *hone__parse_name(hone__parser *p, const char *what);
hone__expr *hone__parse_expr(hone__parser *p);
hone__expr *hone__expr_new(hone__parser *p, hone__expr_kind kind, hone__place place);
/** Where the next token is. */
hone__place hone__here(const hone__parser *p);
/** False + an error: brackets or blocks are nested too deeply. hone__leave after it. */
bool hone__enter(hone__parser *p);
void hone__leave(hone__parser *p);
/** At the "=" of name=value in a call. */
hone__expr *hone__parse_keyword(hone__parser *p, const hone__expr *name);
/** "a, b" up to the sign that ends it, which is passed over. */
bool hone__parse_call_list(hone__parser *p, int end, hone__expr **list);
/** name, name before `in`, and what follows it. */
bool hone__parse_each(hone__parser *p, hone__expr **names, hone__expr **of);

#endif
