/* layout.h: which way the weights lie in a file of named tensors. */
#ifndef HONE_RUN_LAYOUT_H
#define HONE_RUN_LAYOUT_H

#include <hone/io.h>

/** The pairs of metadata that say so; how many: at[0..n-1] into a list of 2. */
hone_metadata_list hone__layout_metadata(hone_layout layout, hone_metadata at[2]);

/** What metadata say; HONE_LAYOUT_AUTO: nothing that hone understands. `unknown`, unless NULL, gets
 * a layout that is there but that hone doesn't know, or NULL. */
hone_layout hone__layout_stated(hone_metadata_list metadata, const char **unknown);

/** The module's state as a file of that layout has it: names and tensors, of the current scope. False on
 * an error, in the name of `where`. */
bool hone__state_tensors(const char *where, hone_module *module, hone_layout layout,
                         hone_named_list *list);

/** Turns those of the tensors that the module says lie the other way round in the other layout. False
 * on an error, in the name of `where`. */
bool hone__turn_weights(const char *where, hone_module *module, hone_named_list tensors);

/** HONE_LAYOUT_AUTO for what is no name of a layout. */
hone_layout hone__layout_of_name(const char *name);

#endif
