/* An index and its shards; folders of weights. */
#include "files.h"
#include "support.h"

#include <hone/files.h>
#include <hone/ops.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unistd.h>

SUITE_WITH_FILES(files_shards);

static hone_named_list three(void)
{
    static hone_named list[3];
    list[0] = (hone_named){ "a", T(HONE_F32, (2, 2), 1, 2, 3, 4) };
    list[1] = (hone_named){ "b\"", T(HONE_F32, (4), 5, 6, 7, 8) };
    list[2] = (hone_named){ "c", T(HONE_I64, (2), 9, 10) };
    return (hone_named_list){ list, 3 };
}

static void save_shards(const char *path, int64_t bytes)
{
    hone_metadata format = { "format", "pt" };
    CHECK_OK(hone_file_save_with(
        path, three(),
        &(hone_file_save_options){ .metadata = &(hone_metadata_list){ &format, 1 },
                                   .shard_bytes = bytes }));
}

static bool is_there(const char *name)
{
    return access(test_path(name), F_OK) == 0;
}

static void check_three(const char *path)
{
    hone_metadata_list metadata;
    const hone_named_list list = hone_file_load(path, &metadata), want = three();
    cr_assert(list.n == 3, "%s", hone_error_message());
    for (int i = 0; i < 3; i++)
        cr_assert(hone_equal(hone_named_find(list, want.at[i].name), want.at[i].tensor));
    cr_assert(metadata.n == 1 && strcmp(metadata.at[0].value, "pt") == 0);
}

Test(files_shards, written_and_read)
{
    save_shards(test_path("m.safetensors"), 32);
    check_three(test_path("m.safetensors.index.json"));
    cr_assert(is_there("m-00001-of-00002.safetensors") && is_there("m-00002-of-00002.safetensors"));
    cr_assert(!is_there("m.safetensors") && test_dir_count() == 3);
    size_t n;
    char *text = test_read(test_path("m.safetensors.index.json"), &n);
    cr_assert_str_eq(text,
                     "{\n  \"metadata\": {\n    \"total_size\": 48\n  },\n  \"weight_map\": {\n"
                     "    \"a\": \"m-00001-of-00002.safetensors\",\n"
                     "    \"b\\\"\": \"m-00001-of-00002.safetensors\",\n"
                     "    \"c\": \"m-00002-of-00002.safetensors\"\n  }\n}\n");
    free(text);
}

Test(files_shards, one_form_removes_the_other)
{
    const char *path = test_path("model.safetensors");
    save_shards(path, 1000); /* all fits into one */
    cr_assert(is_there("model.safetensors") && test_dir_count() == 1);
    save_shards(path, 16);
    cr_assert(!is_there("model.safetensors") && test_dir_count() == 4);
    check_three(test_path(""));
    save_shards(path, 32); /* fewer files: the old ones go */
    cr_assert(test_dir_count() == 3);
    CHECK_OK(hone_file_save(path, three()));
    cr_assert(is_there("model.safetensors") && test_dir_count() == 1);
    save_shards(path, 32);
    CHECK_OK(hone_safetensors_save(path, three(), NULL));
    cr_assert(test_dir_count() == 1);
}

/* What can't be written leaves the old files as they were, and none of its own. */
Test(files_shards, the_old_ones_stay_until_the_new_ones_are_there)
{
    const char *path = test_path("model.safetensors");
    save_shards(path, 16);
    const int files = test_dir_count();
    const char *in_the_way = test_path("model-00002-of-00002.safetensors.new");
    cr_assert(mkdir(in_the_way, 0700) == 0);
    const hone_file_save_options two = { .shard_bytes = 32 };
    CHECK_FAILS(hone_file_save_with(path, three(), &two), HONE_E_IO,
                "model-00002-of-00002.safetensors.new");
    cr_assert(rmdir(in_the_way) == 0 && test_dir_count() == files);
    check_three(test_path(""));
    save_shards(path, 32);
    check_three(test_path(""));
    cr_assert(test_dir_count() == 3);
}

