/* launch.c: what the launcher's environment says, the MPI part that suits it, and the cores of a
 * process that shares its machine with others of the job. */
#include "dist/world.h"

#include <dlfcn.h>
#include <hwloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *library, *object;               /* of the MPI part */
    const char *size, *local_size, *local_rank; /* variables */
} launcher;

/* Whose variables are there says whose library it is; PMIx is Slurm's way to start Open MPI. */
static const launcher launchers[] = {
    { "Open MPI", "hone_mpi_openmpi.so", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE",
      "OMPI_COMM_WORLD_LOCAL_RANK" },
    { "MPICH", "hone_mpi_mpich.so", "PMI_SIZE", "MPI_LOCALNRANKS", "MPI_LOCALRANKID" },
};

static int number_in(const char *variable, int otherwise)
{
    const char *text = getenv(variable);
    const long n = text && *text ? strtol(text, NULL, 10) : otherwise;
    return n >= 0 && n < 1 << 24 ? (int)n : otherwise;
}

static const launcher *find(void)
{
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++)
        if (number_in(launchers[i].size, 0) > 0)
            return &launchers[i];
    return NULL;
}

const char *hone__launcher(int *size)
{
    const launcher *l = find();
    *size = l ? number_in(l->size, 1) : 1;
    return l ? l->library : NULL;
}

/* ---- the MPI part */

/* The folder of the file that this code is in, with a slash at its end; the program's own for one
 * that was linked with all of hone. */
static void own_folder(char *path, size_t size)
{
    Dl_info info;
    char *real = dladdr((void *)hone__mpi_load, &info) && info.dli_fname
                     ? realpath(info.dli_fname, NULL)
                     : NULL;
    if (!real)
        real = realpath("/proc/self/exe", NULL);
    snprintf(path, size, "%s", real ? real : "./");
    free(real);
    char *slash = strrchr(path, '/');
    if (slash)
        slash[1] = 0;
}

static void *open_part(const char *object, char *message, size_t size)
{
    static const char *const beside[] = { "", "hone/", HONE_MPI_LIBDIR };
    char folder[3072], path[4096];
    const char *given = getenv("HONE_MPI_DIR");
    void *part = NULL;
    own_folder(folder, sizeof folder);
    for (size_t i = 0; !part && i < (given ? 1 : sizeof beside / sizeof *beside); i++) {
        snprintf(path, sizeof path, "%s%s%s", given ? given : folder, given ? "/" : beside[i],
                 object);
        part = dlopen(path, RTLD_NOW | RTLD_GLOBAL); /* Open MPI's components look for its names */
        const char *why = part ? NULL : dlerror();
        if (why && (!*message || !strstr(why, "cannot open shared object file: No such file") ||
                    !strstr(why, object)))
            snprintf(message, size, "%s", why);
    }
    return part;
}

const hone__mpi *hone__mpi_load(void)
{
    const launcher *l = find();
    char message[512] = "";
    if (!HONE_MPI) {
        hone_error_set(HONE_E_CONFIG,
                       "dist_init: %s has started %d processes, but this hone was built without "
                       "MPI (cmake -DHONE_MPI=ON, with libopenmpi-dev or libmpich-dev)",
                       l->library, number_in(l->size, 1));
        return NULL;
    }
    void *part = open_part(l->object, message, sizeof message);
    if (!part) {
        hone_error_set(HONE_E_CONFIG, "dist_init: the MPI part for %s can't be loaded: %s",
                       l->library, message);
        return NULL;
    }
    const hone__mpi *table = dlsym(part, HONE__MPI_TABLE);
    if (table && table->table_bytes == sizeof *table)
        return table;
    hone_error_set(HONE_E_CONFIG, "dist_init: %s is of another version of hone", l->object);
    return NULL;
}

/* ---- cores */

/* One line; of the calling process, which lives as long. */
static char advice[256];

/* The cores of all this machine in the order of its topology, cut into as many runs as processes. */
static bool take_share(int local_rank, int local_size)
{
    hwloc_topology_t topology;
    if (hwloc_topology_init(&topology) != 0)
        return false;
    bool done = false;
    if (hwloc_topology_load(topology) == 0) {
        const int units = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
        hwloc_bitmap_t mine = hwloc_bitmap_alloc();
        const int from = (int)((long)local_rank * units / local_size);
        const int end = (int)((long)(local_rank + 1) * units / local_size);
        for (int i = from; mine && units > 0 && (i < end || i == from); i++)
            hwloc_bitmap_or(
                mine, mine,
                hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, (unsigned)(i % units))->cpuset);
        done = mine && units > 0 && hwloc_set_cpubind(topology, mine, HWLOC_CPUBIND_PROCESS) == 0;
        hwloc_bitmap_free(mine);
    }
    hwloc_topology_destroy(topology);
    return done;
}

const char *hone__take_cores(void)
{
    const launcher *l = find();
    cpu_set_t mask;
    if (!l || sched_getaffinity(0, sizeof mask, &mask) != 0)
        return NULL;
    const int online = (int)sysconf(_SC_NPROCESSORS_ONLN), own = CPU_COUNT(&mask);
    const int told = number_in(l->local_size, 1), local = told > 0 ? told : 1;
    const int rank = number_in(l->local_rank, 0);
    if (own >= online && local > 1)
        take_share(rank, local);
    else if (own == 1 && online / local > 1)
        snprintf(advice, sizeof advice,
                 "the launcher has bound each rank to 1 of %d cores: --bind-to none, or --map-by "
                 "slot:pe=%d, gives it more",
                 online, online / local);
    return *advice ? advice : NULL;
}
