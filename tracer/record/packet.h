/* A packet of a CTF stream, as LTTng-UST 2.13 writes them. */
#ifndef CTRACE_RECORD_PACKET_H
#define CTRACE_RECORD_PACKET_H

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

#define CT_PACKET_MAGIC 0xc1fc1fc1u

/* Its header and its context; sizes are in bits. */
struct ct_packet_head {
    uint32_t magic;
    uint8_t uuid[16];
    uint32_t stream_id;
    uint64_t stream_instance_id;
    uint64_t timestamp_begin;
    uint64_t timestamp_end;
    uint64_t content_size;
    uint64_t packet_size;
    uint64_t sequence_number;
    uint64_t events_discarded;
    uint32_t cpu_id;
} __attribute__((packed));

/* FALSE: there is no whole packet at that place of the file, which has `file_size` bytes. */
gboolean ct_packet_read(int fd, off_t at, off_t file_size, struct ct_packet_head *head);

/* Where the first packet of a file may be that has that size: behind what was given back of it. */
off_t ct_packet_find_first(int fd, off_t file_size);

/* Is the file, of that name in a trace's folder, one of its streams? */
gboolean ct_packet_file_is_stream(const char *name, mode_t mode);

/* Readers trust a stream's index more than the stream; without one they make their own. */
void ct_packet_remove_index(int folder_fd, const char *stream);

#endif
