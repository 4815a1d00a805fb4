/* cli.h: what the files of the program `hone` share. A subcommand is one file with one
 * cli_command; options are a table from which parsing, checking and --help come. */
#ifndef HONE_CLI_CLI_H
#define HONE_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** Exit statuses: 1 what went wrong at work (a file, memory), 2 how the program was called, 75 that a
 * limit of time came first: the same call goes on (sysexits.h calls it a temporary failure). */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_AGAIN = 75 };

/* ---- subcommands */

typedef struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the first word after the name */
    const char *words;                 /* what goes before the options, for the help; or NULL */
} cli_command;

extern const cli_command cli_train, cli_eval, cli_predict, cli_generate, cli_info, cli_bench,
    cli_ops, cli_models, cli_show, cli_convert, cli_export, cli_data;
extern const cli_command cli_profile;

/** Prints "hone COMMAND: message" to stderr; returns the status that was given. COMMAND is the one that
 * runs, also where what is said comes from another's code. */
int cli_error(int status, const char *command, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** Flushes the file; keeps the first error's number. */
void cli_flush(FILE *file, int *error);
/** Closes a file that was written; 0 or the number of the first error, `error` if it isn't 0. */
int cli_close(FILE *file, int error);
/** Whether a file that an option names could be written now: what would only fail after hours. False
 * with an error printed; NULL: there is none, true. */
bool cli_can_write(const char *command, const char *option, const char *path);
/** Writes bytes that come from a file so that a terminal isn't made to do anything: control characters but those
 * in `keep` as \n, \t or \x1b. How many bytes that are; to NULL: they are only counted. */
int cli_put_plain(FILE *to, const char *text, size_t n, const char *keep);
/** The library's pending error in the same form. Returns CLI_USAGE for a bad environment variable,
 * else CLI_FAILED. */
int cli_library_error(const char *command);

/* ---- the manual page: hone help --man */

/** An environment variable, for the help. */
typedef struct {
    const char *name, *help;
} cli_variable;

/** Prints hone(1) in roff: the commands by their --help, which prints a section of it when --roff is
 * the next word. CLI_OK or the status of the first that fails. */
int cli_print_man(const cli_command *const *commands, int n_commands,
                  const cli_variable *environment, int n_variables);

/* ---- options */

typedef enum {
    CLI_FLAG, /* bool, takes no value */
    CLI_TEXT, /* const char * */
    CLI_INT,  /* int64_t within low..high */
    CLI_SEED, /* uint64_t, any */
    CLI_REAL  /* double within low..high, finite */
} cli_kind;

typedef struct {
    const char *name;  /* without the dashes; NULL ends a table */
    const char *value; /* what the help calls its value; NULL for a flag */
    const char *help;
    cli_kind kind;
    size_t offset;        /* of the field in the command's struct of options */
    const char *fallback; /* default, parsed like a given value; NULL: the field stays zero */
    double low, high;
} cli_option;

typedef enum { CLI_GO_ON, CLI_DONE, CLI_BAD } cli_parsed;

/** Fills `fields` (zeroed by the caller) from the defaults and the words. CLI_DONE: --help was
 * printed; CLI_BAD: an error was. */
cli_parsed cli_parse(const cli_command *command, const cli_option *table, void *fields, int argc,
                     char **argv);

/** That section: a command and its table. */
void cli_print_roff(const cli_command *command, const cli_option *table);

/** Whole decimal number / finite decimal number, nothing around it, no locale (the program never
 * calls setlocale). */
bool cli_read_int(const char *text, int64_t *value);
bool cli_read_seed(const char *text, uint64_t *value); /* not negative, up to 2^64 - 1 */
bool cli_read_real(const char *text, double *value);
/** Seconds: "90s", "45m", "1.5h", "MINUTES:SECONDS", "HOURS:MINUTES:SECONDS", "DAYS-HOURS:..." as
 * batch systems write them. */
bool cli_read_time(const char *text, double *seconds);

/* ---- time and signals */

/** Seconds of a clock that only goes forward. */
double cli_seconds(void);

/** What Ctrl-C (SIGINT, SIGTERM, SIGHUP) does: ends the program at once with 128 + the signal; is
 * noted for cli_stopped(), and a second one ends it, unless that is SIGTERM; is noted, however often
 * it comes. */
typedef enum { CLI_STOP_ENDS, CLI_STOP_NOTED, CLI_STOP_HELD } cli_stop_mode;

/** From now on the mode counts, CLI_STOP_ENDS at first. A signal that the caller had ignored
 * (nohup, a script's background jobs) stays so. */
void cli_catch_stop(void);
void cli_stop_is(cli_stop_mode mode);
/** 0, or 128 + the signal that was noted, or CLI_AGAIN when the time has come. */
int cli_stopped(void);
/** From this time of cli_seconds() on it is as if a signal had been noted. */
void cli_stop_at(double seconds);
/** From now on SIGUSR1 is noted: whether it was, since the last call. */
void cli_catch_save(void);
bool cli_save_asked(void);
/** From now on that is 0 until cli_stop_together() says that all ranks stop; what was noted here is
 * cli_stop_noted(). */
void cli_stop_is_shared(void);
int cli_stop_noted(void);
void cli_stop_together(int status);

/** From now on standard output that nobody reads any more (| head) is an error at the end, not the
 * end itself: there is a file to be written. */
void cli_outlive_readers(void);

#endif
