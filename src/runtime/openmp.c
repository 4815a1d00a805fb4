/* openmp.c: see openmp.h. */
#include "runtime/openmp.h"
#include "core/core.h"
#include "runtime/lock.h"
#include "runtime/stack.h"
#include "runtime/thread_end.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef void (*function)(void);
typedef int (*question)(void);

/* ---- which one ---------------------------------------------------------------------------- */

/* What the compiler calls where a region begins. */
#ifdef __clang__
#define ENTRY __kmpc_fork_call
#else
#define ENTRY GOMP_parallel
#endif
#define TEXT_OF(name) #name
#define NAME_OF(name) TEXT_OF(name)
extern void ENTRY(void);

static char name[PATH_MAX + 64];
static const void *serves; /* where the runtime lies */
static bool is_llvm;
static size_t stack_bytes;

/* dlsym looks where our own calls are bound; the address of a function may be that of a stub. An
 * archive linked into a program is not seen by dlsym. */
static function symbol(void *where, const char *of)
{
    function found;
    *(void **)&found = dlsym(where, of);
    return found;
}

static const void *base_of(function f, const char **file)
{
    Dl_info info;
    void *address;
    memcpy(&address, &f, sizeof address);
    if (!f || !dladdr(address, &info))
        return NULL;
    if (file)
        *file = info.dli_fname;
    return info.dli_fbase;
}

static void find_runtime(void)
{
    const char *file = NULL;
    const function entry = symbol(RTLD_DEFAULT, NAME_OF(ENTRY));
    serves = base_of(entry ? entry : ENTRY, &file);
    is_llvm = serves && base_of(symbol(RTLD_DEFAULT, "__kmpc_global_thread_num"), NULL) == serves;
    const char *slash = file ? strrchr(file, '/') : NULL;
    if (entry && slash)
        hone__format(name, sizeof name, "%s (%s)", slash + 1, file);
    else
        hone__format(name, sizeof name, "a runtime linked into %s", file ? file : "the program");
}

const char *hone__openmp_name(void)
{
    return name;
}

bool hone__openmp_survives_fork(void)
{
    return is_llvm;
}

/* ---- other runtimes in this process ------------------------------------------------------- */

enum { OTHERS = 8 };
static _Atomic(question) others[OTHERS]; /* their omp_in_parallel; they are never unloaded */
static atomic_int n_others;
static atomic_ullong objects_seen; /* so many had been loaded when we looked */

typedef struct {
    char *files[4 * OTHERS];
    int n;
    unsigned long long loaded;
} objects;

static int count_objects(struct dl_phdr_info *object, size_t size, void *loaded)
{
    (void)size;
    *(unsigned long long *)loaded = object->dlpi_adds;
    return 1;
}

/* Nothing may be opened while the list is walked. */
static int note_object(struct dl_phdr_info *object, size_t size, void *noted)
{
    objects *all = noted;
    (void)size;
    all->loaded = object->dlpi_adds;
    const char *slash = strrchr(object->dlpi_name, '/');
    if (!strstr(slash ? slash : object->dlpi_name, "omp") || all->n == 4 * OTHERS)
        return 0;
    all->files[all->n] = strdup(object->dlpi_name);
    all->n += all->files[all->n] != NULL;
    return 0;
}

static bool is_known(question q)
{
    for (int i = 0; i < atomic_load(&n_others); i++)
        if (atomic_load(&others[i]) == q)
            return true;
    return false;
}

/* Two of LLVM's in use end the process by an error of theirs, and a question is a use. */
static bool may_ask(void *object, bool *llvm_in_use)
{
    if (!symbol(object, "__kmpc_global_thread_num"))
        return true;
    const bool free_to_ask = !*llvm_in_use;
    *llvm_in_use = true;
    return free_to_ask;
}

static void look_at(const char *file, bool *llvm_in_use)
{
    void *object = dlopen(file, RTLD_LAZY | RTLD_NOLOAD);
    if (!object)
        return;
    const function f = symbol(object, "omp_in_parallel");
    const char *home = NULL;
    const void *base = base_of(f, &home);
    const int n = atomic_load(&n_others);
    if (f && base != serves && strcmp(home, file) == 0 && !is_known((question)f) && n < OTHERS &&
        may_ask(object, llvm_in_use)) {
        atomic_store(&others[n], (question)f);
        atomic_store(&n_others, n + 1);
        return;
    }
    dlclose(object);
}

static void look_for_others(void)
{
    static bool llvm_in_use;
    objects all = { .n = 0 };
    hone__lock(HONE__LOCK_OPENMP);
    llvm_in_use = llvm_in_use || is_llvm;
    dl_iterate_phdr(note_object, &all);
    for (int i = 0; i < all.n; i++) {
        look_at(all.files[i], &llvm_in_use);
        free(all.files[i]);
    }
    atomic_store(&objects_seen, all.loaded);
    hone__unlock(HONE__LOCK_OPENMP);
}

