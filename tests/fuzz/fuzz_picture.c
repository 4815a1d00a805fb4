/* fuzz_picture.c: any bytes as a PNG or JPEG file, decoded as the data sets do it: whatever comes out, nothing
 * may be read or written past its end, leaked, or take long. Both ways of asking (the header alone, the
 * picture) must agree about the extents. */
#include "fuzz.h"

#include "data/image.h"

#include <stdlib.h>

static hone__image image, spare;

static void check(bool good)
{
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MOST = 1 << 20 }; /* pixels: larger ones are slow, and no different */
    hone__image_report header, report;
    check(hone__image_decode(data, size, 0, NULL, &header));
    if (header.state == HONE__IMAGE_NONE || (int64_t)header.width * header.height > MOST)
        return 0;
    check(hone__image_decode(data, size, size % 2 ? 1 : 3, &image, &report));
    check(report.width == header.width && report.height == header.height);
    check(report.orientation >= 1 && report.orientation <= 8);
    if (report.state == HONE__IMAGE_NONE)
        return 0;
    check(image.width == report.width && image.height == report.height);
    check(hone__image_upright(&image, report.orientation, &spare));
    return 0;
}
