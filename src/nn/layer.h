/* layer.h: what the layers share. */
#ifndef HONE_NN_LAYER_H
#define HONE_NN_LAYER_H

#include <hone/nn.h>

/** A Linear, and what Sequential needs to know to run it together with what follows. */
typedef struct {
    hone_module base;
    hone_tensor *weight; /* [in, out] */
    hone_tensor *bias;   /* [out] or NULL */
} hone__linear;
extern const hone_module_class hone__linear_class, hone__relu_class, hone__gelu_class,
    hone__gelu_tanh_class;

/** True if a layer was given as many inputs as it takes; else E_VALUE. */
bool hone__takes_inputs(const hone_module *self, int n_in, int wanted);

#endif
