#include "rlimits.h"

#include <unistd.h>

/* With fewer, LTTng's daemons end or hang as they start; each CPU has buffers and events. */
#define FILES_MIN         128
#define FILES_MIN_PER_CPU 16

static rlim_t needed(void)
{
    return FILES_MIN + FILES_MIN_PER_CPU * (rlim_t)MAX(sysconf(_SC_NPROCESSORS_CONF), 1);
}

gboolean ct_rlimits_suffice(GError **error)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_max >= needed())
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_MFILE,
                "only %lu files may be open at once, and LTTng needs %lu: raise the limit "
                "(ulimit -Hn)",
                (unsigned long)files.rlim_max, (unsigned long)needed());
    return FALSE;
}

void ct_rlimits_raise(struct ct_rlimits *before)
{
    getrlimit(RLIMIT_NOFILE, &before->open_files);
    getrlimit(RLIMIT_FSIZE, &before->file_size);
    struct rlimit raised = before->open_files;
    raised.rlim_cur = MAX(raised.rlim_cur, MIN(raised.rlim_max, needed()));
    setrlimit(RLIMIT_NOFILE, &raised);
    raised = before->file_size;
    raised.rlim_cur = raised.rlim_max;
    setrlimit(RLIMIT_FSIZE, &raised);
}

void ct_rlimits_restore(const struct ct_rlimits *before)
{
    setrlimit(RLIMIT_NOFILE, &before->open_files);
    setrlimit(RLIMIT_FSIZE, &before->file_size);
}

uint64_t ct_rlimits_file_size(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur
                                                                                   : UINT64_MAX;
}
