/* survey.h: what a look at every sample of a set tells. */
#ifndef HONE_CLI_SURVEY_H
#define HONE_CLI_SURVEY_H

#include <hone/hone.h>

enum { SURVEY_CLASSES_SHOWN = 40 };

typedef struct {
    int64_t n_numbers, n_not_finite;   /* of the inputs */
    double mean, squares, least, most; /* of the finite ones; squares about the mean */
    int64_t n_targets;
    double target_mean, target_squares;
    int64_t *count, n_classes; /* samples of each class; of tokens how often each occurs */
    int64_t n_values;          /* tokens that occur */
    uint64_t *mark, n_samples; /* a hash of each sample's inputs, sorted */
    int64_t n_copies;
} survey;

/** Looks at all; false: an error is pending, or Ctrl-C was pressed. */
bool survey_make(const hone_source *source, const hone_dataset *set, survey *s);
double survey_deviation(const survey *s);
double survey_target_deviation(const survey *s);
/** Samples of the second set that are in the first, by their hashes of 64 bits. */
int64_t survey_in_both(const survey *first, const survey *second);
void survey_free(survey *s);

#endif
