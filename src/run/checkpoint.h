/* checkpoint.h: what the files of a checkpoint share: the parts of a run (checkpoint_parts.c), the
 * copy of their state (checkpoint.c), its way to the disk (checkpoint_write.c) and back
 * (checkpoint_read.c).
 *
 * The file is a safetensors file. Its tensors are the parts' by the names "PART.NAME", and one more:
 * HONE__RUN_SUMS, i64, the checksums: of the metadata, then of each tensor in the order of their
 * names. Its metadata are the facts, each behind HONE__RUN_FACT, what the file is, and, for who reads
 * the weights alone, the layout. */
#ifndef HONE_RUN_CHECKPOINT_H
#define HONE_RUN_CHECKPOINT_H

#include "core/core.h"
#include "core/map.h"

#include <hone/checkpoint.h>
#include <hone/io.h>

#include <limits.h>
#include <pthread.h>

#define HONE__RUN_SUMS    "checksum"
#define HONE__RUN_FACT    "fact."
#define HONE__RUN_KIND    "hone"
#define HONE__RUN_VERSION "checkpoint 1"

enum { HONE__RUN_MESSAGE = 512 };

typedef struct hone__run_part hone__run_part;

typedef struct {
    /* Its tensors, owned by the current scope: the state itself or copies. at == NULL on error. */
    hone_named_list (*state)(const hone__run_part *part);
    /* Takes such a state up. A failure may leave a part of it changed: what was before is put back
     * by the same call. */
    hone_status (*load)(const hone__run_part *part, hone_named_list state, bool anyway);
} hone__run_part_class;

struct hone__run_part {
    const hone__run_part_class *type;
    char *name;
    void *of;
    hone_dtype dtype; /* of numbers */
    int64_t n;
};

struct hone_checkpoint {
    char *path;
    int64_t keep;
    bool foreground;
    hone__run_part *parts;
    int n_parts;
    int64_t parts_room;
    hone_metadata *metadata; /* all, the first two of which are no facts */
    int n_metadata;
    int64_t metadata_room;

    /* the copy that is written: names and tensors are its own */
    hone_named *copy;
    int n_copy;
    hone_tensor *sums; /* [n_copy + 1] */

    /* its writing: the thread reads the copy and the metadata until it is done */
    pthread_t thread;
    pid_t process;      /* that it runs in; 0: there is none */
    atomic_bool done;   /* it has given the next two */
    hone_status status; /* of the last file, until somebody has asked */
    char message[HONE__RUN_MESSAGE];

    char *loaded;
    char passed_over[HONE__RUN_MESSAGE];
};

/* ---- checkpoint.c */

/** All parts' tensors under their whole names, owned by the current scope. at == NULL on error. */
hone_named_list hone__run_state(const hone_checkpoint *c);
/** "FILE" (0), "FILE.2": those before; hone__run_new: "FILE.new". */
typedef struct {
    char s[PATH_MAX];
} hone__run_path;
hone__run_path hone__run_before(const hone_checkpoint *c, int64_t before);
hone__run_path hone__run_new(const hone_checkpoint *c);
/** A part's tensor by its name, with the dtype and the shape that are wanted; else NULL + E_STATE,
 * E_DTYPE or E_SHAPE. */
hone_tensor *hone__run_find(const hone__run_part *part, hone_named_list state, const hone__map *map,
                            hone_named wanted);

/* ---- checkpoint_sums.c */

/** The checksums of tensors (contiguous; their order doesn't matter) and metadata, n + 1 numbers. The
 * names' order goes to `order` (n places). */
void hone__run_sums(hone_named_list tensors, hone_metadata_list metadata, const hone_named **order,
                    int64_t *sums);

/* ---- checkpoint_write.c */

/** Begins to write the copy, or, in the foreground, writes it. */
hone_status hone__run_write(hone_checkpoint *c);
/** Waits for the thread; its result stays in status and message. */
void hone__run_settle(hone_checkpoint *c);
/** That result, once: an error becomes this thread's. */
hone_status hone__run_result(hone_checkpoint *c);

#endif
