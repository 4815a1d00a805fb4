/* info.c: `hone info`: the version, and what hone found out about the machine. */
#include "cli.h"
#include "isa/bf16.h"
#include "runtime/cost.h"
#include "runtime/lines.h"
#include "runtime/topology.h"

#include <hone/hone.h>
#include <stdio.h>

static const cli_option table[] = { { 0 } };

static void print_cache(const char *name, int64_t bytes)
{
    if (bytes <= 0)
        printf("%s unknown", name);
    else if (bytes < 1 << 20)
        printf("%s %lld KiB", name, (long long)(bytes >> 10));
    else
        printf("%s %.4g MiB", name, (double)bytes / (1 << 20));
}

/* The numbers that decide between one thread and the team. */
static void print_cost(int threads)
{
    printf(
        "cost        a region %.0f ns and %.0f ns a thread, efficiency %.2f, worth it from %.2fx\n",
        HONE__COST_REGION_NS, HONE__COST_PER_THREAD_NS, HONE__COST_EFFICIENCY, HONE__COST_GAIN);
    if (threads > 1) {
        const double ns = hone__cost_break_even_ns(threads);
        hone__line_measure(threads, 0);
        printf("team        for jobs that take one thread %.1f us or longer\n", ns / 1000);
        printf("lines       %.1f ns for one that another core has read, too\n", hone__line_ns());
    }
    printf(
        "stalls      waiting %d ms for a core, more than the team saved lately: one thread for %d "
        "ms, then twice as long, to %d ms\n",
        HONE__STALL_NS / 1000000, HONE__PAUSE_NS / 1000000, HONE__PAUSE_MOST_NS / 1000000);
}

static int run(int argc, char **argv)
{
    char no_fields;
    cli_parsed parsed = cli_parse(&cli_info, table, &no_fields, argc, argv);
    if (parsed != CLI_GO_ON)
        return parsed == CLI_DONE ? CLI_OK : CLI_USAGE;
    hone_machine m;
    if (hone_init() != HONE_OK || hone_machine_get(&m) != HONE_OK)
        return cli_library_error(cli_info.name);
    printf("version     %s\n", hone_version());
    printf("isa         %s\n", hone_isa());
    if (hone__bf16_in(true)->tiled)
        printf(
            "bf16        has AMX: products in the order tiles (HONE_BF16_ORDER=tiles, hone train "
            "--bf16-order tiles) are several times as fast\n");
    printf("cpu         %s\n", m.cpu_name[0] ? m.cpu_name : "unknown");
    printf("cores       %d (%d logical CPUs, %d package%s)\n", m.cores, m.logical_cpus, m.packages,
           m.packages == 1 ? "" : "s");
    printf("allowed     %d CPUs by %s", m.affinity_cpus,
           hone__topology_get()->runtime_binds ? "the places of OMP_PROC_BIND"
                                               : "the affinity mask");
    if (m.cgroup_cpus > 0)
        printf(", %.4g by the cgroup's quota", m.cgroup_cpus);
    printf("\ncaches      ");
    print_cache("L1", m.l1_bytes);
    print_cache(", L2", m.l2_bytes);
    print_cache(", L3", m.l3_bytes);
    printf("\nnuma nodes  %d", m.numa_nodes);
    if (m.pool_nodes < m.numa_nodes)
        printf(", of which %d %s used unless asked for", m.pool_nodes,
               m.pool_nodes == 1 ? "is" : "are");
    printf("\n");
    printf("threads     %d (%s)\n", m.threads, m.threads_reason);
    printf("openmp      %s\n", m.openmp);
    print_cost(m.threads);
    return CLI_OK;
}

const cli_command cli_info = { "info",
                               "Tells the version, the machine and why it uses so many threads.",
                               run, NULL };
