#include "leftover.h"

#include "newest.h"
#include "old_packets.h"
#include "ring_reader.h"

guint ct_leftover_excess(const struct ct_control_part parts[CT_CONTROL_PARTS], uint64_t size,
                         uint64_t wanted)
{
    guint count = 0;

    while (count + 1 < CT_CONTROL_PARTS && parts[count + 1].begin_ns > parts[count].begin_ns &&
           parts[count + 1].bytes_before >= parts[0].bytes_before) {
        uint64_t gone = parts[count].bytes_before - parts[0].bytes_before;

        if (size - MIN(gone, size) <= wanted)
            break;
        count++;
    }
    return count;
}

/* What threads have written to their rings, and nobody has fetched. */
static uint64_t size_on_boards(struct ct_boards *boards)
{
    const GPtrArray *mapped = ct_boards_update(boards);
    struct ct_ring_reader readers[CT_SLOT_RINGS];
    uint64_t size = 0;

    for (guint i = 0; i < mapped->len; i++) {
        const struct ct_mapped_board *board = mapped->pdata[i];
        uint32_t slots = board->is_lost ? 0 : ct_board_map_slots(board->map);

        for (uint32_t slot = 0; slot < slots; slot++)
            for (uint32_t k = ct_ring_readers_of(board->map, slot, readers); k-- > 0;)
                size += readers[k].head - readers[k].at;
    }
    return size;
}

static void drop_parts(struct ct_recording *recording, guint count)
{
    struct ct_control *control = ct_recording_control(recording);

    for (guint i = 0; i < CT_CONTROL_PARTS; i++)
        control->parts[i] =
            i + count < CT_CONTROL_PARTS ? control->parts[i + count] : (struct ct_control_part){0};
    control->dropped += count;
    control->begin_ns = control->parts[0].begin_ns;
    ct_session_directory_publish(recording->engine->directory);
}

void ct_leftover_trim(struct ct_recording *recording)
{
    const struct ct_control *control = ct_recording_control(recording);
    g_autofree char *ust = g_build_filename(recording->place, "ust", NULL);

    if (control->max_size == 0 || control->parts[0].begin_ns == 0)
        return;
    ct_trace_bring_out(recording->trace);
    if (control->dropped > 0) /* which may not have been done */
        ct_old_packets_drop(ust, control->begin_ns);
    guint count = ct_leftover_excess(
        control->parts, ct_newest_size(recording) + size_on_boards(recording->engine->boards),
        control->max_size);
    if (count == 0)
        return;
    drop_parts(recording, count);
    ct_old_packets_drop(ust, control->begin_ns);
}
