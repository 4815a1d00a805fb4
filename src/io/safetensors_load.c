/* safetensors_load.c: opening and reading. Nothing in a file is believed before it is checked. */
#include "core/core.h"
#include "core/reserve.h"
#include "io/safetensors.h"
#include "io/shards.h"

#include <string.h>

/* ---- the format */

static const char *const endings[] = { "safetensors", NULL };

/* The length of a header, which begins with a brace, perhaps after blanks. */
static bool is(const hone_file *f, const unsigned char *head, size_t n)
{
    uint64_t length;
    size_t at = 8;
    if (n < 10)
        return false;
    memcpy(&length, head, 8);
    while (at < n && (head[at] == ' ' || head[at] == '\n' || head[at] == '\t' || head[at] == '\r'))
        at++;
    return length <= (uint64_t)f->bytes && (at == n || head[at] == '{');
}

static bool open_header(hone_file *f)
{
    int64_t length;
    if (f->bytes < 8)
        return hone__file_bad(f, "it is shorter than 8 bytes");
    if (!hone__file_read_at(f, &length, 8, 0))
        return false;
    if (length > HONE__HEADER_MOST)
        return hone__file_bad(f, "its header's length is past the format's 100000000 bytes");
    if (length < 2 || length > f->bytes - 8)
        return hone__file_bad(f, "its header's length doesn't fit the file");
    char *text = hone__file_room(f, (size_t)length);
    return text && hone__file_read_at(f, text, length, 8) &&
           hone__safetensors_header(f, text, length);
}

static hone_status save(const char *where, const char *path, hone_named_list tensors,
                        const hone_file_save_options *o)
{
    return o->shard_bytes > 0
               ? hone__shards_save(where, path, tensors, o)
               : hone__safetensors_save(where, path, tensors, o->metadata, o->floats);
}

const hone__file_format hone__safetensors_format = {
    .name = "safetensors", .endings = endings, .is = is, .open = open_header, .save = save
};

/* ---- by the format's name */

static hone__convert converts(const hone_safetensors_options *o)
{
    if (!o)
        return HONE__CONVERT_NONE;
    const int how = o->convert       ? HONE__CONVERT_ALL
                    : o->half_to_f32 ? HONE__CONVERT_HALVES
                                     : HONE__CONVERT_NONE;
    return (hone__convert)(how | (o->keep_halves ? HONE__KEEP_HALVES : 0));
}

hone_named_list hone_safetensors_load_with(const char *path, hone_metadata_list *metadata,
                                           const hone_safetensors_options *options)
{
    static const char where[] = "safetensors_load";
    if (metadata)
        *metadata = (hone_metadata_list){ NULL, 0 };
    if (!HONE__KNOWS_OPTIONS(where, options))
        return (hone_named_list){ NULL, 0 };
    return hone__file_load(where, path, &hone__safetensors_format, metadata, converts(options),
                           NULL);
}

hone_named_list hone_safetensors_load(const char *path, hone_metadata_list *metadata)
{
    return hone_safetensors_load_with(path, metadata, NULL);
}

hone_safetensors *hone_safetensors_open(const char *path)
{
    hone_file *f = hone__file_open("safetensors_open", path, &hone__safetensors_format, NULL);
    if (f)
        f->where = "safetensors_read"; /* all that can still fail */
    return f;
}

void hone_safetensors_close(hone_safetensors *file)
{
    hone_file_close(file);
}

hone_safetensors_list hone_safetensors_entries(const hone_safetensors *file)
{
    if (file)
        return hone_file_entries(file);
    hone__error_missing("safetensors_entries", "a file");
    return (hone_safetensors_list){ NULL, 0 };
}

hone_metadata_list hone_safetensors_metadata(const hone_safetensors *file)
{
    if (file)
        return hone_file_metadata(file);
    hone__error_missing("safetensors_metadata", "a file");
    return (hone_metadata_list){ NULL, 0 };
}

hone_tensor *hone_safetensors_read_with(const hone_safetensors *file, const char *name,
                                        const hone_safetensors_options *options)
{
    if (!HONE__KNOWS_OPTIONS("safetensors_read", options))
        return NULL;
    return hone__file_read_named("safetensors_read", file, name, converts(options));
}

hone_tensor *hone_safetensors_read(const hone_safetensors *file, const char *name)
{
    return hone_safetensors_read_with(file, name, NULL);
}
