/* ops.c: `hone ops`: the ops there are, their inputs and attributes, and what gradients they have. */
#include "cli.h"

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

static int list_all(void)
{
    printf("%-9s %-9s %s\n", "gradients", "result", "signature");
    for (int i = 0; i < hone_op_count(); i++) {
        char signature[1200];
        const char *op = hone_op_name(i);
        hone_op_signature(op, signature, sizeof signature);
        if (*forms(op)) /* the others are hone's own */
            printf("%-9s %-9s %s\n", gradients(op), forms(op), signature);
    }
    return CLI_OK;
}

static int show(const char *op)
{
    char signature[1200];
    const char *why;
    if (hone_op_signature(op, signature, sizeof signature) < 0)
        return cli_error(CLI_USAGE, "ops", "%s", hone_error_message());
    const hone_gradients has = hone_op_gradients(op, &why);
    printf("%s\n", signature);
    printf("result      %s\n", *forms(op) ? forms(op) : "hone's own parts call it");
    printf("gradients   %s%s\n",
           has == HONE_GRADIENT_ANY    ? "any number of times"
           : has == HONE_GRADIENT_ONCE ? "once: "
                                       : "none: ",
           why);
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
