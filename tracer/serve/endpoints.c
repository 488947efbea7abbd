#include "serve/endpoints.h"

#include "text/names.h"

#include <string.h>

/* As long as Go's takes where nobody says how long. */
enum { CPU_MS = 30000, TRACE_MS = 1000 };

/* Go's other profiles are of all the time since its program began; nothing is recorded here before
 * somebody asks. */
enum { WAITS_MS = 5000 };

/* Enough for each thread to be found where it waits, or to be sampled where it runs. */
enum { THREADS_MS = 100 };

static const struct ct_endpoint endpoints[] = {
    {"allocs", CT_ENDPOINT_HEAP, "allocs", 0, FALSE, FALSE,
     "Memory that was allocated, live or not, by a program started with --heap; with seconds= in "
     "that time."},
    {"block", CT_ENDPOINT_PROFILE, "block", WAITS_MS, FALSE, TRUE,
     "All waits: for the network, other threads, files and children, and sleeps."},
    {"cmdline", CT_ENDPOINT_CMDLINE, NULL, 0, FALSE, FALSE,
     "The command line, with NUL bytes between its words."},
    {"goroutine", CT_ENDPOINT_THREADS, "threads", THREADS_MS, TRUE, FALSE,
     "The same as threads, under the name that Go has for its own."},
    {"heap", CT_ENDPOINT_HEAP, "heap", 0, FALSE, FALSE,
     "Memory that is live, of a program started with --heap; with seconds= how it changed."},
    {"mutex", CT_ENDPOINT_PROFILE, "mutex", WAITS_MS, FALSE, TRUE,
     "Waits for locks, by the stack that held the lock and unlocked it."},
    {"net", CT_ENDPOINT_PROFILE, "net", WAITS_MS, FALSE, TRUE, "Waits for the network."},
    {"profile", CT_ENDPOINT_PROFILE, "cpu", CPU_MS, TRUE, FALSE,
     "CPU time, by samples: hz= of them in each second of it."},
    {"sched", CT_ENDPOINT_PROFILE, "sched", WAITS_MS, FALSE, FALSE,
     "Time in line for a CPU, by the stack of the waker."},
    {"sleep", CT_ENDPOINT_PROFILE, "sleep", WAITS_MS, FALSE, TRUE, "Sleeps and timers."},
    {"symbol", CT_ENDPOINT_SYMBOL, NULL, 0, FALSE, FALSE,
     "Names of addresses: there are none to ask for, since every profile has its own."},
    {"sync", CT_ENDPOINT_PROFILE, "sync", WAITS_MS, FALSE, TRUE,
     "Waits for other threads: locks, conditions, semaphores, joins."},
    {"syscall", CT_ENDPOINT_PROFILE, "syscall", WAITS_MS, FALSE, TRUE,
     "Waits in other system calls: files, pipes, child processes."},
    {"threadcreate", CT_ENDPOINT_THREAD_COUNT, NULL, 0, FALSE, FALSE,
     "How many threads there are; who made them is not known."},
    {"threads", CT_ENDPOINT_THREADS, "threads", THREADS_MS, TRUE, FALSE,
     "The stack of every thread, what it waits for, and since when: debug=1 and debug=2 as text."},
    {"trace", CT_ENDPOINT_TRACE, NULL, TRACE_MS, TRUE, TRUE,
     "A recording, as a tar archive for the other commands of ctrace, or format=perfetto."},
    {"wall", CT_ENDPOINT_PROFILE, "wall", WAITS_MS, TRUE, FALSE,
     "All of the threads' time, running and waiting, by state."},
};

const struct ct_endpoint *ct_endpoint_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(endpoints); i++)
        if (strcmp(endpoints[i].name, name) == 0)
            return &endpoints[i];
    return NULL;
}

const struct ct_endpoint *ct_endpoint_at(guint index)
{
    return index < G_N_ELEMENTS(endpoints) ? &endpoints[index] : NULL;
}

char *ct_endpoint_list(void)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

    for (size_t i = 0; i < G_N_ELEMENTS(endpoints); i++)
        g_strv_builder_add(builder, endpoints[i].name);
    g_auto(GStrv) names = g_strv_builder_end(builder);

    return ct_names_list(names, " and ");
}
