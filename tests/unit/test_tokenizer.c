/* Tokenizers: what is refused, what is plain text, decoding, lists. The tokens themselves: test_golden_data. */
#include "files.h"
#include "support.h"

#include <hone/ops.h>
#include <hone/tokenizer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SUITE_WITH_FILES(tokenizer);

/* The 256 symbols as JSON members, without `but`, then `more`. */
static char *vocabulary(const char *more, int but)
{
    char *text = malloc(8000), *at = text;
    int next = 256, id = 0;
    at += sprintf(at, "{");
    for (int byte = 0; byte < 256; byte++) {
        const bool itself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
        const int code = itself ? byte : next++;
        if (byte != but)
            at += sprintf(at, "%s\"\\u%04x\": %d", id ? ", " : "", code, id), id++;
    }
    sprintf(at, "%s}", more);
    return text;
}

static const char *folder_with(const char *vocab, const char *merges)
{
    test_write("t/vocab.json", vocab, strlen(vocab));
    test_write("t/merges.txt", merges, strlen(merges));
    return test_path("t");
}

static hone_tokenizer *opened(const char *more, const char *merges)
{
    char *vocab = vocabulary(more, -1);
    hone_tokenizer *t = hone_tokenizer_open(folder_with(vocab, merges));
    free(vocab);
    cr_assert(t, "%s", hone_error_message());
    return t;
}

#define TWO ", \"ab\": 256, \"##\": 257, \"<|endoftext|>\": 258"

Test(tokenizer, merges_and_their_file)
{
    hone_tokenizer *t = opened(TWO, "#version: 0.2\r\na b\r\n# #");
    cr_assert(hone_tokenizer_size(t) == 259);
    CHECK_VALUES(hone_tokenizer_encode(t, "ab##", 4, NULL), HONE_I64, (2), 256, 257);
    cr_assert(hone_tokenizer_find(t, "ab", 2) == 256 && hone_tokenizer_find(t, "ba", 2) == -1);
    hone_tokenizer_free(t);
    t = opened(TWO, "# #\na b\n"); /* the first line is a merge like any other */
    CHECK_VALUES(hone_tokenizer_encode(t, "ab##", 4, NULL), HONE_I64, (2), 256, 257);
    hone_tokenizer_free(t);
    t = opened(TWO, "a b\n");
    CHECK_VALUES(hone_tokenizer_encode(t, "#\xff\xc3", 3, NULL), HONE_I64, (3), '#', 255, 0xC3);
    hone_tokenizer_free(t);
}

/* A special token in the text is plain text unless it is asked for. */
Test(tokenizer, special_tokens)
{
    hone_tokenizer *t = opened(TWO, "a b\n");
    hone_tensor *plain = hone_tokenizer_encode(t, "ab<|endoftext|>a", 16, NULL);
    cr_assert(hone_numel(plain) == 15 && hone_at(plain, 0) == 256 && hone_at(plain, 1) == '<');
    CHECK_VALUES(hone_tokenizer_encode(t, "ab<|endoftext|>a", 16,
                                       &(hone_tokenizer_options){ .special = true }),
                 HONE_I64, (3), 256, 258, 'a');
    hone_tokenizer_free(t);
}

static void check_decoded(hone_tokenizer *t, const char *bytes, const char *text)
{
    int64_t ids[16], n = 0;
    char to[64];
    for (; bytes[n]; n++)
        ids[n] = (unsigned char)bytes[n];
    cr_assert(hone_tokenizer_decode(t, ids, n, false, to, sizeof to) == (int64_t)strlen(text));
    cr_assert_str_eq(to, text);
}

#define CUT "\xEF\xBF\xBD" /* U+FFFD */

Test(tokenizer, decoding)
{
    hone_tokenizer *t = opened(TWO, "a b\n");
    check_decoded(t, "\xf0\x9f\x98", CUT);
    check_decoded(t, "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80");
    check_decoded(t, "\xed\xa0\x80", CUT CUT CUT);
    check_decoded(t,
                  "a\xc3"
                  "b\x80\xff",
                  "a" CUT "b" CUT CUT);
    check_decoded(t, "\xe0\x80", CUT CUT);
    const int64_t ids[] = { 256, 0xC3 }, none[] = { 300 };
    char to[4];
    cr_assert(hone_tokenizer_decode(t, ids, 2, true, to, sizeof to) == 3 && !strcmp(to, "ab\xc3"));
    cr_assert(hone_tokenizer_decode(t, ids, 2, false, to, 3) == 5 && !strcmp(to, "ab"));
    cr_assert(hone_tokenizer_decode(t, none, 1, false, to, 4) == -1);
    CHECK_ERROR(HONE_E_VALUE, "there is no token 300");
    hone_tokenizer_free(t);
}

Test(tokenizer, lists)
{
    static const char list[] = "a\nab\n \nabc\n\\n\n\\xc3\\xa9\n\\\\\n";
    test_write("list", list, sizeof list - 1);
    hone_tokenizer *t = hone_tokenizer_open(test_path("list"));
    cr_assert(t, "%s", hone_error_message());
    CHECK_VALUES(hone_tokenizer_encode(t, "abcab\xc3\xa9 \n\\", 10, NULL), HONE_I64, (6), 3, 1, 5,
                 2, 4, 6);
    CHECK_FAILS(hone_tokenizer_encode(t, "ab?", 3, NULL), HONE_E_VALUE,
                "no token of the vocabulary begins at byte 2: 0x3f");
    hone_tokenizer_free(t);
    CHECK_FAILS(hone_tokenizer_open(test_write("l", "a\nb\na\n", 6)), HONE_E_FORMAT,
                "l: line 3 is there twice");
    CHECK_FAILS(hone_tokenizer_open(test_write("l", "a\n\nb\n", 5)), HONE_E_FORMAT,
                "line 2 is empty");
    CHECK_FAILS(hone_tokenizer_open(test_write("l", "a\\q\n", 4)), HONE_E_FORMAT,
                "line 1 is none of");
    CHECK_FAILS(hone_tokenizer_open(test_write("l", "", 0)), HONE_E_FORMAT, "l: it is empty");
}

