/*
 * time_reader READER DIRECTORY: reads a recording with "direct" or "babeltrace2", and prints how
 * many records there were and how many nanoseconds it took: opening, decoding and merging.
 */
#include "source/source.h"
#include "source/traces.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static gboolean on_record(void *user, const struct ct_record *record)
{
    (void)record;
    ++*(guint64 *)user;
    return TRUE;
}

static void on_loss(void *user, const struct ct_kernel_loss *loss)
{
    (void)user;
    (void)loss;
}

static void on_packet(void *user, uint64_t packets_read)
{
    (void)user;
    (void)packets_read;
}

static void on_trace(void *user, const char *path)
{
    (void)user;
    (void)path;
}

static gint64 now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * G_GINT64_CONSTANT(1000000000) + now.tv_nsec;
}

int main(int argc, char **argv)
{
    static const struct ct_source_reader *const readers[] = {&ct_source_direct,
                                                             &ct_source_babeltrace};
    guint64 count = 0;
    const struct ct_source_events events = {.user = &count,
                                            .on_record = on_record,
                                            .on_loss = on_loss,
                                            .on_packet = on_packet,
                                            .on_trace = on_trace};
    const struct ct_source_reader *reader = NULL;
    struct ct_source *source = NULL;
    struct ct_traces traces;
    gint64 begin_ns = now_ns();

    for (size_t i = 0; argc == 3 && i < G_N_ELEMENTS(readers); i++) {
        if (strcmp(readers[i]->name, argv[1]) == 0)
            reader = readers[i];
    }
    if (!reader) {
        fprintf(stderr, "usage: time_reader direct|babeltrace2 DIRECTORY\n");
        return 2;
    }
    if (ct_traces_find(argv[2], &traces, NULL))
        source = ct_source_open(reader, traces.paths, &events, NULL);
    if (!source || !ct_source_read(source, NULL)) {
        fprintf(stderr, "time_reader: this reader does not take %s\n", argv[2]);
        return 1;
    }
    printf("%" G_GUINT64_FORMAT " %" G_GINT64_FORMAT "\n", count, now_ns() - begin_ns);
    ct_source_free(source);
    ct_traces_clear(&traces);
    return 0;
}
