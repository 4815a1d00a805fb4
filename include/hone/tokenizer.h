/** @file tokenizer.h
 * Text to tokens and back: byte-pair encodings as GPT-2's, or lists of tokens.
 *
 *      hone_tokenizer *t = hone_tokenizer_open("gpt2");         // vocab.json and merges.txt lie there
 *      hone_tensor *ids = hone_tokenizer_encode(t, text, strlen(text), NULL);
 *      hone_tokenizer_free(t);
 *
 * A tokenizer doesn't change: several threads may use one.
 */
#ifndef HONE_TOKENIZER_H
#define HONE_TOKENIZER_H

#include <hone/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hone_tokenizer hone_tokenizer;

/** Opens
 *  - a directory with tokenizer.json, or with vocab.json and merges.txt, or such a tokenizer.json itself:
 *    a byte-level byte-pair encoding. Text is cut by GPT-2's pattern ('s 't 're 've 'm 'll 'd, letters,
 *    numbers and others each with a blank before them, blanks), where letters and numbers are those of
 *    Unicode 16 and blanks its White_Space; in each piece the adjacent pair of the lowest rank, the leftmost
 *    of equal ones, becomes one token, one pair at a time. A tokenizer.json must not ask for anything else:
 *    what hone doesn't do is refused by name;
 *  - a file of tokens, one a line (\n, \t, \r, \\ and \xHH stand for what they do in C): text is cut into
 *    the longest token that fits, from its beginning on.
 *  @return  owned by the caller; NULL on error.
 *  Errors:  HONE_E_IO, HONE_E_FORMAT (damaged; a vocabulary without all 256 bytes; a merge whose result
 *           isn't in it; the message names the file and line), HONE_E_VALUE, HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_tokenizer *hone_tokenizer_open(const char *path);
/** NULL is ignored. */
HONE_API void hone_tokenizer_free(hone_tokenizer *tokenizer);

/** One more than the highest token; -1 on error. */
HONE_API int64_t hone_tokenizer_size(const hone_tokenizer *tokenizer);
/** The bytes of a token, and their number; they live as long as the tokenizer, and no 0 ends them. NULL: there
 * is no such token (HONE_E_VALUE). */
HONE_API const char *hone_tokenizer_token(const hone_tokenizer *tokenizer, int64_t token,
                                          int64_t *bytes);
/** The token of exactly these bytes; -1 without an error: there is none. */
HONE_API int64_t hone_tokenizer_find(const hone_tokenizer *tokenizer, const char *text,
                                     int64_t bytes);

typedef struct {
    bool
        special; /**< special tokens (<|endoftext|>) in the text become these; else they are plain text */
    HONE_RESERVE(31);
} hone_tokenizer_options;

/** The tokens of a text, which need not be UTF-8.
 *  @param options  may be NULL.
 *  @return         i64 [n], owned by the current scope; NULL on error.
 *  Errors:  HONE_E_VALUE (negative length; a byte that no token of a list begins with, with its place),
 *           HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_tensor *hone_tokenizer_encode(const hone_tokenizer *tokenizer, const void *text,
                                            int64_t bytes, const hone_tokenizer_options *options);

/** The text of n tokens, as snprintf gives it: at most size - 1 bytes and a 0, and as the result the bytes that
 * the whole text has; -1 on error. What is no UTF-8 (characters cut in two) becomes U+FFFD, one for each
 * longest beginning of a character; raw: stays.
 *  Errors:  HONE_E_VALUE (no such token), HONE_E_NULL. */
HONE_API int64_t hone_tokenizer_decode(const hone_tokenizer *tokenizer, const int64_t *tokens,
                                       int64_t n, bool raw, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
