/*
 * What a CPU's ring held, as perf wrote it, in a file: until the trace is cut, since a recording
 * must cost little while it is made.
 */
#ifndef CTRACE_SPOOL_SPOOL_H
#define CTRACE_SPOOL_SPOOL_H

#include "decode.h"
#include "spool_format.h"

/* The folder of spool files below a recording's. */
#define CT_SPOOL_FOLDER "spool"

/* Where the spool becomes CTF; then that is moved to where it belongs. */
#define CT_SPOOL_CONVERTED CT_SPOOL_FOLDER "/converted"
#define CT_SPOOL_KERNEL    CT_SPOOL_CONVERTED "/kernel"

/* A file below `folder` for what rings of that kind tell of a CPU, with its head. -1 and errno if
 * there can be none. */
int ct_spool_create(const char *folder, enum ct_rings_kind kind, const struct ct_formats *formats,
                    uint32_t cpu);

/* The same, for what is there already when that part of the recording begins. */
int ct_spool_create_snapshot(const char *folder, enum ct_rings_kind kind,
                             const struct ct_formats *formats, uint32_t part);

/* How large each file of the folder is, which nobody writes to: owned name -> size. */
GHashTable *ct_spool_sizes(const char *folder);

/*
 * What was before those sizes is not wanted any more, nor what was present when parts before `part`
 * began: gives the room back, while others write on. FALSE and errno if that cannot be done.
 */
gboolean ct_spool_drop(const char *folder, GHashTable *sizes, uint32_t part);

/* `to_fd` is a copy, as large or shorter, of `from_fd` that was made a moment ago: what has been
 * dropped of that by now goes from it. What is no spool file stays. FALSE and errno. */
gboolean ct_spool_drop_as(int from_fd, int to_fd);

/* Removes the folder below `path` with all files. */
void ct_spool_remove(const char *path);

/* Reading one file: a record after the other. */
struct ct_spool {
    struct ct_spool_head head;
    const char *data; /* owned mapping */
    size_t size;
    size_t next;               /* offset of the record after the current one */
    gboolean is_cut_off;       /* its end is no whole record */
    gboolean is_later;         /* of what was present: so was an earlier file. It only describes */
    struct ct_raw_record last; /* where one may be told twice */
};

/* NULL if it is no spool file. */
struct ct_spool *ct_spool_open(const char *path);
/* It tells of system calls. */
gboolean ct_spool_has_calls(const struct ct_spool *spool);
/* FALSE at the end, and of a file of kind CT_RINGS_BPF. */
gboolean ct_spool_read(struct ct_spool *spool, struct ct_raw_record *record);
/* The same, without all that a tracepoint gave: forks, names, exits. */
gboolean ct_spool_read_life(struct ct_spool *spool, struct ct_raw_record *record);
void ct_spool_free(struct ct_spool *spool);

#endif