static void check_two(const char *more, int but, const char *merges, const char *message)
{
    char *vocab = vocabulary(more, but);
    CHECK_FAILS(hone_tokenizer_open(folder_with(vocab, merges)), HONE_E_FORMAT, message);
    free(vocab);
}

Test(tokenizer, what_is_refused_of_two_files)
{
    check_two("", 'x', "", "vocab.json: the vocabulary lacks the byte 0x78; all 256 are wanted");
    check_two(TWO, -1, "a b\na c\n",
              "merges.txt: line 2: what comes of it isn't in the vocabulary");
    check_two(TWO, -1, "a b\nxx c\n", "merges.txt: line 2: what is merged isn't in the vocabulary");
    check_two(TWO, -1, "a b\n\n", "line 2: two parts with one blank between them");
    check_two(TWO, -1, "a  b\n", "line 1: two parts with one blank");
    check_two(TWO, -1, "a b c\n", "line 1: two parts with one blank");
    check_two(", \"ab\": 3", -1, "", "two tokens have the number 3");
    check_two(", \"a\": 300", -1, "", "token 'a' is there twice");
    check_two(", \"zz\": 300x", -1, "", "it is no valid JSON: ");
    check_two(", \"\\u4e00\": 300", -1, "", "has a character that stands for no byte");
    check_two(", \"ab\": 99999999", -1, "", "token 'ab' has the number 99999999");
    CHECK_FAILS(hone_tokenizer_open(test_path("none")), HONE_E_IO, "No such file");
    test_write("empty/x", "", 0);
    CHECK_FAILS(hone_tokenizer_open(test_path("empty")), HONE_E_IO, "has no tokenizer.json");
    CHECK_FAILS(hone_tokenizer_open(NULL), HONE_E_NULL, "a path");
}

/* A tokenizer.json is read whole: each part that isn't implemented is named. */
static void check_json(const char *parts, const char *message)
{
    char *vocab = vocabulary(TWO, -1), *text = malloc(20000);
    sprintf(text,
            "{\"version\": \"1.0\", %s \"model\": {\"type\": \"BPE\", \"vocab\": %s, \"merges\": "
            "[[\"a\", \"b\"]]}}",
            parts, vocab);
    test_write("t.json", text, strlen(text));
    hone_tokenizer *t = hone_tokenizer_open(test_path("t.json"));
    if (message)
        CHECK_ERROR(HONE_E_FORMAT, message);
    else
        cr_assert(t, "%s", hone_error_message());
    hone_tokenizer_free(t);
    free(vocab);
    free(text);
}

#define LEVEL                                                                                      \
    "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": "    \
    "true},"

Test(tokenizer, what_is_refused_of_a_tokenizer_json)
{
    check_json(LEVEL "\"normalizer\": null, \"truncation\": null,", NULL);
    check_json(LEVEL "\"normalizer\": {\"type\": \"NFC\"},",
               "t.json: normalizer NFC isn't implemented");
    check_json("\"pre_tokenizer\": {\"type\": \"Whitespace\"},",
               "pre_tokenizer Whitespace isn't implemented");
    check_json("\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"use_regex\": false},",
               "without its pattern (use_regex)");
    check_json("\"pre_tokenizer\": null,", "pre_tokenizer null isn't implemented");
    check_json(LEVEL "\"truncation\": {\"max_length\": 5},", "truncation isn't implemented");
    check_json(LEVEL "\"post_processor\": {\"type\": \"TemplateProcessing\"},",
               "post_processor TemplateProcessing isn't implemented");
    check_json(LEVEL "\"added_tokens\": [{\"id\": 300, \"content\": \"<x>\", \"special\": true, "
                     "\"lstrip\": true}],",
               "added token '<x>' asks for lstrip, which isn't implemented");
    check_json(LEVEL "\"added_tokens\": [{\"id\": 300, \"content\": \"<x>\", \"special\": false}],",
               "added token '<x>' isn't special");
    check_json(LEVEL "\"model\": {\"type\": \"Unigram\"},", "model Unigram isn't implemented");
    check_json(LEVEL "\"model\": {\"dropout\": 0.1},", "dropout isn't implemented");
    check_json(LEVEL "\"model\": {\"unk_token\": \"[UNK]\"},",
               "unk_token = [UNK] isn't implemented");
    check_json(LEVEL "\"model\": {\"byte_fallback\": true},", "byte_fallback isn't implemented");
    check_json(LEVEL "\"something_new\": {},", "something_new isn't implemented");
    check_json("", NULL); /* nothing is said of the pieces: GPT-2's */
    check_json(LEVEL "\"a\" 5,", "it is no valid JSON: ");
}

static bool open_and_encode(void)
{
    HONE_SCOPE();
    hone_tokenizer *t = hone_tokenizer_open(test_path("t"));
    const bool done = t && hone_tokenizer_encode(t, "abab ##", 7, NULL);
    hone_tokenizer_free(t);
    return done;
}

Test(tokenizer, failed_allocations_leave_nothing)
{
    char *vocab = vocabulary(TWO, -1);
    folder_with(vocab, "a b\n");
    free(vocab);
    test_each_allocation_fails(open_and_encode);
}
