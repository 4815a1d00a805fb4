/* dump.c: dump DIRECTORY <goldens.txt: reads lines "WANTED FILE OPERATION ...", and prints a line
 * "DIGEST FILE OPERATION ..." for each, with the SHA-256 of "WIDTH HEIGHT CHANNELS\n" and the pixels
 * that came out. */
#include "data/image.h"
#include "runtime/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sha256.h"

static hone__image_bytes bytes;
static hone__image image, other;
static hone__resizer memory;

static void die(const char *line, const char *why)
{
    fprintf(stderr, "%s: %s\n", line, why);
    exit(1);
}

static hone__filter filter_of(const char *name)
{
    return strcmp(name, "bicubic") == 0   ? HONE__BICUBIC
           : strcmp(name, "nearest") == 0 ? HONE__NEAREST
                                          : HONE__BILINEAR;
}

/* What came out is in *result. False: no such operation. */
static bool run(const char *operation, const char *word, const double *v,
                const hone__image_report *report, hone__image **result)
{
    *result = &image;
    if (strcmp(operation, "file") == 0)
        return true;
    if (strcmp(operation, "rgb") == 0)
        return hone__image_channels(&image, 3);
    if (strcmp(operation, "grey") == 0)
        return hone__image_channels(&image, 3) && hone__image_channels(&image, 1);
    if (strcmp(operation, "upright") == 0)
        return hone__image_upright(&image, report->orientation, &other);
    if (strcmp(operation, "resize") == 0) {
        *result = &other;
        return hone__image_resize(&image, (int)v[1], (int)v[2], filter_of(word), &other, &memory);
    }
    if (strcmp(operation, "affine") == 0) {
        const hone__affine map =
            hone__affine_of(image.width, image.height, v[0], v[1], v[2], v[3], v[4], v[5]);
        *result = &other;
        return hone__image_affine(&image, &map, false, 0, &other);
    }
    if (strcmp(operation, "brightness") == 0)
        hone__image_brightness(&image, (float)v[0]);
    else if (strcmp(operation, "contrast") == 0)
        hone__image_contrast(&image, (float)v[0]);
    else if (strcmp(operation, "saturation") == 0)
        hone__image_saturation(&image, (float)v[0]);
    else if (strcmp(operation, "hue") == 0)
        hone__image_hue(&image, (uint8_t)v[0]);
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    char line[512];
    int n = 0;
    while (argc == 2 && fgets(line, sizeof line, stdin)) {
        char name[128], operation[32], word[6][32] = { "" }, path[1024];
        double v[6];
        line[strcspn(line, "\n")] = 0;
        const char *rest = strchr(line, ' ');
        if (!rest || sscanf(line, "%*s %127s %31s %31s %31s %31s %31s %31s %31s", name, operation,
                            word[0], word[1], word[2], word[3], word[4], word[5]) < 2)
            die(line, "no such line");
        for (int i = 0; i < 6; i++)
            v[i] = atof(word[i]);
        hone__image_report report;
        hone__image *result;
        snprintf(path, sizeof path, "%s/%s", argv[1], name);
        if (!hone__image_load("dump", path, SIZE_MAX, &bytes) ||
            !hone__image_decode(bytes.data, bytes.size, 0, &image, &report))
            die(line, hone_error_message());
        if (report.state != HONE__IMAGE_WHOLE)
            die(line, report.why);
        if (!run(operation, word[0], v, &report, &result))
            die(line, "no such operation");
        char head[64], digest[65];
        const int length = snprintf(head, sizeof head, "%d %d %d\n", result->width, result->height,
                                    result->channels);
        sha256 s = sha256_begin();
        sha256_add(&s, head, (size_t)length);
        sha256_add(&s, result->pixels,
                   (size_t)result->width * (size_t)result->height * (size_t)result->channels);
        sha256_end(&s, digest);
        printf("%s%s\n", digest, rest);
        n++;
    }
    hone__free(bytes.data);
    hone__image_free(&image);
    hone__image_free(&other);
    hone__resizer_free(&memory);
    return n > 0 ? 0 : 1;
}
