/* models.c: `hone models`: the networks that have a name, what a network is made of, its text. */
#include "cli.h"
#include "work.h"

#include <hone/hone.h>

#include <stdio.h>
#include <string.h>

typedef struct {
    bool text;
} models_options;

static const cli_option table[] = {
    { "text", NULL, "print the description of a named network, to begin one's own with", CLI_FLAG,
      offsetof(models_options, text), NULL, 0, 0 },
    { 0 },
};

/* A description's first line says what it is. */
static int list_all(void)
{
    printf("mlp:INPUT,...,OUTPUT\n    Linear layers with ReLU between them\n");
    for (int i = 0; i < hone_model_count(); i++) {
        char signature[300];
        const char *name = hone_model_name(i), *about = hone_model_text(name);
        if (hone_model_signature(name, signature, sizeof signature) < 0)
            return cli_library_error(cli_models.name);
        about += strspn(about, "# ");
        printf("%s\n    %.*s\n", signature, (int)strcspn(about, "\n"), about);
    }
    return CLI_OK;
}

static int show_text(const char *word)
{
    const char *text = hone_model_text(word);
    if (!text)
        return cli_error(CLI_USAGE, cli_models.name, "--text: %s",
                         hone_error_message() + strlen("model: "));
    fputs(text, stdout);
    return CLI_OK;
}

static int show(const char *word)
{
    model_spec spec;
    if (!model_parse(cli_models.name, word, &spec))
        return CLI_USAGE;
    hone_module *model = model_new(&spec);
    if (!model)
        return model_failed(cli_models.name, &spec);
    const hone_status status = hone_print_module(model);
    hone_module_free(model);
    return status == HONE_OK ? CLI_OK : cli_library_error(cli_models.name);
}

static int run(int argc, char **argv)
{
    HONE_SCOPE();
    const bool named = argc > 0 && argv[0][0] != '-';
    models_options o = { 0 };
    const cli_parsed parsed = cli_parse(&cli_models, table, &o, argc - named, argv + named);
    if (parsed != CLI_GO_ON)
        return parsed == CLI_DONE ? CLI_OK : CLI_USAGE;
    if (o.text && !named)
        return cli_error(CLI_USAGE, cli_models.name,
                         "--text is of one network: hone models lists "
                         "them");
    if (hone_init() != HONE_OK)
        return cli_library_error(cli_models.name);
    return !named ? list_all() : o.text ? show_text(argv[0]) : show(argv[0]);
}

const cli_command cli_models = { "models",
                                 "Lists the networks that have a name, or tells what one is made "
                                 "of.",
                                 run, "[NAME[:ARGUMENTS]|FILE[:ARGUMENTS]]" };
