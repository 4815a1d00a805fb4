/* shards.h: tensors of one state in several safetensors files, beside an index of JSON: "weight_map",
 * from each name to its file, and "metadata" with total_size. Source: Hugging Face's transformers. */
#ifndef HONE_IO_SHARDS_H
#define HONE_IO_SHARDS_H

#include "io/file.h"

/** Writes FILE-00001-of-00003.safetensors, ... and at last FILE.safetensors.index.json, in place of
 * FILE.safetensors, which goes; if all fits into one, FILE.safetensors, and an index with its shards
 * goes. */
hone_status hone__shards_save(const char *where, const char *path, hone_named_list tensors,
                              const hone_file_save_options *options);

/** The files that the index of FILE.safetensors lists; none if there is no index, or none that can be read.
 * Owned by the current scope. False: E_NOMEM. */
typedef struct {
    char **at;
    int n;
} hone__shard_list;
bool hone__shards_listed(const char *where, const char *path, hone__shard_list *list);
hone_status hone__index_remove(const char *where, const char *path);

/** Removes the index of FILE.safetensors, and what it lists, if there is one. */
hone_status hone__shards_remove(const char *where, const char *path);

/** FILE.safetensors.index.json; owned by the current scope, NULL: E_NOMEM. */
char *hone__index_path(const char *path);

/** FOLDER/NAME; owned by the current scope, NULL: E_NOMEM. */
char *hone__path_in(const char *folder, const char *name);

/** The file of weights in a folder of Hugging Face's: model.safetensors, its index, or
 * pytorch_model.bin; owned by the current scope. NULL with E_FORMAT (a whole file and an index, which
 * are both named) or E_IO (none). */
const char *hone__folder_weights(const char *where, const char *folder);

#endif
