/* mpi.c: the MPI part, a shared object of its own (see mpi.h and CMakeLists.txt): the only file that
 * includes mpi.h of a library. Messages of several spans are MPI's derived types over the memory where
 * it lies, so hone makes no copy of a gradient to send it. */
#include "dist/mpi.h"

#include <limits.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static MPI_Comm comm;

typedef struct {
    MPI_Request of;
    MPI_Datatype type; /* MPI_DATATYPE_NULL: bytes */
} request;

static int start(int *rank, int *size, char *about, size_t n)
{
    int given, length = 0;
    char version[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &given) != MPI_SUCCESS ||
        MPI_Comm_dup(MPI_COMM_WORLD, &comm) != MPI_SUCCESS) {
        strncpy(about, "MPI_Init_thread failed", n - 1);
        return -1;
    }
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    MPI_Comm_rank(comm, rank);
    MPI_Comm_size(comm, size);
    MPI_Get_library_version(version, &length);
    /* "Open MPI v4.1.4, package: ..." or "MPICH Version:\t4.0.2\nMPICH Release date: ..." */
    size_t used = 0;
    for (const char *c = version; *c && *c != ',' && *c != '\n' && used < n - 1; c++) {
        if (strncmp(c, "Version:", 8) == 0)
            c += 8;
        else
            about[used++] = *c;
    }
    about[used] = 0;
    return 0;
}

/* The spans as one type from address 0 on. */
static int type_of(const hone__span *spans, int n, MPI_Datatype *type)
{
    int *lengths = malloc((size_t)n * sizeof *lengths);
    MPI_Aint *places = malloc((size_t)n * sizeof *places);
    int bad = !lengths || !places;
    for (int i = 0; !bad && i < n; i++) {
        bad = spans[i].bytes > INT_MAX;
        lengths[i] = (int)spans[i].bytes;
        bad = bad || MPI_Get_address(spans[i].at, &places[i]) != MPI_SUCCESS;
    }
    bad = bad || MPI_Type_create_hindexed(n, lengths, places, MPI_BYTE, type) != MPI_SUCCESS ||
          MPI_Type_commit(type) != MPI_SUCCESS;
    free(lengths);
    free(places);
    return bad;
}

static void drop(request *r)
{
    if (r->type != MPI_DATATYPE_NULL)
        MPI_Type_free(&r->type);
    free(r);
}

static void *begin(const hone__span *spans, int n, int peer, int tag, int sends)
{
    request *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->type = MPI_DATATYPE_NULL;
    const int one = n == 1 && spans[0].bytes <= INT_MAX;
    if (!one && type_of(spans, n, &r->type)) {
        free(r);
        return NULL;
    }
    void *at = one ? spans[0].at : MPI_BOTTOM;
    const int count = one ? (int)spans[0].bytes : 1;
    const MPI_Datatype type = one ? MPI_BYTE : r->type;
    const int status = sends ? MPI_Isend(at, count, type, peer, tag, comm, &r->of)
                             : MPI_Irecv(at, count, type, peer, tag, comm, &r->of);
    if (status == MPI_SUCCESS)
        return r;
    drop(r);
    return NULL;
}

static void *begin_send(const hone__span *spans, int n, int to, int tag)
{
    return begin(spans, n, to, tag, 1);
}

static void *begin_receive(const hone__span *spans, int n, int from, int tag)
{
    return begin(spans, n, from, tag, 0);
}

static int test(void *which)
{
    request *r = which;
    int done = 0;
    if (MPI_Test(&r->of, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS)
        return -1;
    if (done)
        drop(r);
    return done;
}

/* A launcher that is told to end the job may do so before it has read what the ranks wrote last, and
 * that says why (MPICH's, on a busy machine). */
static void end_all(int status)
{
    const struct timespec read_first = { 0, 200000000 };
    nanosleep(&read_first, NULL);
    MPI_Abort(MPI_COMM_WORLD, status);
}

static int finish(void)
{
    MPI_Comm_free(&comm);
    return MPI_Finalize() == MPI_SUCCESS ? 0 : -1;
}

__attribute__((visibility("default"))) extern const hone__mpi hone__mpi_table;
const hone__mpi hone__mpi_table = {
    start, begin_send, begin_receive, test, end_all, finish, sizeof(hone__mpi),
};
