/* layout.c: names of layouts in metadata. */
#include "run/layout.h"

#include <string.h>

#define LAYOUT_KEY "layout" /* hone's own tag */
#define FORMAT_KEY "format" /* "pt": from PyTorch's world, which wants to see it in some places */
#define PYTORCH    "pt"

static const char *const names[] = {
    [HONE_LAYOUT_IN_OUT] = "in,out", [HONE_LAYOUT_OUT_IN] = "out,in"
};

hone_layout hone__layout_of_name(const char *name)
{
    if (strcmp(name, names[HONE_LAYOUT_IN_OUT]) == 0)
        return HONE_LAYOUT_IN_OUT;
    return strcmp(name, names[HONE_LAYOUT_OUT_IN]) == 0 ? HONE_LAYOUT_OUT_IN : HONE_LAYOUT_AUTO;
}

hone_metadata_list hone__layout_metadata(hone_layout layout, hone_metadata at[2])
{
    hone_metadata_list list = { at, 0 };
    if (layout == HONE_LAYOUT_OUT_IN)
        at[list.n++] = (hone_metadata){ FORMAT_KEY, PYTORCH };
    at[list.n++] = (hone_metadata){ LAYOUT_KEY, names[layout] };
    return list;
}

hone_layout hone__layout_stated(hone_metadata_list metadata, const char **unknown)
{
    hone_layout by_format = HONE_LAYOUT_AUTO, by_layout = HONE_LAYOUT_AUTO;
    if (unknown)
        *unknown = NULL;
    for (int i = 0; i < metadata.n; i++) {
        const hone_metadata *pair = &metadata.at[i];
        if (strcmp(pair->key, LAYOUT_KEY) == 0) {
            by_layout = hone__layout_of_name(pair->value);
            if (unknown && by_layout == HONE_LAYOUT_AUTO)
                *unknown = pair->value;
        } else if (strcmp(pair->key, FORMAT_KEY) == 0 && strcmp(pair->value, PYTORCH) == 0) {
            by_format = HONE_LAYOUT_OUT_IN;
        }
    }
    return by_layout != HONE_LAYOUT_AUTO ? by_layout : by_format;
}
