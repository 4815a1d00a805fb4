/* machine.h: what of the machine a command may use: threads, cores, memory. */
#ifndef HONE_CLI_MACHINE_H
#define HONE_CLI_MACHINE_H

#include "cli.h"

typedef struct {
    int64_t threads; /* 0: not given */
    const char *memory_limit, *numa;
    bool pin;
} machine_options;

/** Rows of an option table; `at`: where the machine_options lie in its fields. */
#define MACHINE_OPTIONS(at)                                                                        \
    { "threads",                                                                                   \
      "N",                                                                                         \
      "N threads, whatever the environment says; default: see hone info",                          \
      CLI_INT,                                                                                     \
      (at) + offsetof(machine_options, threads),                                                   \
      NULL,                                                                                        \
      1,                                                                                           \
      1024 },                                                                                      \
        { "pin",                                                                                   \
          NULL,                                                                                    \
          "bind each thread to a core of its own, the first ones that the process may use: for a " \
          "job that has them to itself; without it the system places threads",                     \
          CLI_FLAG,                                                                                \
          (at) + offsetof(machine_options, pin),                                                   \
          NULL,                                                                                    \
          0,                                                                                       \
          0 },                                                                                     \
        { "numa",                                                                                  \
          "WHERE",                                                                                 \
          "large tensors on several NUMA nodes: local (at who writes first), partition (each "     \
          "thread's part at its node), interleave, or a node's number",                            \
          CLI_TEXT,                                                                                \
          (at) + offsetof(machine_options, numa),                                                  \
          "local",                                                                                 \
          0,                                                                                       \
          0 },                                                                                     \
    {                                                                                              \
        "memory-limit", "BYTES",                                                                   \
            "fail by a message instead of taking more from the system: 800M, 12G", CLI_TEXT,       \
            (at) + offsetof(machine_options, memory_limit), NULL, 0, 0                             \
    }

/** Begins hone with them, before any other call of the library. CLI_OK, or a status with an error
 * printed. */
int machine_begin(const char *command, const machine_options *o);

#endif
