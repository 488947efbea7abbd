/* The limits of this process (setrlimit(2), ulimit) that a recording may meet. */
#ifndef CTRACE_RECORD_RLIMITS_H
#define CTRACE_RECORD_RLIMITS_H

#include <glib.h>
#include <stdint.h>
#include <sys/resource.h>

/* FALSE and an error if too few files may be open for LTTng and the recorder. Opens none. */
gboolean ct_rlimits_suffice(GError **error);

/* Those that are raised while we record, as they were. */
struct ct_rlimits {
    struct rlimit open_files;
    struct rlimit file_size;
};

/* From now on: as many open files as are needed, and files as large, as we may have. */
void ct_rlimits_raise(struct ct_rlimits *before);

void ct_rlimits_restore(const struct ct_rlimits *before);

/* How large a file of ours may become; UINT64_MAX: as large as there is room for. */
uint64_t ct_rlimits_file_size(void);

#endif
