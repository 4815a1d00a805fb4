/* ops.c: `hone ops`: the ops there are, their inputs and attributes, what gradients they have. */
#include "cli.h"

#include "core/text.h"

#include <hone/hone.h>

#include <stdio.h>
#include <string.h>

static const cli_option table[] = { { 0 } };

static const char *gradients(const char *op)
{
    static const char *const texts[] = {
        [HONE_GRADIENT_NONE] = "none", [HONE_GRADIENT_ONCE] = "once", [HONE_GRADIENT_ANY] = "any"
    };
    return texts[hone_op_gradients(op, NULL)];
}

static const char *forms(const char *op)
{
    const bool fresh = hone_op_has_form(op, false), in_place = hone_op_has_form(op, true);
    return fresh && in_place ? "both" : fresh ? "new" : in_place ? "in place" : "";
}

/* What hone_op_autocast() says, in words. */
static const char *autocast(const char *op)
{
    static const char *const texts[][2] = {
        { "lower",
          "operands of f32 are rounded to its dtype, sums are f32, the result is rounded" },
        { "f32", "operands of 16 bits become f32, and so does the result" },
        { "widest", "the widest dtype of the operands" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(hone_op_autocast(op), texts[i][0]) == 0)
            return texts[i][1];
    return "runs in what it is given";
}

static int list_all(void)
{
    printf("%-9s %-9s %-8s %s\n", "gradients", "result", "autocast", "signature");
    for (int i = 0; i < hone_op_count(); i++) {
        char signature[1200];
        const char *op = hone_op_name(i);
        hone_op_signature(op, signature, sizeof signature);
        if (*forms(op)) /* the others are hone's own */
            printf("%-9s %-9s %-8s %s\n", gradients(op), forms(op), hone_op_autocast(op),
                   signature);
    }
    return CLI_OK;
}

static int unknown(const char *word)
{
    enum { MOST = 1024 };
    const char *names[MOST];
    int n = 0;
    for (int i = 0; i < hone_op_count() && n < MOST; i++)
        if (*forms(hone_op_name(i)))
            names[n++] = hone_op_name(i);
    const char *nearest = hone__nearest(word, names, n);
    if (nearest)
        return cli_error(CLI_USAGE, cli_ops.name, "unknown op '%s'; did you mean %s?", word,
                         nearest);
    return cli_error(CLI_USAGE, cli_ops.name, "unknown op '%s'; hone ops lists them", word);
}

/* "add_" is told with "add". */
static int show(const char *word)
{
    char signature[1200], op[64];
    const char *why;
    snprintf(op, sizeof op, "%s", word);
    const size_t length = strlen(op);
    if (length > 1 && op[length - 1] == '_')
        op[length - 1] = 0;
    if (hone_op_signature(op, signature, sizeof signature) < 0)
        return unknown(word);
    const hone_gradients has = hone_op_gradients(op, &why);
    printf("%s\n", signature);
    printf("result      %s\n", *forms(op) ? forms(op) : "hone's own parts call it");
    printf("gradients   %s%s\n",
           has == HONE_GRADIENT_ANY    ? "any number of times"
           : has == HONE_GRADIENT_ONCE ? "once: "
                                       : "none: ",
           why);
    printf("bf16, f16   %s\n", hone_op_halves(op));
    printf("autocast    %s\n", autocast(op));
    return CLI_OK;
}

static int run(int argc, char **argv)
{
    const bool named = argc > 0 && argv[0][0] != '-';
    char no_fields;
    const cli_parsed parsed = cli_parse(&cli_ops, table, &no_fields, argc - named, argv + named);
    if (parsed != CLI_GO_ON)
        return parsed == CLI_DONE ? CLI_OK : CLI_USAGE;
    if (hone_init() != HONE_OK)
        return cli_library_error(cli_ops.name);
    return named ? show(argv[0]) : list_all();
}

const cli_command cli_ops = { "ops",
                              "Lists the ops, or tells one's inputs, attributes and gradients.",
                              run, "[NAME]" };
