/* report.h: what is said of what was gathered: verdicts, tables, the page, the file. */
#ifndef HONE_PROFILE_REPORT_H
#define HONE_PROFILE_REPORT_H

#include "profile/tally.h"

#include <stdio.h>

typedef struct {
    bool ready; /* a profile has ended */
    bool has_roofs;
    hone__roofs roofs;
    char title[600];
    hone_profile_row *rows; /* by seconds */
    const hone__row **of;   /* what each is of */
    int n_rows;
} hone__report;
extern hone__report hone__the_report;

/** Verdicts, roofs and the public rows of what was gathered. False + E_NOMEM. */
bool hone__report_make(void);
void hone__report_free(void);

/** Seconds of ticks. */
double hone__seconds_of(double ticks);
const char *hone__phase_name(int phase);
const char *hone__verdict_name(hone_profile_verdict verdict);
/** What a step would gain if the row ran at its limit. */
double hone__row_gain(const hone_profile_row *row);

/** Rows of one thing together (an op and phase, a module), in the order of their seconds. */
typedef struct {
    const char *name;
    int phase; /* -1: all */
    int64_t calls;
    double seconds, madds, bytes, roof, waited;
    hone_profile_verdict verdict;
} hone__group;
/** by_module: else by op and phase. *n groups, to be freed by hone__report_groups_free. NULL: E_NOMEM. */
hone__group *hone__report_groups(bool by_module, int *n);
void hone__report_groups_free(hone__group *groups);

/** Bytes that a site's results have more of after each step; 0: they don't grow. */
int64_t hone__site_leak(unsigned site);
/** Of a site at the peak of memory. */
int64_t hone__site_at_peak(unsigned site);

void hone__report_print(FILE *to);
void hone__report_json(FILE *to);
void hone__report_html(FILE *to);

/* ---- SVG and HTML (svg.c) */

/** A text with & < > " written as such. */
void hone__put_escaped(FILE *to, const char *text);
/** The pictures of the page. */
void hone__put_roofline(FILE *to);
void hone__put_flames(FILE *to);
void hone__put_timeline(FILE *to);
void hone__put_memory(FILE *to);
/** A colour of a name, the same each time. */
typedef struct {
    char s[24];
} hone__colour;
hone__colour hone__colour_of(const char *name);

#endif
