#include "rlimits.h"

#include <signal.h>

/* Beside those of a recording: its own, and the libraries' for a moment. */
#define FILES_BESIDE 32

/* A report, a profile or a picture may have. */
#define RESULT_SIZE (UINT64_C(16) << 20)

/* What is parsed by recursion takes far less. */
#define STACK_ENOUGH (UINT64_C(1) << 20)

void ct_rlimits_prepare(void)
{
    struct rlimit files;

    signal(SIGXFSZ, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

/* RLIM_INFINITY where there is none. */
static rlim_t limit_of(__rlimit_resource_t resource)
{
    struct rlimit limit;

    return getrlimit(resource, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

/* "file size is limited to 100.0 KiB (ulimit -f)", if it is limited to less than `enough`. */
static char *describe(__rlimit_resource_t resource, const char *what, const char *option,
                      uint64_t enough)
{
    rlim_t limit = limit_of(resource);

    if (limit == RLIM_INFINITY || limit >= enough)
        return NULL;
    g_autofree char *size = g_format_size_full(limit, G_FORMAT_SIZE_IEC_UNITS);

    return g_strdup_printf("%s is limited to %s (ulimit %s)", what, size, option);
}

static char *describe_cpu(void)
{
    return g_strdup_printf("CPU time is limited to %lu s (ulimit -t)",
                           (unsigned long)limit_of(RLIMIT_CPU));
}

static rlim_t cpu_seconds(const struct rusage *usage)
{
    return (rlim_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec +
                    (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / G_USEC_PER_SEC);
}

/* Whoever gets no memory aborts, or does without until it fails. */
static char *describe_memory(int signal_number, uint64_t memory_bytes)
{
    char *why = describe(RLIMIT_AS, "address space", "-v", memory_bytes);

    if (why == NULL)
        why = describe(RLIMIT_DATA, "memory", "-d", memory_bytes);
    if (why == NULL && (signal_number == SIGSEGV || signal_number == SIGBUS))
        why = describe(RLIMIT_STACK, "the stack", "-s", STACK_ENOUGH);
    return why;
}

char *ct_rlimits_explain_death(int signal_number, const struct rusage *usage, uint64_t memory_bytes)
{
    switch (signal_number) {
    case SIGXCPU:
        return describe_cpu();
    case SIGKILL: /* where the limit cannot be raised, there is no warning */
        return cpu_seconds(usage) >= limit_of(RLIMIT_CPU) ? describe_cpu() : NULL;
    case SIGABRT:
    case SIGTRAP: /* GLib's way to abort */
    case SIGSEGV:
    case SIGBUS:
        return describe_memory(signal_number, memory_bytes);
    default:
        return NULL;
    }
}

char *ct_rlimits_explain_failure(guint files, uint64_t bytes)
{
    rlim_t open_files = limit_of(RLIMIT_NOFILE);

    if (open_files < (rlim_t)files + FILES_BESIDE)
        return g_strdup_printf("only %lu files may be open at once (ulimit -n)",
                               (unsigned long)open_files);
    return describe(RLIMIT_FSIZE, "the size of a file", "-f", bytes + RESULT_SIZE);
}
