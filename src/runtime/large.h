/* large.h: what stands right before each large block. For pool_large.c and holes.c only. */
#ifndef HONE_RUNTIME_LARGE_H
#define HONE_RUNTIME_LARGE_H

#include "runtime/pool.h"

#define HONE__HUGE_BYTES ((size_t)2 << 20)
/* Of large.h's header; a block's address is that of its header and so much. */
#define HONE__HEADER HONE__UNIT

typedef enum { HONE__OF_ITSELF, HONE__OF_CHUNK, HONE__OF_REGION } hone__large_kind;

/* Huge pages that several blocks of less than a mebibyte are carved off, one after the other. */
typedef struct hone__chunk {
    struct hone__chunk *next;
    size_t bytes;
    char *bump, *end;
    int64_t carved; /* blocks */
    int64_t idle;   /* of them in lists; only while trimming */
} hone__chunk;

typedef struct hone__large {
    struct hone__large *next; /* in a list of free ones */
    size_t bytes;             /* of the block; in a region up to the next one's header */
    int place;
    hone__large_kind kind; /* OF_ITSELF: a mapping, which begins a page before the block */
    union {
        hone__chunk *chunk;            /* OF_CHUNK */
        struct {                       /* OF_REGION */
            struct hone__large *below; /* the neighbour; NULL: the region begins here */
            struct hone__large **link; /* what points to a free one */
            bool free, last;           /* last: the region ends behind it */
        };
    };
} hone__large;

_Static_assert(sizeof(hone__large) <= HONE__HEADER && sizeof(hone__chunk) <= HONE__HEADER,
               "a header fits its place");

/** Without them it only gets slower. */
void hone__wish_for_huge_pages(void *p, size_t bytes);

#endif
