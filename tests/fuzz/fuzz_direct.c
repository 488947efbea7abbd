/*
 * Metadata with changes in it, and packets of any content -> the direct reader alone, which has to
 * bear all of it by itself.
 *
 * An input is a byte of choices (1: the kernel's trace; 2: metadata is changed; 4: all is the
 * metadata's), so many changes as the next byte says, each a place and a byte, then packets: a
 * byte, 0 to 15 for one whose start has something odd in it, then how long the content is.
 */
#include "../golden/tsdl.h"
#include "fuzz.h"
#include "kernel_tsdl.h"
#include "source/source.h"

#include <glib/gstdio.h>

#define FILE_BYTES_MAX 65536

enum { CHOICE_KERNEL = 1, CHOICE_CHANGED = 2, CHOICE_OWN_METADATA = 4 };

static void put(GByteArray *bytes, uint64_t value, guint size)
{
    g_byte_array_append(bytes, (const guint8 *)&value, size);
}

static void put_packet(GByteArray *bytes, gboolean is_kernels, struct fuzz_input *input,
                       uint64_t sequence)
{
    static const guint8 uuid[16] = TSDL_UUID_BYTES;
    uint8_t odd = fuzz_take_u8(input);
    struct fuzz_input content = fuzz_take_part(input, fuzz_take_u16(input));
    uint64_t bits = ((is_kernels ? 88 : 84) + content.left) * UINT64_C(8);
    uint64_t begin_ns = sequence * 1000, end_ns = begin_ns + 1000, lost = 0;
    uint64_t content_bits = bits;
    uint64_t *const fields[] = {&begin_ns, &end_ns, &content_bits, &bits, &sequence, &lost};

    if (odd < G_N_ELEMENTS(fields))
        *fields[odd] = fuzz_take_u64(input);
    put(bytes, odd == 6 ? 0 : 0xc1fc1fc1, 4);
    g_byte_array_append(bytes, uuid, sizeof(uuid));
    put(bytes, odd == 7 ? fuzz_take_u8(input) : 0, is_kernels ? 8 : 4);
    put(bytes, 0, 8);
    const uint64_t own[] = {begin_ns, end_ns, content_bits, bits, sequence, lost};
    const uint64_t kernels[] = {bits, content_bits, begin_ns, end_ns, lost, sequence};

    g_byte_array_append(bytes, (const guint8 *)(is_kernels ? kernels : own), sizeof(own));
    put(bytes, 0, 4);
    g_byte_array_append(bytes, content.at, (guint)content.left);
}

static void write_metadata(const char *path, uint8_t choice, struct fuzz_input *input)
{
    g_autofree char *text =
        choice & CHOICE_KERNEL ? kernel_tsdl_metadata() : tsdl_metadata(FALSE, FALSE);
    gsize size = strlen(text);

    if (choice & CHOICE_OWN_METADATA) {
        fuzz_write_file(path, input->at, input->left);
        return;
    }
    for (uint8_t left = choice & CHOICE_CHANGED ? fuzz_take_u8(input) : 0; left > 0; left--) {
        gsize place = fuzz_take_u16(input) % size;

        text[place] = (char)fuzz_take_u8(input);
    }
    fuzz_write_file(path, text, size);
}

/* Reads all of it, so that a sanitizer sees what is no memory of ours. */
static gboolean on_record(void *user, const struct ct_record *record)
{
    gsize *sum = user;
    const struct ct_kernel_record *kernel = &record->as.kernel;

    if (record->event == CT_EVENT_ID_STACK)
        *sum += record->as.stack.addresses.count;
    else if (record->event == CT_EVENT_ID_CAPTURE)
        *sum += strlen(record->as.capture.command) + strlen(record->as.capture.missing);
    else if (record->event == CT_EVENT_COUNT && kernel->event == CT_KERNEL_ID_SCHED_SWITCH)
        *sum += strlen(kernel->as.sched_switch.prev_comm);
    else if (record->event == CT_EVENT_COUNT && kernel->event >= CT_KERNEL_ID_SYSCALL_ENTRY)
        *sum += strlen(kernel->as.syscall.name);
    return TRUE;
}

static void on_loss(void *user, const struct ct_kernel_loss *loss)
{
    (void)user;
    FUZZ_REQUIRE(loss->begin_ns <= INT64_MAX);
}

static void on_packet(void *user, uint64_t packets_read)
{
    (void)user;
    (void)packets_read;
}

static void on_trace(void *user, const char *path)
{
    (void)user;
    (void)path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t choice = fuzz_take_u8(&input);
    g_autofree char *trace = g_build_filename(fuzz_folder(), "trace", NULL);
    g_autofree char *metadata = g_build_filename(trace, "metadata", NULL);
    g_autofree char *stream = g_build_filename(trace, "stream", NULL);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    gsize sum = 0;
    const struct ct_source_events events = {.user = &sum,
                                            .on_record = on_record,
                                            .on_loss = on_loss,
                                            .on_packet = on_packet,
                                            .on_trace = on_trace};
    struct ct_source *source;

    g_mkdir_with_parents(trace, 0700);
    write_metadata(metadata, choice, &input);
    for (uint64_t sequence = 1; input.left > 0 && bytes->len < FILE_BYTES_MAX; sequence++)
        put_packet(bytes, choice & CHOICE_KERNEL, &input, sequence);
    fuzz_write_file(stream, bytes->data, bytes->len);
    g_ptr_array_add(paths, trace);
    source = ct_source_open(&ct_source_direct, paths, &events, NULL);
    if (source)
        FUZZ_REQUIRE(ct_source_read(source, NULL));
    ct_source_free(source);
    return 0;
}
