/* main.c: the program `hone`: chooses the subcommand; errors, the clock and Ctrl-C for all of them.
 */
#include "cli.h"

#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <hone/hone.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const cli_command *const commands[] = { &cli_train,  &cli_eval,  &cli_predict, &cli_generate,
                                               &cli_data,   &cli_bench, &cli_profile, &cli_ops,
                                               &cli_models, &cli_show,  &cli_convert, &cli_export,
                                               &cli_info };
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static const char *running; /* the subcommand */

int cli_error(int status, const char *command, const char *format, ...)
{
    va_list args;
    const int rank = hone_dist_rank();
    if (rank > 0 && status == 0)
        return status; /* rank 0 says it */
    if (rank > 0)
        sleep(1); /* it may say the same, and end all before this one does */
    va_start(args, format);
    command = command && running ? running : command;
    fflush(stdout);
    fprintf(stderr, command ? "hone %s: " : "hone: ", command);
    if (rank > 0)
        fprintf(stderr, "rank %d: ", rank);
    char text[8192] = "";
    vsnprintf(text, sizeof text, format, args);
    cli_put_plain(stderr, text, strlen(text), "\n\t"); /* it may quote a file's names */
    fputc('\n', stderr);
    va_end(args);
    return status;
}

void cli_flush(FILE *file, int *error)
{
    if (fflush(file) != 0 && *error == 0)
        *error = errno;
}

int cli_close(FILE *file, int error)
{
    cli_flush(file, &error);
    if (fclose(file) != 0 && error == 0)
        error = errno;
    return error;
}

int cli_library_error(const char *command)
{
    int status = hone_error_code() == HONE_E_CONFIG ? CLI_USAGE : CLI_FAILED;
    return cli_error(status, command, "%s", hone_error_message());
}

double cli_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static volatile sig_atomic_t stop_mode = CLI_STOP_ENDS, stop_signal, save_signal;
static double stop_time; /* 0: none */

/* A second SIGTERM waits as the first does: batch systems send several. */
static void on_stop(int signal_number)
{
    const bool again = stop_signal && signal_number != SIGTERM;
    if (stop_mode == CLI_STOP_ENDS || (stop_mode == CLI_STOP_NOTED && again))
        _exit(128 + signal_number);
    if (!stop_signal)
        stop_signal = signal_number;
}

static void on_save(int signal_number)
{
    save_signal = signal_number;
}

static void catch (int signal_number, void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART }, inherited;
    sigemptyset(&action.sa_mask);
    if (sigaction(signal_number, NULL, &inherited) == 0 && inherited.sa_handler != SIG_IGN)
        sigaction(signal_number, &action, NULL);
}

void cli_catch_stop(void)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        catch (signals[i], on_stop);
}

void cli_catch_save(void)
{
    catch (SIGUSR1, on_save);
}

bool cli_save_asked(void)
{
    const bool asked = save_signal;
    save_signal = 0;
    return asked;
}

void cli_stop_is(cli_stop_mode mode)
{
    stop_mode = mode;
}

void cli_stop_at(double seconds)
{
    stop_time = seconds;
}

int cli_stop_noted(void)
{
    if (stop_signal)
        return 128 + (int)stop_signal;
    return stop_time > 0 && cli_seconds() >= stop_time ? CLI_AGAIN : CLI_OK;
}

static struct {
    bool shared; /* among ranks, which stop after the same step */
    int status;
} stop;

void cli_stop_is_shared(void)
{
    stop.shared = true;
}

void cli_stop_together(int status)
{
    stop.status = status;
}

int cli_stopped(void)
{
    return stop.shared ? stop.status : cli_stop_noted();
}

void cli_outlive_readers(void)
{
    signal(SIGPIPE, SIG_IGN);
}

static const cli_variable environment[] = {
    { "HONE_ISA=scalar|avx2|avx512|avx512_bf16|avx512_amx|neon",
      "kernels to use; default: the best this machine has" },
    { "HONE_BF16_ORDER=pairs|tiles",
      "what products of bf16 sum in (hone train --bf16-order); default: pairs" },
    { "HONE_NUM_THREADS=N", "at most N threads" },
    { "HONE_FORCE_THREADS=N", "exactly N threads for everything divisible (tests)" },
    { "HONE_PIN=1", "binds each thread to a core of its own" },
    { "HONE_DEBUG=1..4", "1 errors, 2 ops, 3 scheduling, 4 memory, to stderr" },
    { "HONE_DIST_TIMEOUT=S",
      "seconds after which a rank that does nothing ends the job; default 20" },
    { "HONE_MPI_DIR=DIR", "where the MPI parts are, if not beside hone" },
};
enum { N_VARIABLES = sizeof environment / sizeof *environment };

static void print_help(void)
{
    puts("usage: hone COMMAND [options]\n\nTrains neural networks on CPUs; the same bits on any "
         "machine and any number of threads.\n");
    for (int i = 0; i < N_COMMANDS; i++)
        printf("  %-8s  %s\n", commands[i]->name, commands[i]->summary);
    puts(
        "\nhone COMMAND --help tells a command's options, hone help --man all of this as a manual\n"
        "page, hone --version the version.\n\nEnvironment:");
    for (int i = 0; i < N_VARIABLES; i++)
        printf("  %-32s  %s\n", environment[i].name, environment[i].help);
}

static int unknown_command(const char *word)
{
    const char *names[N_COMMANDS];
    for (int i = 0; i < N_COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *nearest = hone__nearest(word, names, N_COMMANDS);
    const char *what = word[0] == '-' ? "option" : "command";
    if (nearest)
        return cli_error(CLI_USAGE, NULL, "unknown %s '%s'; did you mean %s?", what, word, nearest);
    return cli_error(CLI_USAGE, NULL, "unknown %s '%s'; see hone --help", what, word);
}

/* A file opened later must not get the number of a standard stream that the caller closed, or what
 * is printed would go into it. In its place comes something that can't be written to (or read from,
 * for the input), so that lost output is still noticed. */
static void fill_closed_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            _exit(CLI_FAILED);
}

/* Output that did not arrive is a failure, even if all else went well. */
static int check_output(int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    const char *reason = errno ? strerror(errno) : "some of it was lost";
    cli_error(CLI_FAILED, NULL, "can't write to standard output: %s", reason);
    return status == CLI_OK ? CLI_FAILED : status;
}

static int run_command(const char *word, int argc, char **argv)
{
    for (int i = 0; i < N_COMMANDS; i++) {
        if (strcmp(word, commands[i]->name) != 0)
            continue;
        running = commands[i]->name;
        return commands[i]->run(argc, argv);
    }
    return unknown_command(word);
}

static int run(int argc, char **argv)
{
    if (argc < 2)
        return cli_error(CLI_USAGE, NULL, "a command is missing; see hone --help");
    const char *word = argv[1];
    const bool help = strcmp(word, "help") == 0;
    if (help && argc > 2 && strcmp(argv[2], "--man") == 0)
        return cli_print_man(commands, N_COMMANDS, environment, N_VARIABLES);
    if (help && argc > 2)
        return run_command(argv[2], 1, (char *[]){ "--help" });
    if (help || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help();
        return CLI_OK;
    }
    if (strcmp(word, "--version") == 0) {
        printf("hone %s\n", hone_version());
        return CLI_OK;
    }
    return run_command(word, argc - 2, argv + 2);
}

int main(int argc, char **argv)
{
    fill_closed_streams();
    signal(SIGXFSZ, SIG_IGN); /* a file past the limit is an error like any other */
    return check_output(run(argc, argv));
}
