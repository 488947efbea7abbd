#include "store/block_run.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A piece has about so many bytes: some ten blocks. Each lane holds as much. */
#define PIECE_SIZE 512

struct piece {
    uint64_t next; /* of the same run; 0: none */
    uint64_t size; /* of what follows */
};

static void link_piece(struct ct_store_out *aside, uint64_t from, uint64_t to)
{
    uint64_t held_from = aside->offset - aside->held.size;

    if (from >= held_from) {
        memcpy(aside->held.bytes + (from - held_from) + offsetof(struct piece, next), &to,
               sizeof(to));
        return;
    }
    off_t place = (off_t)(from + offsetof(struct piece, next));
    ssize_t written = pwrite(aside->fd, &to, sizeof(to), place);

    if (written != sizeof(to) && aside->error == 0)
        aside->error = written < 0 ? errno : ENOSPC;
}

void ct_block_run_flush(struct ct_block_run *run, struct ct_store_out *aside)
{
    const struct piece piece = {.size = run->held.size};

    if (piece.size > 0) {
        /* 0 is no place. */
        if (aside->offset == 0)
            ct_store_out_put(aside, "", 1);
        uint64_t place = aside->offset;

        ct_store_out_put(aside, &piece, sizeof(piece));
        ct_store_out_put(aside, run->held.bytes, run->held.size);
        if (run->first == 0)
            run->first = place;
        else
            link_piece(aside, run->last, place);
        run->last = place;
    }
    ct_bytes_clear(&run->held);
}

void ct_block_run_add(struct ct_block_run *run, struct ct_store_out *aside,
                      const struct ct_entry *block)
{
    ct_entry_write(block, &run->held);
    run->last_begin_ns = block->summary.last_begin_ns;
    if (run->held.size >= PIECE_SIZE)
        ct_block_run_flush(run, aside);
}

void ct_block_run_clear(struct ct_block_run *run)
{
    ct_bytes_clear(&run->held);
}

/* ---- Reading ---- */

void ct_block_run_reader_init(struct ct_block_run_reader *reader, const struct ct_block_run *run)
{
    *reader = (struct ct_block_run_reader){.next = run->first};
}

void ct_block_run_reader_clear(struct ct_block_run_reader *reader)
{
    g_clear_pointer(&reader->piece, g_free);
}

static gboolean read_piece(struct ct_block_run_reader *reader, int fd)
{
    struct piece piece;

    g_clear_pointer(&reader->piece, g_free);
    if (!ct_store_read_at(fd, &piece, sizeof(piece), reader->next) || piece.size == 0 ||
        piece.size > CT_NODE_SIZE_MAX)
        return FALSE;
    reader->piece = g_malloc(piece.size);
    if (!ct_store_read_at(fd, reader->piece, piece.size, reader->next + sizeof(piece)))
        return FALSE;
    reader->next = piece.next;
    reader->input = (struct ct_bytes_input){reader->piece, reader->piece + piece.size, FALSE};
    return TRUE;
}

gboolean ct_block_run_next(struct ct_block_run_reader *reader, struct ct_store_out *aside,
                           struct ct_entry *block)
{
    gboolean is_read = TRUE;

    if (reader->input.at == reader->input.end) {
        if (reader->next == 0)
            return FALSE;
        is_read = read_piece(reader, aside->fd);
    }
    if (is_read)
        ct_entry_read(block, &reader->input);
    if (is_read && !reader->input.is_bad)
        return TRUE;
    if (aside->error == 0)
        aside->error = EIO;
    return FALSE;
}
