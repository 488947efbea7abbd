/*
 * What every fuzz target has: the function that libFuzzer and replay.c call, a reader that takes an
 * input apart, and a folder for the files that the code under test reads.
 */
#ifndef CTRACE_FUZZ_H
#define CTRACE_FUZZ_H

#include <glib.h>
#include <stdint.h>
#include <string.h>

/* 0: go on. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Beyond its end an input is zeros. */
struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

static inline void fuzz_take(struct fuzz_input *input, void *bytes, size_t size)
{
    size_t taken = MIN(size, input->left);

    memset(bytes, 0, size);
    if (taken > 0)
        memcpy(bytes, input->at, taken);
    input->at += taken;
    input->left -= taken;
}

static inline uint8_t fuzz_take_u8(struct fuzz_input *input)
{
    uint8_t byte;

    fuzz_take(input, &byte, sizeof(byte));
    return byte;
}

static inline uint16_t fuzz_take_u16(struct fuzz_input *input)
{
    uint16_t number;

    fuzz_take(input, &number, sizeof(number));
    return number;
}

static inline uint64_t fuzz_take_u64(struct fuzz_input *input)
{
    uint64_t number;

    fuzz_take(input, &number, sizeof(number));
    return number;
}

/* A part of the input: so many of the bytes that are left, or all. */
static inline struct fuzz_input fuzz_take_part(struct fuzz_input *input, size_t size)
{
    struct fuzz_input part = {input->at, MIN(size, input->left)};

    input->at += part.left;
    input->left -= part.left;
    return part;
}

/* What is left, or up to a line's end, as a string. Free with g_free(). */
char *fuzz_take_line(struct fuzz_input *input);

/* An empty folder of this process's, on a file system in memory where there is one. It is the
 * folder for temporary files, too. Removed when the process ends by itself. */
const char *fuzz_folder(void);

/* Ends the program if that cannot be written. */
void fuzz_write_file(const char *path, const void *bytes, size_t size);

/* Ends the program, as a fault found. */
#define FUZZ_REQUIRE(condition)                                      \
    do {                                                             \
        if (!(condition))                                            \
            fuzz_fail(__FILE__, __LINE__, G_STRINGIFY((condition))); \
    } while (0)
G_NORETURN void fuzz_fail(const char *file, int line, const char *condition);

#endif
