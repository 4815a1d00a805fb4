/* unload.c LIBRARY: dlopen, work on two threads, dlclose, and only then the second thread's end, three
 * times. What hone does at a thread's end must still be there. */
#include <hone/hone.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_barrier_t meeting;

static void meet(void)
{
    pthread_barrier_wait(&meeting);
}

/* ISO C has no conversion from an object pointer to a function pointer; POSIX does. */
static void find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    if (!symbol) {
        puts(dlerror());
        exit(1);
    }
    memcpy(function, &symbol, sizeof symbol);
}

/* A sum and a product that are shared out among the team; their memory belongs to the thread's root
 * scope, which its end empties. */
static void work(void *library)
{
    hone_tensor *(*ones)(const int64_t *), *(*matmul)(hone_tensor *, hone_tensor *);
    hone_tensor *(*sum)(hone_tensor *);
    double (*item)(hone_tensor *);
    find(library, "hone_ones_v", &ones);
    find(library, "hone_matmul", &matmul);
    find(library, "hone_sum", &sum);
    find(library, "hone_item", &item);
    hone_tensor *a = ones(HONE_DIM_ARGS(HONE_F32, 300, 300));
    if (item(sum(matmul(a, a))) != 300.0 * 300 * 300) {
        puts("the sum is wrong");
        exit(1);
    }
}

static void *other_thread(void *library)
{
    work(library);
    meet();
    meet(); /* the library has been closed */
    return NULL;
}

int main(int argc, char **argv)
{
    for (int round = 0; argc == 2 && round < 3; round++) {
        pthread_t thread;
        void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            puts(dlerror());
            return 1;
        }
        work(library);
        pthread_barrier_init(&meeting, NULL, 2);
        if (pthread_create(&thread, NULL, other_thread, library) != 0)
            return 1;
        meet();
        if (dlclose(library) != 0)
            return 1;
        meet();
        pthread_join(thread, NULL);
        pthread_barrier_destroy(&meeting);
    }
    return argc == 2 ? 0 : 2;
}