bool hone__openmp_inside(void)
{
    static _Thread_local bool asked_before;
    if (omp_in_parallel())
        return true;
    if (!asked_before) { /* the threads of a runtime that was loaded later are new to us */
        asked_before = true;
        unsigned long long loaded = 0;
        dl_iterate_phdr(count_objects, &loaded);
        if (loaded != atomic_load(&objects_seen))
            look_for_others();
    }
    const int n = atomic_load_explicit(&n_others, memory_order_acquire);
    for (int i = 0; i < n; i++)
        if (atomic_load_explicit(&others[i], memory_order_relaxed)())
            return true;
    return false;
}

/* ---- binding ------------------------------------------------------------------------------ */

static void add_place(hone__cpus *cpus, int place)
{
    const int n = omp_get_place_num_procs(place);
    int *ids = n > 0 ? malloc((size_t)n * sizeof *ids) : NULL;
    if (!ids)
        return;
    omp_get_place_proc_ids(place, ids);
    for (int i = 0; i < n; i++)
        hone__cpus_add(cpus, ids[i]);
    free(ids);
}

void hone__openmp_read_binding(hone__openmp_binding *binding)
{
    *binding = (hone__openmp_binding){ 0 };
    const int places = omp_get_num_places();
    const omp_proc_bind_t how = omp_get_proc_bind();
    if (how == omp_proc_bind_false || places < 1)
        return;
    if (how == omp_proc_bind_master) { /* all of them where the caller is */
        const int own = omp_get_place_num();
        add_place(&binding->cpus, own >= 0 ? own : 0);
    } else {
        for (int place = 0; place < places; place++)
            add_place(&binding->cpus, place);
        binding->in_turn = how == omp_proc_bind_spread ? 0 : places;
    }
    binding->binds = hone__cpus_count(&binding->cpus) > 0;
}

/* ---- the environment ---------------------------------------------------------------------- */

static const char *skip_spaces(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

/* One number from 1 with spaces around it; NULL: there is none. */
static const char *read_number(const char *text, unsigned long *n)
{
    char *end;
    errno = 0;
    *n = strtoul(text, &end, 10);
    return end == text || errno || (long)*n <= 0 ? NULL : skip_spaces(end);
}

bool hone__openmp_threads(long *n, char *message, size_t size)
{
    const char *text = getenv("OMP_NUM_THREADS");
    if (!text || !*text)
        return true;
    unsigned long first = 0, further;
    const char *at = read_number(text, &first);
    while (at && *at == ',')
        at = read_number(at + 1, &further);
    if (at && *at == 0) {
        *n = (long)first;
        return true;
    }
    hone__format(message, size,
                 "OMP_NUM_THREADS=%.64s: a whole number from 1 is wanted, or such numbers with a "
                 "comma between two",
                 text);
    return false;
}

enum { LLVM_STACK = 4 << 20 }; /* what its runtime asks for by itself */

/* "16K": B, K, M or G, or no unit. 0: no such size, which the runtimes ignore. */
static size_t read_size(const char *text, int shift)
{
    unsigned long n;
    const char *at = text ? read_number(text, &n) : NULL;
    static const char units[] = "BKMG";
    if (at && *at) {
        const char *unit = strchr(units, toupper((unsigned char)*at));
        if (!unit || *skip_spaces(at + 1))
            return 0;
        shift = 10 * (int)(unit - units);
    }
    return at && n <= SIZE_MAX >> shift ? (size_t)n << shift : 0;
}

/* What the environment asks for; `name` is then the variable that does. */
static size_t asked_stack(const char **variable)
{
    static const struct {
        const char *name;
        int shift; /* of a number without a unit */
        bool llvm;
    } variables[] = { { "KMP_STACKSIZE", 0, true },
                      { "OMP_STACKSIZE", 10, false },
                      { "GOMP_STACKSIZE", 10, false } };
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        *variable = variables[i].name;
        const size_t bytes = read_size(getenv(*variable), variables[i].shift);
        if (bytes > 0 && (is_llvm || !variables[i].llvm))
            return bytes;
    }
    return 0;
}

static bool check_stacks(char *message, size_t size)
{
    pthread_attr_t attributes;
    size_t most;
    if (!hone__stack_of_caller_is_enough(message, size))
        return false;
    const char *variable;
    stack_bytes = asked_stack(&variable);
    if (stack_bytes > 0)
        return hone__stack_is_enough(variable, stack_bytes, message, size);
    if (is_llvm)
        stack_bytes = LLVM_STACK;
    if (stack_bytes > 0 || pthread_getattr_default_np(&attributes) != 0)
        return true;
    pthread_attr_getstacksize(&attributes, &most);
    pthread_attr_destroy(&attributes);
    return hone__stack_is_enough("new threads (ulimit -s)", most, message, size);
}

size_t hone__openmp_stack(void)
{
    return stack_bytes;
}

bool hone__openmp_wants_a_key(void)
{
    return is_llvm;
}

static bool check_keys(char *message, size_t size)
{
    if (!hone__openmp_wants_a_key() || hone__thread_end_leaves_a_key())
        return true;
    hone__format(message, size,
                 "the process has no key left (pthread_key_create) for the OpenMP runtime, which "
                 "would end it");
    return false;
}

bool hone__openmp_load(char *message, size_t size)
{
    find_runtime();
    if (!check_keys(message, size) || !check_stacks(message, size))
        return false;
    look_for_others();
    return true;
}
