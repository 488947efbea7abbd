/*
 * A recording's spool, as perf and the recorder write it, but with records that the input makes up
 * -> what the converter makes of it: kernel events and samples with their stacks.
 *
 * An input is records: a byte that chooses file and kind, one for the length, and the body; the
 * head of each file, and most bodies' beginnings, are sound.
 */
#include "convert/events.h"
#include "convert/samples.h"
#include "fuzz.h"
#include "spool/images.h"
#include "spool/spool.h"

#include <glib/gstdio.h>
#include <linux/perf_event.h>
#include <stddef.h>

#define FILE_COUNT 4

/* Raw data of tracepoints, as one kernel may lay it out. */
struct raw {
    uint16_t type;
    uint8_t flags;
    uint8_t pad;
    int32_t current;
    char first_name[16];
    int32_t first;
    int32_t first_prio;
    int64_t state;
    char second_name[16];
    int32_t second;
    int32_t second_prio;
    int64_t number;
    uint64_t arguments[CT_SYSCALL_ARGUMENTS];
};

#define FIELD(member)                                                   \
    {                                                                   \
        offsetof(struct raw, member), sizeof(((struct raw *)0)->member) \
    }

static const struct ct_formats formats = {
    .switch_id = 1,
    .waking_id = 2,
    .enter_id = 3,
    .exit_id = 4,
    .common_type = FIELD(type),
    .common_flags = FIELD(flags),
    .common_pid = FIELD(current),
    .prev_comm = FIELD(first_name),
    .prev_pid = FIELD(first),
    .prev_prio = FIELD(first_prio),
    .prev_state = FIELD(state),
    .next_comm = FIELD(second_name),
    .next_pid = FIELD(second),
    .next_prio = FIELD(second_prio),
    .comm = FIELD(first_name),
    .pid = FIELD(first),
    .prio = FIELD(first_prio),
    .target_cpu = FIELD(second),
    .id = FIELD(number),
    .args = FIELD(arguments),
    .ret = FIELD(arguments[0]),
};

static void put(GByteArray *bytes, const void *data, size_t size)
{
    g_byte_array_append(bytes, data, (guint)size);
}

static void put_u64(GByteArray *bytes, uint64_t value)
{
    put(bytes, &value, sizeof(value));
}

static void begin_file(GByteArray *bytes, unsigned index, uint8_t choice)
{
    static const uint32_t kinds[FILE_COUNT] = {CT_RINGS_MACHINE, CT_RINGS_CALLS, CT_RINGS_SAMPLES,
                                               CT_RINGS_PROCESS};
    struct ct_spool_head head = {
        .magic = CT_SPOOL_MAGIC,
        .version = CT_SPOOL_VERSION,
        .cpu = index == 3 ? CT_SPOOL_NO_CPU : index,
        .kind = kinds[index],
        .has_foreign_ids = choice & 1,
        .formats = formats,
    };

    if (choice & 2)
        head.kind = index == 0 ? CT_RINGS_PROCESS : head.kind;
    put(bytes, &head, sizeof(head));
}

/* Who and when: most records end with it, samples begin with it. */
static void put_id(GByteArray *bytes, struct fuzz_input *input, uint64_t now_ns)
{
    const struct ct_spool_id id = {fuzz_take_u8(input) & 7, fuzz_take_u8(input) & 7, now_ns};

    put(bytes, &id, sizeof(id));
}

/* What perf copies of a task's registers and stack. */
static void put_user(GByteArray *bytes, struct fuzz_input *input)
{
    uint8_t words = fuzz_take_u8(input) & 63;

    put_u64(bytes, fuzz_take_u8(input) % 3);
    for (int i = 0; i < 17; i++)
        put_u64(bytes, fuzz_take_u8(input) * UINT64_C(0x10));
    put_u64(bytes, words * UINT64_C(8));
    for (unsigned i = 0; i < words; i++)
        put_u64(bytes, fuzz_take_u8(input) * UINT64_C(0x10));
    put_u64(bytes, (fuzz_take_u8(input) & 63) * UINT64_C(8));
}

