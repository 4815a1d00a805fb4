/* attention.h: what the layers of transformers call. */
#ifndef HONE_NN_ATTENTION_H
#define HONE_NN_ATTENTION_H

#include <hone/nn.h>

/** Of a MultiheadAttention; the masks may be HONE_NONE. */
hone_tensor *hone__attend(const hone_module *module, hone_tensor *q, hone_tensor *k, hone_tensor *v,
                          hone_tensor *key_padding, hone_tensor *attn_mask);

#endif
