/* What the targets share: their folder, and how they end. */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    g_free(folder);
}

const char *fuzz_folder(void)
{
    if (folder)
        return folder;
    const char *base = g_getenv("TMPDIR");

    if (!base)
        base = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
    folder = g_build_filename(base, "ctrace-fuzz-XXXXXX", NULL);
    if (!mkdtemp(folder)) {
        perror(folder);
        exit(EXIT_FAILURE);
    }
    g_setenv("TMPDIR", folder, TRUE); /* before GLib looks for it */
    atexit(remove_folder);
    return folder;
}

void fuzz_write_file(const char *path, const void *bytes, size_t size)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (file < 0 || write(file, bytes, size) != (ssize_t)size) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    close(file);
}

char *fuzz_take_line(struct fuzz_input *input)
{
    const uint8_t *end = input->left > 0 ? memchr(input->at, '\n', input->left) : NULL;
    struct fuzz_input line = fuzz_take_part(input, end ? (size_t)(end - input->at) : input->left);

    fuzz_take_u8(input);
    return g_strndup((const char *)line.at, line.left);
}

void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, condition);
    abort();
}
