#include "commands/bench_facts.h"

#include "cli/recording.h"
#include "cli/worker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void count_wait(void *user, const struct ct_interval *interval)
{
    uint64_t *count = user;

    *count += !interval->is_outside && interval->class != CT_CLASS_RUNNABLE;
}

static uint64_t duration_of(const struct ct_model *model)
{
    uint64_t begin_ns = model->end_ns, end_ns = model->begin_ns;

    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = model->processes->pdata[i];

        begin_ns = MIN(begin_ns, process->start_ns);
        end_ns = MAX(end_ns, process->end_ns);
    }
    return end_ns > begin_ns ? end_ns - begin_ns : 0;
}

static int print_facts(void *user, struct ct_activity *activity)
{
    const char *directory = user;
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(GError) error = NULL;
    uint64_t waits = 0;
    const struct ct_sink sink = {.user = &waits, .on_interval = count_wait};

    if (!ct_recording_read(directory, activity, model, NULL, &sink, &error)) {
        printf("%s", error->message);
        return EXIT_FAILURE;
    }
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64, duration_of(model), waits, model->capture.samples);
    return EXIT_SUCCESS;
}

gboolean ct_bench_facts_read(const char *directory, struct ct_bench_facts *facts, GError **error)
{
    struct ct_worker_result result;
    gboolean is_read = FALSE;

    if (ct_worker_run(directory, print_facts, (void *)directory, &result, error)) {
        gsize size;
        const char *bytes = g_bytes_get_data(result.output, &size);
        g_autofree char *text = g_strndup(size > 0 ? bytes : "", size);

        *facts = (struct ct_bench_facts){0};
        is_read = result.status == EXIT_SUCCESS &&
                  sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &facts->duration_ns,
                         &facts->waits, &facts->samples) == 3;
        if (!is_read)
            g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s", text);
    }
    ct_worker_result_clear(&result);
    return is_read;
}
