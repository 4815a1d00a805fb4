/* image_files.h: lists of picture files and their classes. */
#ifndef HONE_DATA_IMAGE_FILES_H
#define HONE_DATA_IMAGE_FILES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *path;
    int64_t label;
} hone__image_file;

typedef struct hone__image_list {
    hone__image_file *file;
    const char **class_name;
    int64_t n, n_classes;
    struct hone__image_texts *texts; /* in which the names lie */
} hone__image_list;

/** Whether a picture lies in one of its folders, or of theirs. */
bool hone__image_folder_is(const char *dir);
/** The files in DIR's folders, each folder a class. NULL + an error in the name of `where`: it can't be
 * read, there is no folder in it. */
hone__image_list *hone__image_list_read(const char *where, const char *dir);
/** Those of these numbers; its texts are the same. NULL + E_NOMEM. */
hone__image_list *hone__image_list_part(const hone__image_list *list, const int64_t *index,
                                        int64_t n);
/** Whether it can be learned from: pictures, two classes at least, none of them empty. Else false +
 * E_FORMAT. */
bool hone__image_list_is_good(const char *where, const char *dir, const hone__image_list *list);
void hone__image_list_release(hone__image_list *list);

#endif
