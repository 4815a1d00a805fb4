/* A program with OpenMP of its own, that may be another runtime than hone's: for foreign.sh, which
 * compiles and links it. Prints the runtime that serves hone, then threads and reason
 *
 *      alone, in a region of the program's (the least of its threads), in a child of fork(), and
 *      after that.
 */
#include <hone/hone.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *when)
{
    hone_machine machine;
    if (hone_machine_get(&machine) == HONE_OK)
        printf("%s: %d, %s\n", when, machine.threads, machine.threads_reason);
    else
        printf("%s: %s\n", when, hone_error_message());
    fflush(stdout);
}

static void tell_in_region(void)
{
    int inside = 0, most = 0;
#pragma omp parallel num_threads(2)
    {
        hone_machine machine = { 0 };
        hone_machine_get(&machine);
#pragma omp critical
        {
            inside += strcmp(machine.threads_reason, "inside a parallel region") == 0;
            most = machine.threads > most ? machine.threads : most;
        }
    }
    printf("region: %d, %d know it\n", most, inside);
}

int main(void)
{
    hone_machine machine;
    if (hone_machine_get(&machine) != HONE_OK)
        return 1;
    printf("runtime: %s\n", machine.openmp);
    tell("alone");
    tell_in_region();
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        alarm(20); /* instead of hanging */
        tell("child");
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    if (status != 0)
        printf("child: status %x\n", (unsigned)status);
    tell("after");
    return 0;
}
