/* walk.h: one walk over a module's field tables, for everything that lists what is inside. */
#ifndef HONE_NN_WALK_H
#define HONE_NN_WALK_H

#include <hone/nn.h>

/* ---- one module: the members that are there, arrays taken apart */

/** A parameter, buffer or child. `kind` is never an array's. */
typedef struct {
    hone_field_kind kind;
    const char *name; /* of the member; NULL: the index alone is the name */
    int index;        /* in its array, -1 outside of arrays */
    void *value;      /* hone_tensor * or hone_module *, not NULL */
} hone__slot;

typedef struct {
    const hone_field *field;
    int index;
} hone__slots;

/** Begins at the first slot: hone__slots walk = hone__slots_of(m); while (hone__slot_next(m, &walk,
 * &slot)) ... */
hone__slots hone__slots_of(const hone_module *module);
bool hone__slot_next(const hone_module *module, hone__slots *walk, hone__slot *slot);

/** True if all parameters and buffers of the module itself are tensors that somebody keeps; else an
 * error that names the field: E_STATE (it belongs to a scope alone, which will drop it, or has been
 * dropped), E_NULL (a sentinel). */
bool hone__fields_kept(const hone_module *module);
/** The same for one tensor, which `where` and `name` name. */
bool hone__field_kept(const char *where, const char *name, hone_tensor *t);

/* ---- a module and all below it */

/** The way down to one module. It lies on the heap, but for the first levels: modules may be nested
 * deeper than a thread's stack could follow. */
typedef struct {
    hone_module *module;
    hone__slots slots;  /* that are yet to come */
    size_t name_length; /* of its own name, for walks that keep one */
} hone__level;

typedef struct {
    hone__level *at, first[16];
    int n, room; /* at[n - 1] is the module the walk is in; 0: the walk has ended */
} hone__descent;

/** Begins at a module: hone__descent d; hone__descent_begin(&d, m); ... hone__descent_end(&d). */
void hone__descent_begin(hone__descent *d, hone_module *module);
/** Into a module below, whose slots come next; false + E_NOMEM. */
bool hone__descend(hone__descent *d, hone_module *child);
/** The next child of the module the walk is in, which is entered; NULL: it has no more (ascend
 * then), or E_NOMEM (*ok is false). */
hone_module *hone__descend_next(hone__descent *d, bool *ok);
void hone__ascend(hone__descent *d);
void hone__descent_end(hone__descent *d);

enum { /* what to collect: sets of kinds */
       HONE__PARAMETERS = 1 << HONE_FIELD_PARAM | 1 << HONE_FIELD_WEIGHT,
       HONE__BUFFERS = 1 << HONE_FIELD_BUFFER,
       HONE__STATE = HONE__PARAMETERS | HONE__BUFFERS,
       HONE__MODULES = 1 << HONE_FIELD_CHILD,
};

typedef struct {
    const char *name; /* "linear1.weight" */
    hone_field_kind kind;
    void *value;
} hone__found;

typedef struct {
    hone__found *at; /* NULL: failed */
    int n;
} hone__found_list;

/** Everything of the given kinds, in the order of the tables, parents before children. The array
 * and the names belong to the current scope, the values stay where they are. Fails where a
 * parameter or buffer among them belongs to a scope (hone__field_kept).
 *  @param where   for the message if module is NULL.
 *  @param depth   0: the module's own slots alone.
 *  @param unique  leave out what was found before under another name. */
hone__found_list hone__collect(const char *where, hone_module *module, int kinds, int depth,
                               bool unique);

/** On this thread parameters are made without values, and hone_module_to gives none: what a file's
 * replace takes no memory before. */
extern _Thread_local bool hone__nn_blank;

#endif