static void put_tracepoint(GByteArray *bytes, struct fuzz_input *input, unsigned file,
                           uint64_t now_ns)
{
    struct raw raw = {.type = fuzz_take_u8(input) & 7, .flags = fuzz_take_u8(input)};
    uint32_t size = sizeof(raw);
    uint32_t pad = 0;

    put_id(bytes, input, now_ns);
    if (file == 1) {
        uint64_t count = fuzz_take_u8(input) & 15;

        put_u64(bytes, count);
        for (uint64_t i = 0; i < count; i++)
            put_u64(bytes, i == 1 ? (uint64_t)PERF_CONTEXT_USER : fuzz_take_u8(input));
    }
    raw.current = raw.first = fuzz_take_u8(input) & 7;
    raw.second = fuzz_take_u8(input) & 7;
    raw.state = fuzz_take_u8(input) & 3;
    raw.number = fuzz_take_u16(input) & 511;
    fuzz_take(input, raw.arguments, 16);
    fuzz_take(input, raw.first_name, 4);
    put(bytes, &size, sizeof(size));
    put(bytes, &raw, sizeof(raw));
    put(bytes, &pad, sizeof(pad));
    if (file == 1 && raw.type == formats.switch_id)
        put_user(bytes, input);
}

static void put_numbers(GByteArray *bytes, struct fuzz_input *input, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int32_t number = fuzz_take_u8(input) & 7;

        put(bytes, &number, sizeof(number));
    }
}

/* With its end. */
static void put_text(GByteArray *bytes, struct fuzz_input *input)
{
    static const char *const likely[] = {"",          "/nonexistent/program", "[vdso]", "//anon",
                                         "/dev/null", "/proc/self/exe"};
    uint8_t choice = fuzz_take_u8(input);
    struct fuzz_input part = fuzz_take_part(input, choice > 192 ? choice - 192 : 0);

    if (choice <= 192)
        put(bytes, likely[choice % G_N_ELEMENTS(likely)],
            strlen(likely[choice % G_N_ELEMENTS(likely)]));
    else if (part.left > 0)
        put(bytes, part.at, part.left);
    put(bytes, "", 1);
}

static void align(GByteArray *bytes)
{
    while (bytes->len % 8 != 0)
        put(bytes, "", 1);
}

/* A process maps a file: the numbers of struct perf_record_mmap2. */
static void put_mapping(GByteArray *bytes, struct fuzz_input *input)
{
    put_numbers(bytes, input, 2);
    put_u64(bytes, fuzz_take_u8(input) * UINT64_C(0x100));
    put_u64(bytes, fuzz_take_u8(input) * UINT64_C(0x100));
    put_u64(bytes, fuzz_take_u8(input) * UINT64_C(0x100));
    put_numbers(bytes, input, 8);
    put_text(bytes, input);
}

static void put_task(GByteArray *bytes, struct fuzz_input *input)
{
    struct ct_spool_task task = {.pid = fuzz_take_u8(input) & 7, .tid = fuzz_take_u8(input) & 7};

    fuzz_take(input, task.name, 4);
    task.is_blocked = fuzz_take_u8(input) & 1;
    task.has_call = fuzz_take_u8(input) & 1;
    task.number = fuzz_take_u16(input) & 511;
    task.stack_pointer = fuzz_take_u8(input) * UINT64_C(0x10);
    task.instruction = fuzz_take_u8(input) * UINT64_C(0x10);
    task.stack_size = fuzz_take_u8(input);
    struct fuzz_input stack = fuzz_take_part(input, task.stack_size);

    put(bytes, &task, sizeof(task));
    if (stack.left > 0)
        put(bytes, stack.at, stack.left);
}

static void put_body(GByteArray *bytes, uint32_t type, unsigned file, struct fuzz_input *input,
                     uint64_t now_ns)
{
    switch (type) {
    case PERF_RECORD_SAMPLE:
        if (file == 2) {
            put_id(bytes, input, now_ns);
            put_u64(bytes, fuzz_take_u16(input));
            put_user(bytes, input);
        } else {
            put_tracepoint(bytes, input, file, now_ns);
        }
        return;
    case PERF_RECORD_FORK:
    case PERF_RECORD_EXIT:
        put_numbers(bytes, input, 4);
        put_u64(bytes, now_ns);
        break;
    case PERF_RECORD_COMM:
        put_numbers(bytes, input, 2);
        put_text(bytes, input);
        break;
    case PERF_RECORD_MMAP2:
        put_mapping(bytes, input);
        break;
    case CT_SPOOL_PROCESS:
        put_numbers(bytes, input, 2);
        put_u64(bytes, now_ns);
        put_text(bytes, input);
        put_text(bytes, input);
        put_text(bytes, input);
        break;
    case CT_SPOOL_DESCRIPTOR:
        put_numbers(bytes, input, 4);
        put_text(bytes, input);
        put_text(bytes, input);
        break;
    case CT_SPOOL_TASK:
        put_task(bytes, input);
        break;
    default:
        put_numbers(bytes, input, 2);
        put_u64(bytes, fuzz_take_u8(input));
        break;
    }
    align(bytes);
    put_id(bytes, input, now_ns);
}

