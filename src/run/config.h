/* config.h: config.json of Hugging Face's folders: what network it is, and how its tensors are called.
 *
 * JSON: read by hone's own reader (io/json.h), which was weighed against json-c, jansson and yyjson. Those
 * make a tree and then forget what safetensors' rules ask for: which of two equal keys came last, a field
 * that is there twice, 1.0 and 1e0 that are no integers, where a text stood. The reader is 250 lines
 * without recursion, decodes in place, and is fuzzed; a second one only for configurations would be one
 * more dependency for less. */
#ifndef HONE_RUN_CONFIG_H
#define HONE_RUN_CONFIG_H

#include "io/file.h"

/** The spec of the network in a folder's config.json ("gpt:vocab=50257,..."), owned by the current
 * scope. NULL with E_IO (no config.json), E_FORMAT, E_VALUE (a network that hone hasn't). */
const char *hone__config_spec(const char *where, const char *folder);

/** Whether the path is a folder with a config.json. */
bool hone__has_config(const char *path);

/** Names of a folder's tensors in hone's networks: prefixes that models with and without a head differ
 * by, old names, those that are no parameters. False with E_NOMEM and those of hone__config_spec. */
bool hone__config_rename(const char *folder, hone_file *file);

#endif
