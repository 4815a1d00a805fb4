/* machine.c: what hone found out about the machine, for users. */
#include "core/core.h"
#include "runtime/openmp.h"
#include "runtime/parallel.h"
#include "runtime/topology.h"

#include <string.h>

hone_status hone_machine_get(hone_machine *machine)
{
    if (!hone__ready())
        return HONE_E_CONFIG;
    if (!machine)
        return hone__error_missing("machine_get", "a struct");
    const hone__topology *found = hone__topology_get();
    memset(machine, 0, sizeof *machine);
    machine->logical_cpus = found->logical_cpus;
    machine->cores = found->cores;
    machine->packages = found->packages;
    machine->numa_nodes = found->numa_nodes;
    machine->pool_nodes = found->pool_nodes;
    machine->affinity_cpus = found->affinity_cpus;
    machine->cgroup_cpus = found->cgroup_cpus;
    machine->threads = hone__team_now(machine->threads_reason, sizeof machine->threads_reason);
    machine->l1_bytes = found->l1_bytes;
    machine->l2_bytes = found->l2_bytes;
    machine->l3_bytes = found->l3_bytes;
    hone__format(machine->openmp, sizeof machine->openmp, "%s", hone__openmp_name());
    memcpy(machine->cpu_name, found->cpu_name, sizeof machine->cpu_name);
    return HONE_OK;
}