/* One record; raw if so chosen: any body, any length. */
static void put_record(GByteArray *bytes, unsigned file, struct fuzz_input *input, uint64_t now_ns)
{
    static const uint32_t types[] = {
        PERF_RECORD_SAMPLE, PERF_RECORD_SAMPLE,          PERF_RECORD_FORK, PERF_RECORD_EXIT,
        PERF_RECORD_COMM,   PERF_RECORD_SWITCH,          PERF_RECORD_LOST, PERF_RECORD_MMAP2,
        CT_SPOOL_PROCESS,   PERF_RECORD_SWITCH_CPU_WIDE, CT_SPOOL_TASK,    CT_SPOOL_DESCRIPTOR,
    };
    uint8_t choice = fuzz_take_u8(input);
    struct perf_event_header header = {.type = types[choice % G_N_ELEMENTS(types)],
                                       .misc = (uint16_t)(fuzz_take_u8(input) << 8)};
    guint begin = bytes->len;

    put(bytes, &header, sizeof(header));
    if (choice < 224) {
        put_body(bytes, header.type, file, input, now_ns);
        header.size = (uint16_t)(bytes->len - begin);
    } else {
        struct fuzz_input body = fuzz_take_part(input, fuzz_take_u8(input));

        if (body.left > 0)
            put(bytes, body.at, body.left);
        header.size = choice < 248 ? (uint16_t)(bytes->len - begin) : fuzz_take_u16(input);
    }
    memcpy(bytes->data + begin, &header, sizeof(header));
}

static void read_events(const struct ct_kernel_scope *scope)
{
    struct ct_kernel_events *events = ct_kernel_events_open(fuzz_folder(), scope);
    struct ct_kernel_item item;

    while (events != NULL && ct_kernel_events_next(events, &item)) {
        FUZZ_REQUIRE(item.index < ct_kernel_events_cpu_count(events));
        ct_kernel_events_cpu(events, item.index);
    }
    if (events != NULL)
        g_strfreev(ct_kernel_events_unpreloaded_names(events));
    ct_kernel_events_free(events);
}

static void read_samples(const struct ct_kernel_scope *scope)
{
    struct ct_kernel_samples *samples = ct_kernel_samples_open(fuzz_folder(), scope);
    struct ct_kernel_item item;

    while (samples != NULL && ct_kernel_samples_next(samples, &item)) {
        FUZZ_REQUIRE(item.index < ct_kernel_samples_cpu_count(samples));
        FUZZ_REQUIRE(item.lost > 0 ||
                     item.record.as.cpu_sample.addresses.count <= CT_STACK_MAX_FRAMES);
    }
    ct_kernel_samples_free(samples);
}

static void write_files(struct fuzz_input *input, uint8_t choice, const char *folder)
{
    GByteArray *files[FILE_COUNT];
    uint64_t now_ns = 1000;

    for (unsigned i = 0; i < FILE_COUNT; i++)
        begin_file(files[i] = g_byte_array_new(), i, choice);
    while (input->left > 0) {
        unsigned file = fuzz_take_u8(input) % FILE_COUNT;

        now_ns += fuzz_take_u8(input) * UINT64_C(100);
        put_record(files[file], file, input, now_ns);
    }
    for (unsigned i = 0; i < FILE_COUNT; i++) {
        g_autofree char *path = g_strdup_printf("%s/file%u", folder, i);

        fuzz_write_file(path, files[i]->data, files[i]->len);
        g_byte_array_unref(files[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *folder = g_build_filename(fuzz_folder(), CT_SPOOL_FOLDER, NULL);
    struct fuzz_input input = {data, size};
    uint8_t choice = fuzz_take_u8(&input);
    const struct ct_kernel_scope scope = {.root_pid = choice & 4 ? 0 : 1,
                                          .follows_children = (choice & 8) != 0,
                                          .stack_frames = CT_STACK_MIN_FRAMES + (choice & 0xf0)};

    g_mkdir_with_parents(folder, 0700);
    write_files(&input, choice, folder);
    read_events(&scope);
    read_samples(&scope);
    return 0;
}
