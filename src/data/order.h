/* order.h: which samples an epoch consists of, in which order. */
#ifndef HONE_DATA_ORDER_H
#define HONE_DATA_ORDER_H

#include <hone/data.h>

typedef enum { HONE__IN_ORDER, HONE__SHUFFLED, HONE__STRATIFIED, HONE__WEIGHTED } hone__order_kind;

typedef struct {
    hone__order_kind kind;
    bool shuffles; /* STRATIFIED: the samples of a class */
    uint64_t seed;
    int64_t n;
    double *sums;           /* WEIGHTED: [n] of the weights up to each */
    int64_t *member, *ends; /* STRATIFIED: [n] samples by class, [classes] where each class ends */
    int64_t *drawn;         /* STRATIFIED: [n] the epoch's order of members */
    int64_t n_classes;
    void *heap; /* STRATIFIED: room for the merge */
} hone__order;

/** What a loader's options ask for; false: an error is set, hone__order_end all the same. */
bool hone__order_begin(const hone_dataset *set, const hone_loader_options *o, hone__order *order);
void hone__order_end(hone__order *order);
/** The samples of an epoch in their order: index[0..n-1]. */
void hone__order_fill(const hone__order *order, int64_t epoch, int64_t *index);

/** The classes of all samples: y i64 of no dims (in memory: [n]). False: an error is set, there is no
 * such target. Costs reading the samples where they are not in memory or files of pictures. */
bool hone__labels(const char *where, const hone_dataset *set, int64_t *label);

#endif
