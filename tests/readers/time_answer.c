/*
 * time_answer STAGE DIRECTORY: what the first answer takes up to a stage, which is "assemble",
 * "store" or "report": of all waits, in this process alone. Prints how many there were and how many
 * nanoseconds it took; valgrind --tool=callgrind counts the instructions.
 */
#include "ingest/ingest.h"
#include "store/builder.h"
#include "summary/report.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static void count(void *user, const struct ct_interval *interval)
{
    (void)interval;
    ++*(guint64 *)user;
}

static gint64 now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * G_GINT64_CONSTANT(1000000000) + now.tv_nsec;
}

int main(int argc, char **argv)
{
    static const char *const stages[] = {"assemble", "store", "report"};
    const struct ct_report_scope scope = {.is_whole_time = TRUE};
    const uint8_t key[CT_STORE_KEY_SIZE] = {0};
    gint64 begin_ns = now_ns();
    guint64 wait_count = 0;
    size_t stage = 0;

    while (argc == 3 && stage < G_N_ELEMENTS(stages) && strcmp(stages[stage], argv[1]) != 0)
        stage++;
    if (argc != 3 || stage == G_N_ELEMENTS(stages)) {
        fprintf(stderr, "usage: time_answer assemble|store|report DIRECTORY\n");
        return 2;
    }
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(ct_report) report = ct_report_new(model, &scope, 10);
    g_autoptr(ct_store_builder) builder = ct_store_builder_new(memfd_create("index", MFD_CLOEXEC),
                                                               memfd_create("aside", MFD_CLOEXEC));
    g_autoptr(GError) error = NULL;
    const struct ct_sink sinks[] = {{.user = &wait_count, .on_interval = count},
                                    ct_store_builder_sink(builder),
                                    ct_report_sink(report)};

    if (!ct_ingest(argv[2], model, sinks, stage + 1, &error) ||
        (stage > 0 && !ct_store_builder_finish(builder, model, key, &error))) {
        fprintf(stderr, "time_answer: %s\n", error->message);
        return 1;
    }
    if (stage > 1)
        ct_report_finish(report);
    printf("%" G_GUINT64_FORMAT " %" G_GINT64_FORMAT "\n", wait_count, now_ns() - begin_ns);
    return 0;
}
