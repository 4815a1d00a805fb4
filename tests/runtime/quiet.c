/* hwloc's lines: hone keeps its own from stderr, and nobody else's. With HWLOC_FSROOT at a
 * directory where hwloc has something to say:
 *
 *      quiet first   hone before the program's own use of hwloc, whose line is to be seen
 *      quiet then    hone after it, which says nothing more
 *      quiet lines   while hone looks at the machine another thread prints lines: "1000 lines"
 */
#include <hone/hone.h>

#include <hwloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void use_hwloc(void)
{
    hwloc_topology_t topology;
    if (hwloc_topology_init(&topology) != 0)
        return;
    hwloc_topology_load(topology);
    hwloc_topology_destroy(topology);
}

static void *print_lines(void *unused)
{
    for (int i = 0; i < 1000; i++)
        fprintf(stderr, "line\n");
    return unused;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    pthread_t printer;
    const bool prints = strcmp(how, "lines") == 0;
    if (prints && pthread_create(&printer, NULL, print_lines, NULL) != 0)
        return 1;
    if (strcmp(how, "then") == 0)
        use_hwloc();
    fprintf(stderr, "<\n");
    if (hone_init() != HONE_OK)
        return 1;
    fprintf(stderr, ">\n");
    if (prints)
        pthread_join(printer, NULL);
    if (strcmp(how, "first") == 0)
        use_hwloc();
    return 0;
}
