/* dtype.c: sizes, names and promotion of element types. */
#include "core/core.h"

#define TRAITS(NAME, name_, type, size_, kind_, rank_, least_, most_, file, torch, with)           \
    [HONE_##NAME] = { .name = #name_,                                                              \
                      .file_name = file,                                                           \
                      .torch_name = torch,                                                         \
                      .size = size_,                                                               \
                      .rank = rank_,                                                               \
                      .kind = HONE__KIND_##kind_,                                                  \
                      .least = least_,                                                             \
                      .most = most_ },
const hone__dtype_traits hone__dtypes[HONE_DTYPES] = { HONE__EACH_STORED(TRAITS, ) };

/* hone_dtype and the list are the same, in the same order. */
#define SAME(NAME, name, type, size, ...)                                                          \
    _Static_assert((int)HONE_##NAME == (int)NUMBER_##NAME && sizeof(type) == (size), #NAME);
#define NUMBER(NAME, ...) NUMBER_##NAME,
enum { HONE__EACH_STORED(NUMBER, ) N_NUMBERS };
HONE__EACH_STORED(SAME, )
_Static_assert((int)N_NUMBERS == HONE_DTYPES, "a dtype is missing");

static bool is_dtype(hone_dtype dtype)
{
    return (int)dtype >= 0 && (int)dtype < HONE_DTYPES;
}

size_t hone_dtype_size(hone_dtype dtype)
{
    return is_dtype(dtype) ? hone__dtypes[dtype].size : 0;
}

const char *hone_dtype_name(hone_dtype dtype)
{
    return is_dtype(dtype) ? hone__dtypes[dtype].name : "?";
}

bool hone_dtype_is_float(hone_dtype dtype)
{
    return is_dtype(dtype) && hone__dtypes[dtype].kind == HONE__KIND_FLOAT;
}

hone_dtype hone_promote(hone_dtype a, hone_dtype b)
{
    if (!is_dtype(a) || !is_dtype(b)) {
        hone_error_set(HONE_E_DTYPE, "promote: %d and %d are not both dtypes", (int)a, (int)b);
        return HONE_F32;
    }
    if (hone__dtypes[a].rank == hone__dtypes[b].rank && a != b)
        return HONE_F32; /* bf16 and f16 */
    return hone__dtypes[a].rank >= hone__dtypes[b].rank ? a : b;
}

hone_dtype hone__promoted_dtype(hone_tensor *const *t, int n)
{
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
