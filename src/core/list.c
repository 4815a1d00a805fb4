/* list.c: tensors handed out together. */
#include "core/core.h"
#include "runtime/memory.h"

hone_tensor_list hone__list_new(int n)
{
    hone_tensor_list list = { NULL, 0 };
    if (n < 0) {
        hone_error_set(HONE_E_VALUE, "list: %d tensors", n);
        return list;
    }
    /* An empty list is no failure, so it has an array too. */
    list.at = hone__own_block(hone__calloc(hone__bytes(n > 0 ? n : 1, sizeof *list.at)));
    list.n = list.at ? n : 0;
    return list;
}

hone_tensor_list hone_list_n(hone_tensor *const *tensors, int n)
{
    const hone_tensor_list failed = { NULL, 0 };
    for (int i = 0; i < n; i++)
        if (!hone__needs_tensor_or_none("list", tensors ? tensors[i] : NULL))
            return failed;
    hone_tensor_list list = hone__list_new(n);
    for (int i = 0; i < list.n; i++) {
        list.at[i] = hone__is_real(tensors[i]) ? hone__own(hone_retain(tensors[i])) : tensors[i];
        if (!list.at[i])
            return failed;
    }
    return list;
}

hone_tensor_list hone_list_v(hone_tensor *const *tensors_then_end)
{
    int n = 0;
    if (!tensors_then_end) {
        hone__error_null("list");
        return (hone_tensor_list){ NULL, 0 };
    }
    while (tensors_then_end[n] != HONE_END_TENSOR)
        n++;
    return hone_list_n(tensors_then_end, n);
}
