/* progress.h: what the program shows while it works: a live bar on a terminal, plain lines
 * elsewhere. */
#ifndef HONE_CLI_PROGRESS_H
#define HONE_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool quiet;       /* nothing at all */
    bool live;        /* stdout is a terminal that can rewrite its line */
    bool utf8;        /* it shows more than ASCII */
    bool drawn;       /* a bar stands on the current line */
    double next_draw; /* not before this time (cli_seconds) */
} progress;

progress progress_new(bool quiet);
/** Redraws the bar, at most ten times a second: "LEFT [####    ]  RIGHT"; the right text may be "".
 * Its parts stand two blanks apart; on a narrow terminal the bar is given up first, then the parts
 * from the last one on. All is ASCII. Does nothing without a terminal. */
void progress_bar(progress *p, const char *left, int64_t done, int64_t total, const char *right);
/** Shows a text in the place of the bar while something runs that can't tell how far it is. */
void progress_note(progress *p, const char *text);
/** True if progress_bar would draw now: texts need not be made otherwise. */
bool progress_due(progress *p);
/** Removes the bar. */
void progress_clear(progress *p);
/** Prints a line in the place of the bar, unless quiet. */
void progress_line(progress *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** "0:42", "3:05:10" for a number of seconds. */
typedef struct {
    char s[24];
} progress_text;
progress_text progress_time(double seconds);
/** A loss in at most 9 columns, also one that diverged: "0.12345", "1.234e+22", "nan". */
progress_text progress_loss(double loss);
/** Columns of the terminal, 80 if unknown. */
int progress_columns(void);

#endif
