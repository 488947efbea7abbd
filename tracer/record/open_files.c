#include "open_files.h"

#include <sys/resource.h>
#include <unistd.h>

/* With fewer, LTTng's daemons end or hang as they start; each CPU has buffers and events. */
#define FILES_MIN         128
#define FILES_MIN_PER_CPU 16

static rlim_t needed(void)
{
    return FILES_MIN + FILES_MIN_PER_CPU * (rlim_t)MAX(sysconf(_SC_NPROCESSORS_CONF), 1);
}

gboolean ct_open_files_suffice(GError **error)
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

void ct_open_files_raise(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= needed())
        return;
    files.rlim_cur = MIN(files.rlim_max, needed());
    setrlimit(RLIMIT_NOFILE, &files);
}
