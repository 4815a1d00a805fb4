/* image_file.c: a picture's file, whichever format it has, and which way up it is. */
#include "data/image.h"

#include "core/core.h"
#include "runtime/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- memory */

bool hone__image_room(hone__image *image, int width, int height, int channels)
{
    const size_t bytes = (size_t)width * (size_t)height * (size_t)channels;
    if (bytes > image->room || !image->pixels) {
        hone__free(image->pixels);
        image->room = 0;
        image->pixels = hone__malloc(bytes + 1);
        if (!image->pixels)
            return false;
        image->room = bytes;
    }
    image->width = width;
    image->height = height;
    image->channels = channels;
    return true;
}

void hone__image_free(hone__image *image)
{
    hone__free(image->pixels);
    *image = (hone__image){ 0 };
}

/* ---- files */

static bool read_all(const char *where, const char *path, int file, hone__image_bytes *bytes)
{
    size_t n = 0;
    while (n < bytes->size) {
        const ssize_t got = read(file, bytes->data + n, bytes->size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            hone_error_set(HONE_E_IO, "%s: can't read %s: %s", where, path, strerror(errno));
            return false;
        }
        if (got == 0)
            break; /* it became shorter: the reader will say so */
        n += (size_t)got;
    }
    bytes->size = n;
    return true;
}

bool hone__image_load(const char *where, const char *path, size_t most, hone__image_bytes *bytes)
{
    errno = 0;
    const int file =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make it wait */
    struct stat st;
    if (file < 0 || fstat(file, &st) != 0 || !S_ISREG(st.st_mode)) {
        hone_error_set(HONE_E_IO, "%s: can't open %s: %s", where, path,
                       file < 0 || errno ? strerror(errno) : "it is no regular file");
        if (file >= 0)
            close(file);
        return false;
    }
    bytes->size = (uint64_t)st.st_size < most ? (size_t)st.st_size : most;
    if (bytes->size > bytes->room || !bytes->data) {
        hone__free(bytes->data);
        bytes->room = 0;
        bytes->data = hone__malloc(bytes->size + 1);
        if (bytes->data)
            bytes->room = bytes->size;
    }
    const bool read = bytes->data && read_all(where, path, file, bytes);
    close(file);
    return read;
}

/* ---- formats */

bool hone__image_reads(const char *format)
{
#ifdef HONE_HAS_PNG
    if (strcmp(format, "PNG") == 0)
        return true;
#endif
#ifdef HONE_HAS_JPEG
    if (strcmp(format, "JPEG") == 0)
        return true;
#endif
    (void)format;
    return false;
}

bool hone__image_decode(const uint8_t *data, size_t size, int channels, hone__image *image,
                        hone__image_report *report)
{
    *report = (hone__image_report){ .state = HONE__IMAGE_NONE, .orientation = 1 };
    bool enough_memory = true;
    if (hone__jpeg_is(data, size))
        enough_memory = hone__jpeg_decode(data, size, image, report);
    else if (hone__png_is(data, size))
        enough_memory = hone__png_decode(data, size, image, report);
    else
        hone__format(report->why, sizeof report->why, "%s",
                     size == 0 ? "it is empty" : "it is neither PNG nor JPEG");
    if (!enough_memory || !image || report->state == HONE__IMAGE_NONE)
        return enough_memory;
    return !channels || hone__image_channels(image, channels);
}

/* ---- EXIF: a TIFF structure, of which one entry of the first directory is of interest */

static unsigned number(const uint8_t *p, int bytes, bool big)
{
    unsigned value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | p[big ? i : bytes - 1 - i];
    return value;
}

int hone__exif_orientation(const uint8_t *tiff, size_t size)
{
    enum { HEADER = 8, ENTRY = 12, ORIENTATION = 0x0112, SHORT = 3 };
    if (size < HEADER || tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M'))
        return 1;
    const bool big = tiff[0] == 'M';
    const size_t at = number(tiff + 4, 4, big);
    if (at > size - 2 || number(tiff + 2, 2, big) != 42)
        return 1;
    const unsigned entries = number(tiff + at, 2, big);
    for (size_t i = 0; i < entries && size - at - 2 >= (i + 1) * ENTRY; i++) {
        const uint8_t *entry = tiff + at + 2 + i * ENTRY;
        if (number(entry, 2, big) != ORIENTATION)
            continue;
        const unsigned value = number(entry + 8, 2, big);
        return number(entry + 2, 2, big) == SHORT && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

/* What the file's row 0 and column 0 are (top, left ...) says how to go through it: 5 to 8 are
 * transposed, then rows or columns go backwards. */
bool hone__image_upright(hone__image *image, int orientation, hone__image *spare)
{
    if (orientation < 2 || orientation > 8)
        return true;
    const bool transposed = orientation >= 5;
    const bool mirrored =
        orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    const bool upside_down =
        orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    const int width = transposed ? image->height : image->width;
    const int height = transposed ? image->width : image->height, c = image->channels;
    if (!hone__image_room(spare, width, height, c))
        return false;
    uint8_t *to = spare->pixels;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, to += c) {
            const int u = mirrored ? width - 1 - x : x, v = upside_down ? height - 1 - y : y;
            const int row = transposed ? u : v, column = transposed ? v : u;
            memcpy(to,
                   image->pixels +
                       ((size_t)row * (size_t)image->width + (size_t)column) * (size_t)c,
                   (size_t)c);
        }
    const hone__image turned = *spare;
    *spare = *image;
    *image = turned;
    return true;
}
