#include "records.h"

#define MS UINT64_C(1000000)

/* A time that passes: most often little. */
static uint64_t take_step_ns(struct fuzz_input *input)
{
    uint8_t byte = fuzz_take_u8(input);

    if (byte < 128)
        return byte * UINT64_C(1000);
    if (byte < 250)
        return (byte - 128) * MS;
    return UINT64_C(1) << (fuzz_take_u8(input) & 63);
}

static uint8_t take_u8(struct fuzz_records *records)
{
    return fuzz_take_u8(&records->input);
}

static uint32_t take_u32(struct fuzz_records *records)
{
    uint8_t byte = take_u8(records);

    if (byte < 128)
        return byte;
    return byte < 240 ? (byte - 128) * (uint32_t)MS : (uint32_t)fuzz_take_u64(&records->input);
}

/* A count, a moment, or a time that something took. */
static uint64_t take_u64(struct fuzz_records *records)
{
    uint8_t byte = take_u8(records);

    if (byte < 16)
        return byte;
    if (byte < 32)
        return FUZZ_BEGIN_NS + (byte & 7U) * MS;
    if (byte < 112)
        return records->now_ns - MIN(records->now_ns, (byte - 32) * MS);
    if (byte < 176)
        return (byte - 112) * MS;
    if (byte < 240)
        return UINT64_C(1) << (byte - 176);
    return fuzz_take_u64(&records->input);
}

/* An id, a descriptor, a status. */
static int32_t take_i32(struct fuzz_records *records)
{
    uint8_t byte = take_u8(records);

    if (byte < 240)
        return byte & 7;
    return byte < 248 ? (int32_t)byte - 248 : (int32_t)fuzz_take_u64(&records->input);
}

static uint64_t take_address(struct fuzz_records *records)
{
    uint8_t byte = take_u8(records);

    return byte < 240 ? byte * UINT64_C(0x100) : fuzz_take_u64(&records->input);
}

static const char *take_text(struct fuzz_records *records)
{
    static const char *const likely[] = {
        "",
        CT_EMPTY_STRING,
        "main",
        "worker",
        "/usr/bin/program",
        "/nonexistent/libfirst.so",
        "/nonexistent/libsecond.so",
        "program --with 'an argument'",
        "=1+1",
        "\xff\xfe",
        "two\nlines\x1b[31m",
        "\xe2\x80\xae\xc2\x9b",
        "0.0.0.0:0",
        "preload,kernel",
        "aa01",
        "a/../b",
    };
    uint8_t byte = take_u8(records);

    if (byte < 192)
        return likely[byte % G_N_ELEMENTS(likely)];
    char *text = records->texts[records->text_count++ % G_N_ELEMENTS(records->texts)];
    struct fuzz_input part = fuzz_take_part(&records->input, byte - 192);

    memset(text, 0, sizeof(records->texts[0]));
    if (part.left > 0)
        memcpy(text, part.at, part.left);
    return text;
}

static struct ct_u64_sequence take_addresses(struct fuzz_records *records)
{
    uint8_t byte = take_u8(records);
    uint32_t count = byte < 250 ? byte & 15 : byte;

    for (uint32_t i = 0; i < count; i++)
        records->sequence[i] = take_address(records);
    return (struct ct_u64_sequence){records->sequence, count};
}

/* Of any width: all columns have the same values. */
static struct ct_column take_column(struct fuzz_records *records)
{
    const struct ct_u64_sequence sequence = take_addresses(records);

    return (struct ct_column){sequence.values, sequence.count};
}

#define TAKE_U8           take_u8
#define TAKE_OP           take_u8
#define TAKE_CLASS        take_u8
#define TAKE_FD_KIND      take_u8
#define TAKE_U32          take_u32
#define TAKE_U64          take_u64
#define TAKE_I16          (int16_t) take_i32
#define TAKE_I32          take_i32
#define TAKE_I64          take_i32
#define TAKE_HEX64        take_address
#define TAKE_STRING       take_text
#define TAKE_ADDRESSES    take_addresses
#define TAKE_HISTOGRAM    take_addresses
#define TAKE_I32_COLUMN   take_column
#define TAKE_U32_COLUMN   take_column
#define TAKE_HEX64_COLUMN take_column
#define TAKE_I16_COLUMN   take_column
#define TAKE_U8_COLUMN    take_column

