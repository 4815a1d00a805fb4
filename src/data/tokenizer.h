/* tokenizer.h: what a tokenizer is inside. */
#ifndef HONE_DATA_TOKENIZER_H
#define HONE_DATA_TOKENIZER_H

#include "data/csv_text.h"
#include "data/unicode.h"

#include <hone/tokenizer.h>

/** A pair of adjacent tokens that becomes one. */
typedef struct {
    uint64_t key; /* left << 32 | right, plus 1; 0: free */
    int32_t rank, token;
} hone__merge;

struct hone_tokenizer {
    bool is_list; /* of tokens, the longest of which fits; else byte-pair encoding */
    bool adds_blank;
    int64_t n;         /* one more than the highest token */
    char *bytes;       /* of all tokens */
    int64_t *begin;    /* [n] where each begins */
    int32_t *length;   /* [n]; -1: there is no such token */
    hone__texts texts; /* the tokens as texts, and */
    int32_t *of_text;  /* the token of each */
    int64_t longest;
    hone__characters characters;
    int32_t of_byte[256];
    hone__merge *merge; /* open addressing */
    uint64_t merge_mask;
    int32_t *special;
    int32_t n_special;
};

/** The token of these bytes; -1. */
int32_t hone__token_of(const hone_tokenizer *t, const char *bytes, int64_t n);

static inline uint64_t hone__merge_slot(const hone_tokenizer *t, uint64_t key)
{
    return (key * 0x9E3779B97F4A7C15u >> 20) & t->merge_mask;
}

/** NULL: they stay two. */
static inline const hone__merge *hone__merge_of(const hone_tokenizer *t, int32_t left,
                                                int32_t right)
{
    const uint64_t key = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) + 1;
    for (uint64_t at = hone__merge_slot(t, key);; at = (at + 1) & t->merge_mask) {
        if (t->merge[at].key == key)
            return &t->merge[at];
        if (!t->merge[at].key)
            return NULL;
    }
}

/** The tokens of a text, in hone__malloc memory; NULL + error. */
int32_t *hone__tokenizer_ids(const hone_tokenizer *t, const void *text, int64_t bytes, bool special,
                             int64_t *n);

#endif
