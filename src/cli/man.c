/* man.c: the manual page hone(1), in roff, from the tables that --help is made of. */
#include "cli.h"

#include <hone/hone.h>
#include <stdio.h>
#include <string.h>

/* Text as roff takes it: no escapes, and minus signs that can be copied. A line may begin with it. */
static void put_text(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++)
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
}

static void put_bold(const char *text)
{
    fputs("\\fB", stdout);
    put_text(text);
    fputs("\\fR", stdout);
}

static void put_slanted(const char *text)
{
    fputs("\\fI", stdout);
    put_text(text);
    fputs("\\fR", stdout);
}

void cli_print_roff(const cli_command *command, const cli_option *table)
{
    fputs(".SS hone ", stdout);
    put_text(command->name);
    if (command->words) {
        putchar(' ');
        put_slanted(command->words);
    }
    puts(" [options]");
    put_text(command->summary);
    putchar('\n');
    for (const cli_option *o = table; o->name; o++) {
        puts(".TP");
        put_bold("--");
        put_bold(o->name);
        if (o->value) {
            putchar(' ');
            put_slanted(o->value);
        }
        putchar('\n');
        put_text(o->help);
        if (o->fallback) {
            fputs(" [", stdout);
            put_text(o->fallback);
            putchar(']');
        }
        putchar('\n');
    }
    puts(".TP\n\\fB\\-\\-help\\fR\ntells these options.");
}

static void put_terms(const char *const *terms)
{
    for (; *terms; terms += 2) {
        puts(".TP");
        put_bold(terms[0]);
        putchar('\n');
        put_text(terms[1]);
        putchar('\n');
    }
}

int cli_print_man(const cli_command *const *commands, int n_commands,
                  const cli_variable *environment, int n_variables)
{
    static const char *const statuses[] = {
        "0",
        "All went well.",
        "1",
        "What went wrong at work: a file, memory, output that did not arrive.",
        "2",
        "How the program was called: an option, a value, an environment variable.",
        "128 and more",
        "A signal ended it: 130 is Ctrl-C.",
        NULL,
    };
    printf(".TH HONE 1 \"\" \"hone %s\" \"User Commands\"\n", hone_version());
    puts(".SH NAME\nhone \\- trains neural networks on CPUs\n"
         ".SH SYNOPSIS\n.B hone\n.I COMMAND\n[options]\n"
         ".SH DESCRIPTION\nTrains neural networks on CPUs; the same bits on any machine and any "
         "number of "
         "threads.\nValues come behind an equals sign or as the next word.\n"
         ".SH COMMANDS");
    for (int i = 0; i < n_commands; i++) {
        const int status = commands[i]->run(2, (char *[]){ "--help", "--roff" });
        if (status != CLI_OK)
            return status;
    }
    puts(".SH ENVIRONMENT");
    for (int i = 0; i < n_variables; i++)
        put_terms((const char *const[]){ environment[i].name, environment[i].help, NULL });
    puts(".SH EXIT STATUS");
    put_terms(statuses);
    puts(".SH EXAMPLES\n.nf\nhone train \\-\\-data digits \\-\\-model lenet \\-\\-optim adam "
         "\\-\\-save lenet.safetensors\nhone eval \\-\\-load lenet.safetensors \\-\\-data digits "
         "\\-\\-model lenet\n.fi");
    return CLI_OK;
}
