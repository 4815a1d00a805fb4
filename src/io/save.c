/* save.c: hone_file_save: the format by the name's ending. */
#include "core/core.h"
#include "core/reserve.h"
#include "io/file.h"

#include <hone/autograd.h>

#include <string.h>

static bool floats_known(const char *where, const char *floats)
{
    static const char *const known[] = { "F16", "BF16", "F32", "F64" };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!floats || strcmp(floats, known[i]) == 0)
            return true;
    hone_error_set(HONE_E_VALUE, "%s: floats are stored as F16, BF16, F32 or F64, not as \"%s\"",
                   where, floats);
    return false;
}

hone_status hone_file_save_with(const char *path, hone_named_list tensors,
                                const hone_file_save_options *options)
{
    static const char where[] = "file_save";
    HONE_SCOPE();
    HONE_NO_GRAD();
    if (!HONE__KNOWS_OPTIONS(where, options) || !hone__ready())
        return hone__error_last();
    if (!path)
        return hone_error_set(HONE_E_NULL, "%s: the path is NULL", where);
    if (!tensors.at)
        return hone__error_null(where);
    const hone_file_save_options o = options ? *options : (hone_file_save_options){ 0 };
    const hone__file_format *format = hone__format_of_name(path);
    if (!format || !format->save)
        return hone_error_set(HONE_E_VALUE,
                              "%s: %s: the name's ending tells the format: .safetensors, .npz, "
                              ".npy, .gguf",
                              where, path);
    if (!floats_known(where, o.floats))
        return hone__error_last();
    if (o.shard_bytes != 0 && (o.shard_bytes < 0 || format != &hone__safetensors_format))
        return hone_error_set(HONE_E_VALUE, "%s: %s can't be cut into shards of %lld bytes", where,
                              path, (long long)o.shard_bytes);
    return format->save(where, path, tensors, &o);
}

hone_status hone_file_save(const char *path, hone_named_list tensors)
{
    return hone_file_save_with(path, tensors, NULL);
}
