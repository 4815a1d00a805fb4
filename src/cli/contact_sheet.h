/* contact_sheet.h: the first pictures of each class on one sheet. */
#ifndef HONE_CLI_CONTACT_SHEET_H
#define HONE_CLI_CONTACT_SHEET_H

#include <hone/hone.h>

/** Whether the file's name ends in .svg or .png; false with a usage error printed. */
bool contact_sheet_can(const char *command, const char *path);
/** Writes it; an exit status. */
int contact_sheet_write(const char *command, const char *path, const hone_source *source);

#endif
