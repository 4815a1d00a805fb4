/* pictures.c: pictures DIR LIST WORKERS [BATCH]: one epoch of a folder of pictures through a list of steps,
 * by so many workers (0: the caller's thread). Prints the seconds, the pictures, and what memory was used:
 * resident anonymous kilobytes at the end. The loader alone works: batches are looked at and dropped. */
#include "../clock.h"

#include <hone/hone.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double seconds(void)
{
    return 1e-9 * now_ns();
}

static long anonymous_kilobytes(void)
{
    char line[256];
    long kilobytes = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "RssAnon:", 8) == 0)
            kilobytes = atol(line + 8);
    if (status)
        fclose(status);
    return kilobytes;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "pictures DIR LIST WORKERS [BATCH]\n");
        return 2;
    }
    HONE_SCOPE();
    hone_dataset files, set = { 0 };
    hone_loader *loader = NULL;
    if (hone_dataset_images(argv[1], NULL, &files) == HONE_OK &&
        hone_dataset_transformed(&files, argv[2], NULL, &set) == HONE_OK)
        loader = hone_loader_new(
            &set, &(hone_loader_options){ .batch_size = argc > 4 ? atol(argv[4]) : 64,
                                          .shuffle = true,
                                          .workers = atoi(argv[3]) });
    hone_batch b;
    double sum = 0;
    long n = 0;
    const double begin = seconds();
    while (loader && hone_loader_next(loader, &b)) {
        HONE_SCOPE();
        sum += hone_at(b.x, 0, 0, 0, 0);
        n += (long)b.size;
    }
    const double spent = seconds() - begin;
    if (hone_error_code() != HONE_OK)
        fprintf(stderr, "%s\n", hone_error_message());
    else
        printf("%.4f s  %ld pictures  %.0f a second  %ld kB anonymous  (%g)\n", spent, n,
               (double)n / spent, anonymous_kilobytes(), sum);
    hone_loader_free(loader);
    hone_dataset_free(&set);
    hone_dataset_free(&files);
    return hone_error_code() != HONE_OK;
}
