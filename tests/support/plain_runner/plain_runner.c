/* plain_runner.c: runs a binary's Criterion tests with fork() alone, by standing in for the few
 * functions that a test calls. Criterion itself starts a new program for each test and talks to it
 * over sockets, which neither an emulated CPU, nor valgrind, nor ThreadSanitizer follows. Linked in
 * by -DHONE_PLAIN_RUNNER=ON. An argument that begins with a letter is a pattern for SUITE/NAME. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the linker put the pointers that Test() and TestSuite() make. */
extern struct criterion_test *__start_cr_tst[], *__stop_cr_tst[];
extern struct criterion_suite *__start_cr_sts[] __attribute__((weak));
extern struct criterion_suite *__stop_cr_sts[] __attribute__((weak));

typedef struct {
    int failed, skipped;
} verdict;

static verdict *current; /* shared with the child that runs */
static void *parameter;  /* of the parameterised test that runs, else NULL */
enum { PASSED, FAILED, SKIPPED, N_OUTCOMES };

/* ---- what tests call */

void criterion_internal_test_setup(void) {}
void criterion_internal_test_teardown(void) {}
void cri_asserts_passed_incr(void) {}
void criterion_continue_test(void) {}

void criterion_internal_test_main(void (*body)(void))
{
    if (parameter)
        ((void (*)(void *))body)(parameter);
    else
        body();
}

void criterion_send_assert(struct criterion_assert_stats *stats)
{
    if (stats->passed)
        return;
    current->failed = 1;
    printf("%s:%u: %s\n", stats->file, stats->line, stats->message ? stats->message : "failed");
}

void criterion_abort_test(void)
{
    fflush(NULL);
    _exit(0); /* the verdict is in *current */
}

void criterion_skip_test(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    current->skipped = 1;
    criterion_abort_test();
}

/* ---- running */

static const struct criterion_test_extra_data *suite_of(const struct criterion_test *test)
{
    static const struct criterion_test_extra_data none;
    for (struct criterion_suite **suite = __start_cr_sts; suite < __stop_cr_sts; suite++)
        if (*suite && (*suite)->data && strcmp((*suite)->name, test->category) == 0)
            return (*suite)->data;
    return &none;
}

static _Noreturn void run_in_child(const struct criterion_test *test)
{
    const struct criterion_test_extra_data *suite = suite_of(test);
    if (suite->init)
        suite->init();
    if (test->data->init)
        test->data->init();
    test->test();
    if (test->data->fini)
        test->data->fini();
    if (suite->fini)
        suite->fini();
    exit(0);
}

static int run_once(const struct criterion_test *test, const char *label)
{
    static const char *const words[N_OUTCOMES] = { "ok", "not ok", "skipped" };
    int status = 0, outcome = FAILED;
    *current = (verdict){ 0, 0 };
    fflush(NULL);
    /* Without the handlers of pthread_atfork: this process has no threads, and hone in the child
     * should not take itself for one that lost them. */
    pid_t child = _Fork();
    if (child == 0)
        run_in_child(test);
    if (child > 0 && waitpid(child, &status, 0) == child && !current->failed) {
        int wanted_signal = test->data->signal;
        bool as_wanted = wanted_signal
                             ? WIFSIGNALED(status) && WTERMSIG(status) == wanted_signal
                             : WIFEXITED(status) && WEXITSTATUS(status) == test->data->exit_code;
        outcome = current->skipped ? SKIPPED : as_wanted ? PASSED : FAILED;
    }
    printf("%s - %s\n", words[outcome], label);
    if (outcome == FAILED && WIFSIGNALED(status))
        printf("  ended by signal %d\n", WTERMSIG(status));
    return outcome;
}

/* Once, or once a parameter. */
static void run_test(const struct criterion_test *test, const char *label, int *count)
{
    struct criterion_test_params params = { 0 };
    if (test->data->disabled) {
        count[SKIPPED]++;
        return;
    }
    parameter = NULL;
    if (!test->data->param_) {
        count[run_once(test, label)]++;
        return;
    }
    params = test->data->param_();
    for (size_t i = 0; i < params.length; i++) {
        parameter = (char *)params.params + i * params.size;
        count[run_once(test, label)]++;
    }
    if (params.cleanup)
        params.cleanup(&params);
}

int main(int argc, char **argv)
{
    const char *pattern = "*";
    int count[N_OUTCOMES] = { 0 };
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-')
            pattern = argv[i];
    current =
        mmap(NULL, sizeof *current, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (current == MAP_FAILED)
        return 1;
    for (struct criterion_test **test = __start_cr_tst; test < __stop_cr_tst; test++) {
        char label[512];
        if (!*test)
            continue;
        snprintf(label, sizeof label, "%s/%s", (*test)->category, (*test)->name);
        if (fnmatch(pattern, label, 0) == 0)
            run_test(*test, label, count);
    }
    printf("Tested: %d | Passed: %d | Failed: %d | Skipped: %d\n", count[PASSED] + count[FAILED],
           count[PASSED], count[FAILED], count[SKIPPED]);
    return count[FAILED] != 0;
}
