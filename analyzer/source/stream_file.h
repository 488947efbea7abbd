/*
 * A stream file of a trace whose layout is known. Its packets are checked when it is opened, and
 * read into memory of our own: a mapped file can become shorter, or its disk go away,
 * and then takes the program with it.
 */
#ifndef CTRACE_SOURCE_STREAM_FILE_H
#define CTRACE_SOURCE_STREAM_FILE_H

#include "source/trace_layout.h"

struct ct_packet {
    guint64 stream_id;
    guint64 instance;
    guint64 begin_ns;
    guint64 end_ns;
    guint64 content_size; /* in bytes, with what the packet says of itself */
    guint64 size;
    guint64 sequence;
    guint64 discarded; /* events, up to its end, of the stream */
    guint32 cpu;
};

struct ct_stream_file {
    char *path;                           /* owned */
    const struct ct_trace_layout *layout; /* borrowed */
    const struct ct_stream_layout *stream;
    int file;     /* owned; -1: closed */
    guint64 size; /* as far as it was checked */
    guint64 packet_count;
    guint64 instance;
    guint64 capacity;    /* the largest packet's size */
    const guint8 *bytes; /* the packet that was read last; borrowed from what follows */
    guint64 offset;      /* of that packet */
    guint8 *window;      /* owned; what was read of the file at once */
    guint64 window_offset;
    guint64 window_size;
    guint64 next_offset;
};

/* FALSE if it cannot be read as the layout has it, all of it. An empty one has no packets. */
gboolean ct_stream_file_open(struct ct_stream_file *stream_file, const char *path,
                             const struct ct_trace_layout *layout);
/* Reads the next packet; there is one if next_offset < size. FALSE: it is not as it was. */
gboolean ct_stream_file_read(struct ct_stream_file *stream_file, struct ct_packet *packet);
/* May be closed already. */
void ct_stream_file_close(struct ct_stream_file *stream_file);

#endif