/* An index may name any file beside it. */
Test(files_shards, a_foreign_file_in_an_index_stays)
{
    static const char index[] =
        "{\"weight_map\": {\"a\": \"thesis.txt\", \"b\": \"old.safetensors\"}}";
    test_write("thesis.txt", "years", 5);
    test_write("old.safetensors", "weights", 7);
    test_write("m.safetensors.index.json", index, sizeof index - 1);
    save_shards(test_path("m.safetensors"), 0);
    check_three(test_path("m.safetensors"));
    cr_assert(is_there("thesis.txt") && !is_there("old.safetensors") && test_dir_count() == 2);
}

Test(files_shards, both_forms_in_a_folder)
{
    save_shards(test_path("model.safetensors"), 16);
    size_t n;
    char *index = test_read(test_path("model.safetensors.index.json"), &n);
    CHECK_OK(hone_file_save(test_path("model.safetensors"), three()));
    test_write("model.safetensors.index.json", index, n);
    free(index);
    CHECK_FAILS(hone_file_open(test_path("")), HONE_E_FORMAT,
                "has both model.safetensors and model.safetensors.index.json");
}

Test(files_shards, a_folder_without_weights)
{
    CHECK_FAILS(hone_file_open(test_path("")), HONE_E_IO,
                "Is a directory, without model.safetensors, model.safetensors.index.json or "
                "pytorch_model.bin");
}

static const char *index_of(const char *text)
{
    return test_write("m.safetensors.index.json", text, strlen(text));
}

/* The map and the shards, both ways. */
Test(files_shards, checked_both_ways)
{
    save_shards(test_path("m.safetensors"), 32);
    static const struct {
        const char *map, *says;
    } bad[] = {
        { "\"a\":\"m-00001-of-00002.safetensors\",\"c\":\"m-00002-of-00002.safetensors\"",
          "m-00001-of-00002.safetensors has \"b\"\", which weight_map doesn't have" },
        { "\"a\":\"m-00001-of-00002.safetensors\",\"b\\\"\":\"m-00001-of-00002.safetensors\","
          "\"c\":\"m-00002-of-00002.safetensors\",\"d\":\"m-00002-of-00002.safetensors\"",
          "weight_map has \"d\" in m-00002-of-00002.safetensors, where it isn't" },
        { "\"a\":\"m-00002-of-00002.safetensors\",\"b\\\"\":\"m-00001-of-00002.safetensors\","
          "\"c\":\"m-00002-of-00002.safetensors\"",
          "m-00001-of-00002.safetensors has \"a\", which weight_map has in m-00002-of-00002" },
        { "\"a\":\"m-00001-of-00002.safetensors\",\"a\":\"m-00001-of-00002.safetensors\"",
          "weight_map has \"a\" twice" },
        { "\"a\":\"../m.safetensors\"", "which isn't beside the index" },
        { "\"a\":\"/etc/passwd\"", "which isn't beside the index" },
        { "\"a\":3", "a string is missing" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[600];
        snprintf(text, sizeof text, "{\"weight_map\":{%s}}", bad[i].map);
        CHECK_FAILS(hone_file_open(index_of(text)), HONE_E_FORMAT, bad[i].says);
    }
    CHECK_FAILS(hone_file_open(index_of("{\"metadata\":{\"total_size\":3}}")), HONE_E_FORMAT,
                "it has no weight_map");
    CHECK_FAILS(hone_file_open(index_of("{\"weight_map\":{}} x")), HONE_E_FORMAT, "after its end");
    CHECK_FAILS(hone_file_open(index_of("{\"weight_map\":{\"a\":\"gone.safetensors\"}}")),
                HONE_E_IO, "can't open");
    /* no "metadata": nothing is missed by that */
    check_three(
        index_of("{\"weight_map\":{\"a\":\"m-00001-of-00002.safetensors\",\"b\\\"\":"
                 "\"m-00001-of-00002.safetensors\",\"c\":\"m-00002-of-00002.safetensors\"}}"));
}

Test(files_shards, not_of_other_formats)
{
    CHECK_FAILS(hone_file_save_with(test_path("m.npz"), three(),
                                    &(hone_file_save_options){ .shard_bytes = 16 }),
                HONE_E_VALUE, "can't be cut into shards");
}
