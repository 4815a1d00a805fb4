#include "data/image_files.h"

#include "core/core.h"
#include "runtime/memory.h"

#include <errno.h>
#include <fts.h>
#include <string.h>
#include <strings.h>

/* All names, one behind the other, of several lists. */
typedef struct hone__image_texts {
    atomic_int refs;
    char *text;
    int64_t n, room;
} texts;

void hone__image_list_release(hone__image_list *list)
{
    if (!list)
        return;
    if (list->texts && atomic_fetch_sub(&list->texts->refs, 1) == 1) {
        hone__free(list->texts->text);
        hone__free(list->texts);
    }
    hone__free(list->file);
    hone__free(list->class_name);
    hone__free(list);
}

/* ---- while a list is read, names are offsets: the text moves as it grows */

typedef struct {
    hone__image_list *list;
    int64_t room, class_room;
} reading;

/* The offset of a copy, as a pointer to be; NULL: no memory. Offset 0 is never one. */
static const char *add_text(texts *t, const char *text)
{
    const int64_t length = (int64_t)strlen(text) + 1;
    t->n = t->n ? t->n : 1;
    if (!hone__grow(&t->text, &t->room, t->n + length, 1))
        return NULL;
    memcpy(t->text + t->n, text, (size_t)length);
    t->n += length;
    return (const char *)(uintptr_t)(t->n - length);
}

static void settle_texts(hone__image_list *list)
{
    const char *base = list->texts->text;
    for (int64_t i = 0; i < list->n; i++)
        list->file[i].path = base + (uintptr_t)list->file[i].path;
    for (int64_t i = 0; i < list->n_classes; i++)
        list->class_name[i] = base + (uintptr_t)list->class_name[i];
}

static bool add_class(reading *r, const char *name)
{
    hone__image_list *l = r->list;
    if (!hone__grow(&l->class_name, &r->class_room, l->n_classes + 1, sizeof *l->class_name))
        return false;
    l->class_name[l->n_classes] = add_text(l->texts, name);
    return l->class_name[l->n_classes++] != NULL;
}

static bool add_file(reading *r, const char *path)
{
    hone__image_list *l = r->list;
    if (!hone__grow(&l->file, &r->room, l->n + 1, sizeof *l->file))
        return false;
    l->file[l->n] = (hone__image_file){ add_text(l->texts, path), l->n_classes - 1 };
    return l->file[l->n++].path != NULL;
}

/* ---- the folders */

static bool is_picture(const char *name)
{
    const char *dot = strrchr(name, '.');
    return name[0] != '.' && dot &&
           (strcasecmp(dot, ".png") == 0 || strcasecmp(dot, ".jpg") == 0 ||
            strcasecmp(dot, ".jpeg") == 0);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* False: an error is set. */
static bool take_entry(const char *where, FTS *tree, FTSENT *e, reading *r)
{
    const bool hidden = e->fts_level > 0 && e->fts_name[0] == '.';
    switch (e->fts_info) {
    case FTS_D:
        if (hidden)
            fts_set(tree, e, FTS_SKIP);
        return hidden || e->fts_level != 1 || add_class(r, e->fts_name);
    case FTS_F:
        return e->fts_level < 2 || !is_picture(e->fts_name) || add_file(r, e->fts_path);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        hone_error_set(HONE_E_IO, "%s: can't read %s: %s", where, e->fts_path,
                       strerror(e->fts_errno));
        return false;
    default:
        return true;
    }
}

static bool read_tree(const char *where, const char *dir, reading *r)
{
    char *const roots[] = { (char *)dir, NULL };
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    if (!tree) {
        hone_error_set(HONE_E_IO, "%s: can't read %s: %s", where, dir, strerror(errno));
        return false;
    }
    FTSENT *entry = NULL;
    bool good = true;
    while (good && (errno = 0, entry = fts_read(tree))) {
        if (entry->fts_level == 0 && entry->fts_info == FTS_F) {
            hone_error_set(HONE_E_IO, "%s: %s is no directory", where, dir);
            good = false;
        } else {
            good = take_entry(where, tree, entry, r);
        }
    }
    if (good && errno) {
        hone_error_set(HONE_E_IO, "%s: can't read %s: %s", where, dir, strerror(errno));
        good = false;
    }
    fts_close(tree);
    return good;
}

bool hone__image_folder_is(const char *dir)
{
    enum { ENTRIES = 100000 }; /* after that it is none */
    char *const roots[] = { (char *)dir, NULL };
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
    bool found = false;
    FTSENT *e;
    for (int i = 0; tree && !found && i < ENTRIES && (e = fts_read(tree)); i++)
        found = e->fts_level >= 2 && e->fts_info != FTS_D && is_picture(e->fts_name);
    if (tree)
        fts_close(tree);
    return found;
}

hone__image_list *hone__image_list_read(const char *where, const char *dir)
{
    reading r = { .list = hone__calloc(sizeof *r.list) };
    if (!r.list)
        return NULL;
    r.list->texts = hone__calloc(sizeof *r.list->texts);
    if (r.list->texts)
        atomic_init(&r.list->texts->refs, 1);
    if (!r.list->texts || !read_tree(where, dir, &r)) {
        hone__image_list_release(r.list);
        return NULL;
    }
    settle_texts(r.list);
    return r.list;
}

hone__image_list *hone__image_list_part(const hone__image_list *list, const int64_t *index,
                                        int64_t n)
{
    hone__image_list *part = hone__calloc(sizeof *part);
    if (!part)
        return NULL;
    const size_t names = hone__bytes(list->n_classes, sizeof *part->class_name);
    part->file = hone__malloc(hone__bytes(n, sizeof *part->file) + 1);
    part->class_name = hone__malloc(names);
    if (!part->file || !part->class_name) {
        hone__image_list_release(part);
        return NULL;
    }
    memcpy(part->class_name, list->class_name, names);
    for (int64_t i = 0; i < n; i++)
        part->file[i] = list->file[index[i]];
    part->n = n;
    part->n_classes = list->n_classes;
    part->texts = list->texts;
    atomic_fetch_add(&part->texts->refs, 1);
    return part;
}

/* The first class without a picture; n_classes: there is none. Files come in the order of classes. */
static int64_t empty_class(const hone__image_list *list)
{
    int64_t next = 0;
    for (int64_t i = 0; i < list->n; i++) {
        if (list->file[i].label > next)
            return next;
        if (list->file[i].label == next)
            next++;
    }
    return next;
}

bool hone__image_list_is_good(const char *where, const char *dir, const hone__image_list *list)
{
    const int64_t empty = empty_class(list);
    if (list->n_classes == 0)
        hone_error_set(HONE_E_FORMAT, "%s: %s has no folders: each is to be a class of pictures",
                       where, dir);
    else if (list->n == 0)
        hone_error_set(HONE_E_FORMAT, "%s: no picture (.png, .jpg, .jpeg) in the folders of %s",
                       where, dir);
    else if (list->n_classes == 1)
        hone_error_set(HONE_E_FORMAT, "%s: %s has one class, %s: at least two are wanted", where,
                       dir, list->class_name[0]);
    else if (empty < list->n_classes)
        hone_error_set(HONE_E_FORMAT, "%s: the class %s of %s has no picture", where,
                       list->class_name[empty], dir);
    else
        return true;
    return false;
}
