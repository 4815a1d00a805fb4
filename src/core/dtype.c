/* dtype.c: sizes, names and promotion of element types. */
#include "core/core.h"

static const struct {
    const char *name;
    size_t size;
    int rank; /* promotion takes the higher one */
} dtypes[HONE_DTYPES] = {
    [HONE_F32] = { "f32", 4, 4 }, [HONE_F64] = { "f64", 8, 5 }, [HONE_I64] = { "i64", 8, 3 },
    [HONE_I32] = { "i32", 4, 2 }, [HONE_U8] = { "u8", 1, 1 },   [HONE_BOOL] = { "bool", 1, 0 },
};

static bool is_dtype(hone_dtype dtype)
{
    return (int)dtype >= 0 && (int)dtype < HONE_DTYPES;
}

size_t hone_dtype_size(hone_dtype dtype)
{
    return is_dtype(dtype) ? dtypes[dtype].size : 0;
}

const char *hone_dtype_name(hone_dtype dtype)
{
    return is_dtype(dtype) ? dtypes[dtype].name : "?";
}

bool hone_dtype_is_float(hone_dtype dtype)
{
    return dtype == HONE_F32 || dtype == HONE_F64;
}

hone_dtype hone_promote(hone_dtype a, hone_dtype b)
{
    if (!is_dtype(a) || !is_dtype(b)) {
        hone_error_set(HONE_E_DTYPE, "promote: %d and %d are not both dtypes", (int)a, (int)b);
        return HONE_F32;
    }
    return dtypes[a].rank >= dtypes[b].rank ? a : b;
}

int hone__category(hone_dtype dtype)
{
    return dtype == HONE_BOOL ? 0 : hone_dtype_is_float(dtype) ? 2 : 1;
}

hone_dtype hone__result_dtype(hone_tensor *const *t, int n)
{
    if (n == 2 && hone__is_real(t[0]) && hone__is_real(t[1]) && t[0]->dtype == t[1]->dtype)
        return (hone_dtype)t[0]->dtype;
    bool any_dims = false, any_zero = false;
    hone_dtype dims = HONE_F32, zero = HONE_F32; /* of the tensors with dims, of the 0-d ones */
    for (int i = 0; i < n; i++) {
        if (!hone__is_real(t[i]))
            continue;
        const hone_dtype dtype = (hone_dtype)t[i]->dtype;
        if (t[i]->ndim > 0) {
            dims = any_dims ? hone_promote(dims, dtype) : dtype;
            any_dims = true;
        } else {
            zero = any_zero ? hone_promote(zero, dtype) : dtype;
            any_zero = true;
        }
    }
    if (!any_dims)
        return zero;
    return any_zero && hone__category(zero) > hone__category(dims) ? hone_promote(zero, dims)
                                                                   : dims;
}
