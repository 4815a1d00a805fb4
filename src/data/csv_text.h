/* csv_text.h: a column's texts, each kept once. */
#ifndef HONE_DATA_CSV_TEXT_H
#define HONE_DATA_CSV_TEXT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *bytes; /* all texts, each ended by a 0 */
    int64_t n_bytes, room;
    int64_t *begin; /* of each, in the order in which they came */
    int32_t n;
    int64_t room_texts;
    int32_t *slot; /* open addressing; -1: free */
    int64_t n_slots;
    const char **sorted; /* after hone__texts_sort */
} hone__texts;

/** The number of the text; -1: it isn't there. */
int32_t hone__texts_find(const hone__texts *t, const char *text, int64_t length);
/** The same of one that is added if it is new; -1: E_NOMEM. */
int32_t hone__texts_add(hone__texts *t, const char *text, int64_t length);
/** Sorts them by their bytes: t->sorted, and to[i], which was text[i], is its place there (-1 stays).
 * False: E_NOMEM. */
bool hone__texts_sort(hone__texts *t, int32_t *text, int64_t n);
void hone__texts_free(hone__texts *t);

#endif
