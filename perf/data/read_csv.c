/* read_csv.c: seconds that it takes to read a CSV file, the best of some rounds: read_csv FILE [ROUNDS].
 * perf/compare/read_csv.py compares them with pandas. */
#include "../clock.h"

#include <hone/hone.h>

#include <stdio.h>
#include <stdlib.h>

static double now(void)
{
    return 1e-9 * now_ns();
}

int main(int argc, char **argv)
{
    double best = 1e9;
    const int rounds = argc > 2 ? atoi(argv[2]) : 3;
    hone_error_policy(HONE_ABORT);
    if (argc < 2)
        return 2;
    for (int i = 0; i < rounds; i++) {
        hone_table table;
        const double begin = now();
        hone_csv_read(argv[1], NULL, &table);
        const double seconds = now() - begin;
        best = seconds < best ? seconds : best;
        if (i == 0)
            printf("%lld rows, %lld columns, %d threads\n", (long long)table.n_rows,
                   (long long)table.n_columns, hone_threads());
        hone_table_free(&table);
    }
    printf("%.4f\n", best);
    return 0;
}
