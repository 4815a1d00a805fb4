/* ranks.c: see ranks.h. */
#include "ranks.h"

#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAMED = 16 }; /* ranks whose processes are told */

int ranks_join(const char *command)
{
    if (hone_dist_init() != HONE_OK)
        return cli_library_error(command);
    if (ranks_share())
        cli_stop_is_shared();
    return CLI_OK;
}

int ranks_leave(int status)
{
    fflush(stdout);
    fflush(stderr);
    if (status == CLI_OK)
        hone_dist_finish();
    else
        hone_dist_abort(status);
    return status;
}

bool ranks_share(void)
{
    return hone_dist_size() > 1;
}

/* What a line of the launcher names when a process dies. */
static void tell_processes(progress *p)
{
    char line[512] = "";
    size_t used = 0;
    hone_tensor *all = hone_dist_gather(hone_scalar(HONE_F64, (double)getpid()));
    const double *pid = all ? hone_data(all) : NULL;
    for (int r = 0; pid && r < hone_dist_size() && r < NAMED && used < sizeof line; r++)
        used += (size_t)snprintf(line + used, sizeof line - used, " %.0f", pid[r]);
    progress_line(p, "%d ranks (%s), processes%s%s", hone_dist_size(), hone_dist_library(), line,
                  hone_dist_size() > NAMED ? " ..." : "");
}

void ranks_tell(progress *p)
{
    HONE_SCOPE();
    if (ranks_share())
        tell_processes(p);
    if (ranks_share() && !hone_dist_shards())
        progress_line(p, "no shards: sums go from rank to rank");
    if (hone_dist_shards())
        progress_line(p, "%lld shards a batch", (long long)hone_dist_shards());
    if (hone_dist_advice())
        progress_line(p, "%s", hone_dist_advice());
}

void ranks_tell_traffic(progress *p)
{
    hone_dist_statistics s;
    if (!ranks_share() || hone_dist_statistics_get(&s) != HONE_OK || s.steps == 0)
        return;
    const double n = hone_dist_size(), steps = (double)s.steps;
    const bool some = s.busy_seconds > s.waited_seconds;
    const double hidden = some ? 100 * (1 - s.waited_seconds / s.busy_seconds) : 0;
    progress_line(
        p,
        "sent by rank 0 a step: %.3f MB of gradients, %.3f times their bytes (2 (n - 1) / n "
        "is %.3f; %d subtree%s), and %.3f MB else; %.0f %% of the time behind the backward",
        (double)s.sent_bytes / steps / 1e6, (double)s.sent_bytes / (double)s.gradient_bytes,
        2 * (n - 1) / n, s.subtrees, s.subtrees == 1 ? "" : "s",
        (double)s.other_bytes / steps / 1e6, hidden);
}

bool ranks_sum(double *numbers, int n)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    if (!ranks_share())
        return true;
    hone_tensor *t = hone_from_data(HONE_F64, numbers, n);
    return ranks_merge(t) && hone_copy_out(t, numbers, (size_t)n * sizeof *numbers) == HONE_OK;
}

bool ranks_merge(hone_tensor *rows)
{
    return !ranks_share() || hone_dist_all_reduce(rows) == HONE_OK;
}

/* The worst of all ranks: where losses are equal, those of the first rows. */
static int by_loss(const void *a_, const void *b_)
{
    const double *a = a_, *b = b_;
    if (a[3] != b[3])
        return a[3] > b[3] ? -1 : 1;
    return a[0] < b[0] ? -1 : a[0] > b[0];
}

static bool merge_worst(metrics *m)
{
    enum { WIDTH = 5 };
    const int64_t all = (int64_t)hone_dist_size() * METRICS_WORST;
    hone_tensor *own = hone_zeros(HONE_F64, METRICS_WORST, WIDTH);
    double *row = own ? hone_data(own) : NULL;
    for (int i = 0; row && i < m->n_worst; i++, row += WIDTH) {
        const wrong_answer *w = &m->worst[i];
        row[0] = (double)w->row;
        row[1] = (double)w->label;
        row[2] = (double)w->answer;
        row[3] = w->loss;
        row[4] = 1; /* there is one */
    }
    hone_tensor *gathered = hone_dist_gather(own);
    double *rows = gathered ? hone_data(gathered) : NULL;
    int n = 0;
    for (int64_t i = 0; rows && i < all; i++)
        if (rows[i * WIDTH + 4] != 0)
            memmove(rows + n++ * WIDTH, rows + i * WIDTH, WIDTH * sizeof *rows);
    if (rows)
        qsort(rows, (size_t)n, WIDTH * sizeof *rows, by_loss);
    m->n_worst = n < METRICS_WORST ? n : METRICS_WORST;
    for (int i = 0; rows && i < m->n_worst; i++, rows += WIDTH)
        m->worst[i] =
            (wrong_answer){ (int64_t)rows[0], (int64_t)rows[1], (int64_t)rows[2], rows[3] };
    return gathered;
}

bool ranks_merge_metrics(metrics *m)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    double numbers[3] = { (double)m->n, (double)m->missed, m->confusion ? 1 : 0 };
    double classes = (double)m->classes;
    if (!ranks_share())
        return true;
    hone_tensor *most = hone_dist_gather(hone_scalar(HONE_F64, classes));
    if (!most || !ranks_sum(numbers, 3) || !merge_worst(m))
        return false;
    m->n = (int64_t)numbers[0];
    m->missed = (int64_t)numbers[1];
    classes = hone_item(hone_max(most));
    if (numbers[2] == 0)
        return true;
    const int64_t cells = (int64_t)(classes * classes);
    hone_tensor *counts = hone_zeros(HONE_F64, cells);
    double *count = counts ? hone_data(counts) : NULL;
    for (int64_t i = 0; count && m->confusion && i < cells; i++)
        count[i] = (double)m->confusion[i];
    if (!m->confusion)
        m->confusion = calloc((size_t)cells, sizeof *m->confusion);
    m->classes = (int64_t)classes;
    if (!m->confusion || !ranks_merge(counts))
        return false;
    for (int64_t i = 0; i < cells; i++)
        m->confusion[i] = (int64_t)count[i];
    return true;
}
