/* csv_inputs.h: how a table's columns become a model's inputs, and its target's classes. The training set tells it; as
 * a text it goes with the model (hone_source.columns), and tables that come later are taken the same way. */
#ifndef HONE_DATA_CSV_INPUTS_H
#define HONE_DATA_CSV_INPUTS_H

#include <hone/formats.h>

typedef struct {
    const char *name; /* of the column */
    double fill, minus,
        over;     /* a number x is (x - minus) / over; missing=mean makes a gap `fill` */
    bool is_text; /* else an input each of these, sorted by their bytes */
    const char *const *texts;
    int64_t n_texts;
} hone__csv_input;

typedef struct {
    hone__csv_input *at;
    int64_t n;
    const char *target;         /* NULL: there is none */
    const char *const *classes; /* of it; NULL: it is a number */
    int64_t n_classes;
} hone__csv_inputs;

/** As a text that lives as long as the data; NULL + E_NOMEM. */
const char *hone__csv_inputs_text(hone_source *data, const hone__csv_inputs *inputs);
/** Of such a text. False + E_FORMAT, E_NOMEM. */
bool hone__csv_inputs_read(const char *where, hone_source *data, const char *text,
                           hone__csv_inputs *inputs);

#endif
