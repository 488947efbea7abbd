/* Records of a spool file that say what is there already, as the kernel would have told it. */
#ifndef CTRACE_RECORD_LAYERS_PERF_SNAPSHOT_RECORD_H
#define CTRACE_RECORD_LAYERS_PERF_SNAPSHOT_RECORD_H

#include "spool/objects.h"
#include "system/sockets.h"

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

/* What processes share, for as long as one look at them lasts. */
struct ct_look {
    int spool_fd;
    uint64_t time_ns;
    struct ct_objects *objects;       /* borrowed; NULL: nothing is to be kept */
    struct ct_socket_tables *sockets; /* owned */
    GHashTable *build_ids;            /* owned; a file's "major:minor:inode" -> hexadecimal text */
};

struct ct_record_writer {
    struct ct_look *look; /* borrowed */
    GByteArray *bytes;    /* borrowed; whole records */
    guint record;         /* where the one that is written begins */
    pid_t pid;
    pid_t living; /* of its threads: see ct_proc_find_living() */
};

/* A record of that type, with its head; enum perf_event_type or enum ct_spool_type. */
void ct_record_begin(struct ct_record_writer *writer, uint32_t type, uint16_t misc);

/* More of it; a string with its end. */
void ct_record_append(struct ct_record_writer *writer, const void *data, size_t size);
void ct_record_append_string(struct ct_record_writer *writer, const char *text);

/* The end of the record, which thread `tid` told. */
void ct_record_end(struct ct_record_writer *writer, pid_t tid);

#endif
