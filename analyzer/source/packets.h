/*
 * The headers of the packets in a stream file, checked before babeltrace2 sees them: it takes
 * what they say on trust, and aborts the program where that leads out of the file.
 */
#ifndef CTRACE_SOURCE_PACKETS_H
#define CTRACE_SOURCE_PACKETS_H

#include <glib.h>

struct ct_packets {
    gint64 readable_bytes; /* whole packets from the beginning of the file on */
    guint64 count;         /* of these */
    gboolean is_damaged;   /* what follows makes no sense; FALSE: it is cut off, or nothing */
};

#define CT_UUID_SIZE 16

struct ct_metadata {
    char *text;                /* owned; what there is of it, at least "" */
    gboolean is_packets;       /* it came in packets, with: */
    guint8 uuid[CT_UUID_SIZE]; /* of the trace that it is of */
};

/* FALSE if the metadata is not all there, or not as LTTng and babeltrace2 write it. */
gboolean ct_packets_read_metadata(const char *trace, struct ct_metadata *metadata);

/* NULL if babeltrace2 can be given the trace's metadata; else why not, for people: its parser takes
 * time and memory by how deep they are nested, and by their size. */
const char *ct_packets_metadata_obstacle(const char *trace);

/* TRUE if the trace in this folder is of LTTng, whose packets can be checked: then also the ids
 * that its streams may have, a bit for each. */
gboolean ct_packets_find_streams(const char *trace, guint64 *stream_ids);

/* `size` is the whole file's. */
void ct_packets_check(int file, gint64 size, guint64 stream_ids, struct ct_packets *packets);

/* FALSE if there is an index of the file and it does not say the same as its packets, which were
 * checked: babeltrace2 would believe it. */
gboolean ct_packets_match_index(int file, const struct ct_packets *packets, const char *index_path);

#endif
