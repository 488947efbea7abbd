#include "snapshot_run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "ctrace-snapshot"

/* How it begins what it says of its failure. */
#define PREFIX "ctrace snapshot: "

/* More is no error message. */
#define MAX_WORDS 65536

struct ct_snapshot_run {
    int fd;         /* what it says comes from there, until it is over */
    int result_fd;  /* it says there what it has made, if it has */
    GString *words; /* owned */
};

/* Beside this program, in a build tree and when installed. Caller frees. */
static char *find_program(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *place = g_path_get_dirname(self != NULL ? self : "/");

    return g_build_filename(place, PROGRAM, NULL);
}

struct ct_snapshot_run *ct_snapshot_run_new(const char *path, const char *output, GError **error)
{
    g_autofree char *program = find_program();
    char *argv[] = {program, (char *)path, "-o", (char *)output, NULL};
    g_autoptr(GError) cause = NULL;
    int result_fd, words_fd;

    if (!g_path_is_absolute(output)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "\"%.200s\" is no absolute path: give one for the snapshot", output);
        return NULL;
    }
    /* Whoever reaps all of our children reaps it, too. */
    if (!g_spawn_async_with_pipes("/", argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, NULL,
                                  NULL, &result_fd, &words_fd, &cause)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot run %s: %s", program,
                    cause->message);
        return NULL;
    }
    struct ct_snapshot_run *run = g_new0(struct ct_snapshot_run, 1);
    *run = (struct ct_snapshot_run){words_fd, result_fd, g_string_new(NULL)};
    fcntl(words_fd, F_SETFL, O_NONBLOCK);
    fcntl(result_fd, F_SETFL, O_NONBLOCK);
    return run;
}

int ct_snapshot_run_fd(const struct ct_snapshot_run *run)
{
    return run->fd;
}

/* FALSE: more may come. */
static gboolean has_said_all(struct ct_snapshot_run *run)
{
    char bytes[1024];
    ssize_t size;

    while ((size = read(run->fd, bytes, sizeof(bytes))) != 0) {
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return errno != EAGAIN;
        if (run->words->len < MAX_WORDS)
            g_string_append_len(run->words, bytes, size);
    }
    return TRUE;
}

/* The last line. */
static const char *last_words(GString *words)
{
    g_strchomp(words->str);
    const char *line = strrchr(words->str, '\n');

    line = line != NULL ? line + 1 : words->str;
    if (*line == '\0')
        return PROGRAM " was killed";
    return g_str_has_prefix(line, PREFIX) ? line + strlen(PREFIX) : line;
}

gboolean ct_snapshot_run_is_over(struct ct_snapshot_run *run, GError **error)
{
    char byte;

    if (!has_said_all(run))
        return FALSE;
    if (read(run->result_fd, &byte, 1) != 1)
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s", last_words(run->words));
    return TRUE;
}

void ct_snapshot_run_free(struct ct_snapshot_run *run)
{
    close(run->fd);
    close(run->result_fd);
    g_string_free(run->words, TRUE);
    g_free(run);
}
