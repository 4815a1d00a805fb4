/* png.h: small pictures, inside a page or as files. */
#ifndef HONE_CLI_PNG_H
#define HONE_CLI_PNG_H

#include <stdbool.h>
#include <stdio.h>

/** Writes "data:image/png;base64,...": channels (1 or 3) planes of height x width numbers in 0..1,
 * as a data set has them. False: no memory. */
bool png_write_data(FILE *to, const float *planes, int channels, int height, int width);
/** The same as a file's bytes. */
bool png_write(FILE *to, const float *planes, int channels, int height, int width);

#endif
