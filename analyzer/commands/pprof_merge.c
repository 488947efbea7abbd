#include "commands/pprof_merge.h"

#include "cli/output.h"
#include "cli/say.h"
#include "cli/worker.h"
#include "export/gzip.h"
#include "export/pprof_merge.h"
#include "text/shell_word.h"

#include <stdlib.h>
#include <unistd.h>

struct job {
    char *const *files;
    const char *base; /* or NULL, as is the next */
    const char *path;
};

static gboolean read_files(char *const *names, GPtrArray *files, GError **error)
{
    for (; *names; names++) {
        struct ct_pprof_file *file = ct_pprof_file_read(*names, error);

        if (!file)
            return FALSE;
        g_ptr_array_add(files, file);
    }
    return TRUE;
}

static gboolean write_merged(const GPtrArray *files, const char *base, GError **error)
{
    g_autoptr(ct_pprof_file) before = base ? ct_pprof_file_read(base, error) : NULL;
    g_autoptr(GBytes) merged = before || !base ? ct_pprof_merge(files, before, error) : NULL;

    if (!merged)
        return FALSE;
    g_autoptr(GBytes) compressed = ct_gzip(merged, error);

    return compressed && ct_output_write_fd(STDOUT_FILENO, "the profile", compressed, error);
}

static gboolean merge(const struct job *job, struct ct_activity *activity, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)ct_pprof_file_free);

    if (!read_files(job->files, files, error) || !write_merged(files, job->base, error))
        return FALSE;
    ct_worker_begin_remarks(activity);
    if (job->path) {
        g_autofree char *word = ct_shell_path(job->path);

        ct_say("wrote %s: %u profile%s as one%s%s; next: go tool pprof -top %s", job->path,
               files->len, files->len == 1 ? "" : "s", job->base ? ", without " : "",
               job->base ? job->base : "", word);
    }
    return TRUE;
}

static int work(void *user, struct ct_activity *activity)
{
    g_autoptr(GError) error = NULL;

    if (merge(user, activity, &error))
        return EXIT_SUCCESS;
    ct_say("%s", error->message);
    return EXIT_FAILURE;
}

int ct_pprof_merge_files(char *const *files, const char *base, const char *path)
{
    struct job job = {files, base, path};

    return ct_worker_save(files[0], path, work, &job);
}
