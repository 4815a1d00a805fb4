/** @file io.h
 * The state of modules, to and from files, which <hone/files.h> tells more of.
 */
#ifndef HONE_IO_H
#define HONE_IO_H

#include <hone/files.h>
#include <hone/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the state of a module: its parameters and buffers by name */

/** How the weights of Linear and the like (HONE_WEIGHT fields) lie in a file. */
typedef enum {
    HONE_LAYOUT_AUTO,   /**< save: out, in. load: what the file says, else what fits; see below */
    HONE_LAYOUT_IN_OUT, /**< as hone has them in memory: y = x W + b */
    HONE_LAYOUT_OUT_IN, /**< transposed, as PyTorch has them: y = x W^T + b */
} hone_layout;

/** Names; owned by the current scope. */
typedef struct {
    const char *const *at;
    int n;
} hone_name_list;

/** Names that the module has and the file hasn't, and the other way around. */
typedef struct {
    hone_name_list missing, unexpected;
} hone_state_report;

typedef struct {
    hone_layout layout; /**< load: whatever the file says */
    /** load: missing and unexpected names are no error (PyTorch's strict=False): what is missing
     * keeps its values, what is unexpected isn't read. Shapes and dtypes must still fit. */
    bool non_strict;
    /** load: filled unless NULL, also when the names are why it fails; empty on an error before
     * that. */
    hone_state_report *report;
    /** load: the names of what has another shape in the file, unless NULL; empty on an error before
     * the shapes are looked at. */
    hone_name_list *mismatched;
    /** load: names of the file that begin with file_prefix have module_prefix in its place:
     * file_prefix "module." drops it, module_prefix "encoder." alone puts it before all names. NULL
     * is "". Reports have the file's own names. */
    const char *file_prefix, *module_prefix;
    bool ignore_mismatched; /**< load: what has another shape keeps its values */
    /** save: more of it, under other keys than hone's; or NULL. */
    const hone_metadata_list *metadata;
    /** load: floats of any dtype go into the module's, rounded once (a file of f32 into a module of
     * bf16). Else only what is exact is done: F16 and BF16 into f32. */
    bool round;
    HONE_RESERVE(7);
} hone_state_options;

/** Writes the module's state as a safetensors file, by default as PyTorch has it: the same names,
 * weights [out, in], so that `model.load_state_dict(safetensors.torch.load_file(path))` gives the
 * same network. The metadata say so ("format": "pt", "layout": "out,in"; of HONE_LAYOUT_IN_OUT
 * "layout": "in,out").
 *  Errors:  HONE_E_IO (names the file and the reason), HONE_E_VALUE (the names take more than the
 *           format allows), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_save_state(hone_module *module, const char *path);
HONE_API hone_status hone_save_state_with(hone_module *module, const char *path,
                                          const hone_state_options *options);

/** Reads such a file, PyTorch's or hone's, into the module's parameters and buffers. All names,
 * shapes and dtypes must fit, but F16 and BF16 go into f32, exactly, and with the option `round` any
 * float into any; if anything doesn't, nothing is changed. A file may be of any format that hone_file_open() reads, or a folder. Of a tensor that
 * has several names in the module the file may lack some; if it has different ones for them, it is
 * an error. The layout is the one of the options, else that of the metadata ("layout", as hone
 * writes it; else "format": "pt", PyTorch's), else the only one in which the weights fit. Weights
 * that are all square fit both ways: then it is an error.
 *  Errors:  HONE_E_IO, HONE_E_FORMAT (no whole, valid safetensors file, or a layout that nobody
 *           says), HONE_E_STATE (a tensor is missing or unexpected; or one of the module can't be
 *           written, as an expanded one), HONE_E_SHAPE, HONE_E_DTYPE (each names the tensor and
 *           what both sides have), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_load_state(hone_module *module, const char *path);
HONE_API hone_status hone_load_state_with(hone_module *module, const char *path,
                                          const hone_state_options *options);

/* ---- ONNX */

/** Writes a network as ONNX (IR 10, opset 21): what it calls while it runs once on x, in evaluation, with
 * its weights and x's shape. Input and output are called "input" and "output". What has no
 * counterpart there that hone writes is an error which names the op.
 *  Errors:  HONE_E_VALUE (such an op), HONE_E_STATE (the module is in training mode), HONE_E_CONFIG
 *           (built without protobuf-c), HONE_E_IO, those of the forward, HONE_E_NULL, HONE_E_NOMEM.
 *  Source:  the ONNX format, https://onnx.ai/onnx. */
HONE_API hone_status hone_onnx_save(hone_module *model, hone_tensor *x, const char *path);

#ifdef __cplusplus
}
#endif
#endif
