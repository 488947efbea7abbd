/*
 * What a process that parses files of strangers gives up before it opens the first of them. For
 * programs without threads, once: there is no way back.
 */
#ifndef CTRACE_SANDBOX_H
#define CTRACE_SANDBOX_H

#include <glib.h>
#include <stdint.h>

/* Memory that a sanitizer needs is beyond every limit, and to look for leaks it traces the process.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CT_HAS_SANITIZER 1
#else
#define CT_HAS_SANITIZER 0
#endif

struct ct_sandbox {
    /* Below it files may be made and changed, and nowhere else; NULL: nowhere at all. Root's is
     * given to the user that the process becomes: take it back with ct_sandbox_take_back(). */
    const char *writable;
    /* Also where nothing keeps it to that folder, without Landlock and without another user to
     * become: else it then may write nowhere at all. */
    gboolean must_write;
    uint64_t memory_bytes; /* of what it allocates, not of what it maps; 0: as much as there is */
    gboolean has_threads;  /* it may start threads */
};

/*
 * No new privileges; no capability but, where it was there, to read what only root may read; root
 * becomes a user that owns nothing; only the system calls that reading takes; no core dump. A
 * signal that is due when the parent dies stays due.
 *
 * FALSE if privilege cannot be dropped. What the kernel does not have (seccomp, Landlock) is left
 * out: capabilities and the user are given up in any case.
 */
gboolean ct_sandbox_enter(const struct ct_sandbox *sandbox, GError **error);

/* Makes what was written in a sandbox belong to the caller. */
void ct_sandbox_take_back(const char *writable);

/* From now on the process dies by SIGPROF once it has run this long: to be called again whenever it
 * got on. 0: no longer. Time for which it did not run does not count. */
void ct_sandbox_allow_cpu(unsigned seconds);

#endif