#define TAKE_FIELD(type, name) event->name = TAKE_##type(records);

static void take_syscall(struct fuzz_records *records, struct ct_kernel_syscall *syscall)
{
    static const char *const names[CT_SYSCALL_COUNT] = {
        [CT_SYSCALL_OTHER] = "other",
#define NAME(name, ...) [CT_SYSCALL_##name] = #name,
        CT_WAITING_SYSCALLS(NAME) CT_RECENT_WAITING_SYSCALLS(NAME) CT_OLD_WAITING_SYSCALLS(NAME)
            CT_TELLING_SYSCALLS(NAME) CT_OLD_TELLING_SYSCALLS(NAME)
#undef NAME
    };

    syscall->call = (enum ct_syscall)(take_u8(records) % CT_SYSCALL_COUNT);
    syscall->name = names[syscall->call];
    for (size_t i = 0; i < CT_SYSCALL_ARGUMENTS; i++)
        syscall->arguments[i] = i < 3 ? (uint64_t)take_i32(records) : 0;
    syscall->result = take_i32(records);
}

static void take_kernel(struct fuzz_records *records, uint8_t id, struct ct_kernel_record *record)
{
    record->event = (enum ct_kernel_event)(id % (CT_KERNEL_ID_SYSCALL_EXIT + 1));
    record->time_ns = records->now_ns;
    record->cpu = take_u8(records) & 3;
    record->tid = take_i32(records);
    record->in_interrupt = take_u8(records) > 240;
    switch (record->event) {
#define TAKE_CASE(symbol, kernel_name)                                   \
    case CT_KERNEL_ID_##symbol: {                                        \
        struct ct_kernel_##kernel_name *event = &record->as.kernel_name; \
        CT_KERNEL_##symbol(TAKE_FIELD) break;                            \
    }
        CT_KERNEL_EVENTS(TAKE_CASE)
#undef TAKE_CASE
    case CT_KERNEL_ID_SYSCALL_ENTRY:
    case CT_KERNEL_ID_SYSCALL_EXIT:
        take_syscall(records, &record->as.syscall);
        break;
    }
}

static void take_own(struct fuzz_records *records, struct ct_record *record)
{
    record->pid = take_i32(records);
    record->tid = take_i32(records);
    switch (record->event) {
#define TAKE_CASE(symbol, own_name, channel)                      \
    case CT_EVENT_ID_##symbol: {                                  \
        struct ct_event_##own_name *event = &record->as.own_name; \
        CT_EVENT_##symbol(TAKE_FIELD) break;                      \
    }
        CT_EVENTS(TAKE_CASE)
#undef TAKE_CASE
    case CT_EVENT_COUNT:
        break;
    }
}

/* Any other version is refused: what comes after it is not to be lost for that. */
static void mend_version(struct ct_record *record)
{
    uint32_t *version = record->event == CT_EVENT_ID_PROCESS_START
                            ? &record->as.process_start.schema_version
                        : record->event == CT_EVENT_ID_PROCESS ? &record->as.process.schema_version
                        : record->event == CT_EVENT_ID_CAPTURE ? &record->as.capture.schema_version
                                                               : NULL;

    if (version && *version < 127)
        *version = CT_SCHEMA_VERSION;
}

void fuzz_records_begin(struct fuzz_records *records, const uint8_t *data, size_t size)
{
    *records = (struct fuzz_records){.input = {data, size}, .now_ns = FUZZ_BEGIN_NS};
}

gboolean fuzz_records_next(struct fuzz_records *records, struct ct_record *record)
{
    if (records->input.left == 0)
        return FALSE;
    uint8_t id = take_u8(records);
    uint64_t step_ns = take_step_ns(&records->input);

    records->now_ns += MIN(step_ns, UINT64_MAX - records->now_ns);
    memset(record, 0, sizeof(*record));
    record->time_ns = records->now_ns;
    record->event = id < 160 ? (enum ct_event)(id % CT_EVENT_COUNT) : CT_EVENT_COUNT;
    if (record->event == CT_EVENT_COUNT)
        take_kernel(records, id - 160, &record->as.kernel);
    else
        take_own(records, record);
    mend_version(record);
    return TRUE;
}
