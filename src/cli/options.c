/* options.c: option tables -> values and --help, with errors that say what was wanted. */
#include "cli.h"

#include "core/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool cli_read_int(const char *text, int64_t *value)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    if (!digits[0] || strspn(digits, "0123456789") != strlen(digits))
        return false;
    errno = 0;
    long long v = strtoll(text, NULL, 10);
    *value = v;
    return errno == 0;
}

bool cli_read_seed(const char *text, uint64_t *value)
{
    if (!text[0] || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    unsigned long long v = strtoull(text, NULL, 10);
    *value = v;
    return errno == 0;
}

bool cli_read_real(const char *text, double *value)
{
    /* strtod also takes hexadecimal, inf, nan and leading blanks. */
    if (!text[0] || strspn(text, "0123456789+-.eE") != strlen(text))
        return false;
    char *end;
    *value = strtod(text, &end);
    return !*end && isfinite(*value);
}

/* Digits at *text, which moves behind them. */
static bool read_digits(const char **text, double *value)
{
    char digits[12];
    int64_t number = 0;
    const size_t n = strspn(*text, "0123456789");
    snprintf(digits, sizeof digits, "%.*s", n < sizeof digits ? (int)n : 0, *text);
    *text += n;
    const bool ok = cli_read_int(digits, &number);
    *value = (double)number;
    return ok;
}

/* "1-02:30:00", "02:30:00", "30:00". */
static bool read_clock(const char *text, double *seconds)
{
    const char *dash = strchr(text, '-');
    double days = 0, field, sum = 0;
    int fields = 0;
    if (dash && (!read_digits(&text, &days) || *text++ != '-'))
        return false;
    do {
        if (!read_digits(&text, &field))
            return false;
        sum = sum * 60 + field;
        fields++;
    } while (*text == ':' && *++text);
    *seconds = days * 86400 + sum;
    return !text[0] && text[-1] != ':' && (fields == 3 || (fields == 2 && !dash));
}

bool cli_read_time(const char *text, double *seconds)
{
    static const struct {
        char unit;
        double seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 } };
    char number[32];
    const size_t n = strlen(text);
    for (size_t i = 0; n > 1 && n <= sizeof number && i < sizeof units / sizeof *units; i++) {
        if (text[n - 1] != units[i].unit)
            continue;
        snprintf(number, sizeof number, "%.*s", (int)n - 1, text);
        if (!cli_read_real(number, seconds) || *seconds <= 0)
            return false;
        *seconds *= units[i].seconds;
        return true;
    }
    return read_clock(text, seconds) && *seconds > 0;
}

/* The setters say what was wanted instead when a text is not that. */

static bool set_text(const char *command, const cli_option *option, void *field, const char *text)
{
    if (text[0])
        *(const char **)field = text;
    else
        cli_error(CLI_USAGE, command, "--%s: the %s is empty", option->name, option->value);
    return text[0];
}

static bool set_int(const char *command, const cli_option *option, void *field, const char *text)
{
    int64_t value;
    if (cli_read_int(text, &value) && (double)value >= option->low &&
        (double)value <= option->high) {
        *(int64_t *)field = value;
        return true;
    }
    cli_error(CLI_USAGE, command, "--%s takes a whole number from %lld to %lld, not '%s'",
              option->name, (long long)option->low, (long long)option->high, text);
    return false;
}

static bool set_seed(const char *command, const cli_option *option, void *field, const char *text)
{
    if (cli_read_seed(text, field))
        return true;
    cli_error(CLI_USAGE, command, "--%s takes a whole number from 0 to %llu, not '%s'",
              option->name, (unsigned long long)UINT64_MAX, text);
    return false;
}

static bool set_real(const char *command, const cli_option *option, void *field, const char *text)
{
    double value;
    if (cli_read_real(text, &value) && value >= option->low && value <= option->high) {
        *(double *)field = value;
        return true;
    }
    cli_error(CLI_USAGE, command, "--%s takes a number from %.10g to %.10g, not '%s'", option->name,
              option->low, option->high, text);
    return false;
}

static bool set_value(const char *command, const cli_option *option, void *fields, const char *text)
{
    void *field = (char *)fields + option->offset;
    switch (option->kind) {
    case CLI_TEXT:
        return set_text(command, option, field, text);
    case CLI_INT:
        return set_int(command, option, field, text);
    case CLI_SEED:
        return set_seed(command, option, field, text);
    case CLI_REAL:
        return set_real(command, option, field, text);
    case CLI_FLAG:
        *(bool *)field = true;
        return true;
    }
    return false;
}

static void print_help(const cli_command *command, const cli_option *table)
{
    printf("usage: hone %s %s%s[options]\n\n%s\n\n", command->name,
           command->words ? command->words : "", command->words ? " " : "", command->summary);
    for (const cli_option *o = table; o->name; o++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        printf("  %-20s  %s", left, o->help);
        if (o->fallback)
            printf(" [%s]", o->fallback);
        putchar('\n');
    }
    printf("  %-20s  %s\n", "--help", "this text");
}

static cli_parsed unknown_option(const char *command, const cli_option *table, const char *name,
                                 size_t length)
{
    char word[64];
    const char *names[64] = { "help" };
    int n = 1;
    for (const cli_option *o = table; o->name && n < 64; o++)
        names[n++] = o->name;
    snprintf(word, sizeof word, "%.*s", (int)length, name);
    const char *nearest = hone__nearest(word, names, n);
    if (nearest)
        cli_error(CLI_USAGE, command, "unknown option --%s; did you mean --%s?", word, nearest);
    else
        cli_error(CLI_USAGE, command, "unknown option --%s; see hone %s --help", word, command);
    return CLI_BAD;
}

/* One option at argv[i], with its value behind '=' or in the next word. Returns the words used, 0
 * on error. */
static int parse_one(const cli_command *command, const cli_option *table, void *fields, int left,
                     char **words)
{
    const char *name = words[0] + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const cli_option *o = table;
    while (o->name && (strlen(o->name) != length || strncmp(o->name, name, length) != 0))
        o++;
    if (!o->name) {
        unknown_option(command->name, table, name, length);
        return 0;
    }
    if (o->kind == CLI_FLAG) {
        if (equals) {
            cli_error(CLI_USAGE, command->name, "--%s takes no value", o->name);
            return 0;
        }
        *(bool *)((char *)fields + o->offset) = true;
        return 1;
    }
    if (!equals && left < 2) {
        cli_error(CLI_USAGE, command->name, "--%s needs a value: --%s %s", o->name, o->name,
                  o->value);
        return 0;
    }
    if (!set_value(command->name, o, fields, equals ? equals + 1 : words[1]))
        return 0;
    return equals ? 1 : 2;
}

cli_parsed cli_parse(const cli_command *command, const cli_option *table, void *fields, int argc,
                     char **argv)
{
    for (const cli_option *o = table; o->name; o++)
        if (o->fallback && !set_value(command->name, o, fields, o->fallback))
            return CLI_BAD;
    for (int i = 0; i < argc;) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            if (i + 1 < argc && strcmp(argv[i + 1], "--roff") == 0)
                cli_print_roff(command, table);
            else
                print_help(command, table);
            return CLI_DONE;
        }
        if (strncmp(argv[i], "--", 2) != 0 || !argv[i][2]) {
            cli_error(CLI_USAGE, command->name,
                      "'%s' is no option; options begin with --, see hone %s --help", argv[i],
                      command->name);
            return CLI_BAD;
        }
        int used = parse_one(command, table, fields, argc - i, argv + i);
        if (!used)
            return CLI_BAD;
        i += used;
    }
    return CLI_GO_ON;
}
