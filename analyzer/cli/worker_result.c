/* What a worker made reaches whoever asked for it: printed, or in a file; and what it said. */
#include "cli/output.h"
#include "cli/say.h"
#include "cli/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void ct_worker_result_clear(struct ct_worker_result *result)
{
    g_clear_pointer(&result->output, g_bytes_unref);
    g_clear_pointer(&result->notes, g_bytes_unref);
    g_clear_pointer(&result->remarks, g_bytes_unref);
    g_clear_pointer(&result->limit, g_free);
}

/* A full disk is an error, and says so; a reader that has seen enough ends us by its signal. */
static gboolean print_output(GBytes *output, const char *what)
{
    gsize size;
    const void *data = g_bytes_get_data(output, &size);

    if (size > 0)
        fwrite(data, 1, size, stdout);
    if (!ferror(stdout) && fflush(stdout) == 0 && fclose(stdout) == 0)
        return TRUE;
    ct_say("cannot write the %s: %s", what, g_strerror(errno));
    return FALSE;
}

static void say_limit(const char *directory, const struct ct_worker_result *result)
{
    if (result->limit != NULL)
        ct_say("maybe '%s' could not be read for this: %s", directory, result->limit);
}

int ct_worker_print_result(const char *directory, const struct ct_worker_result *result,
                           const char *what)
{
    int status = result->status;

    ct_say_bytes(result->notes);
    if (!print_output(result->output, what))
        status = EXIT_FAILURE;
    ct_say_bytes(result->remarks);
    say_limit(directory, result);
    return status;
}

int ct_worker_print(const char *directory, const char *what, ct_work *work, void *user)
{
    struct ct_worker_result result;
    g_autoptr(GError) error = NULL;

    if (!ct_worker_run(directory, work, user, &result, &error)) {
        ct_say("%s", error->message);
        return EXIT_FAILURE;
    }
    int status = ct_worker_print_result(directory, &result, what);

    ct_worker_result_clear(&result);
    return status;
}

static gboolean save_output(const char *path, const struct ct_worker_result *result, GError **error)
{
    if (!path)
        return ct_output_write_fd(STDOUT_FILENO, "standard output", result->output, error);
    if (!ct_output_write_file(path, result->output, error))
        return FALSE;
    /* A pipe is read by somebody already. */
    if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
        ct_say_bytes(result->remarks);
    return TRUE;
}

int ct_worker_save(const char *directory, const char *path, ct_work *work, void *user)
{
    struct ct_worker_result result;
    g_autoptr(GError) error = NULL;
    int status = EXIT_FAILURE;

    if (ct_worker_run(directory, work, user, &result, &error)) {
        status = result.status;
        ct_say_bytes(result.notes);
    }
    say_limit(directory, &result);
    if (status == EXIT_SUCCESS && !save_output(path, &result, &error))
        status = EXIT_FAILURE;
    if (error)
        ct_say("%s", error->message);
    ct_worker_result_clear(&result);
    return status;
}
