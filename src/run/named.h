/* named.h: the texts of named networks. */
#ifndef HONE_RUN_NAMED_H
#define HONE_RUN_NAMED_H

/** NULL: there is none of that name; no error. */
const char *hone__model_text(const char *name);

#endif
