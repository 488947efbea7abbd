#include "kernel_tsdl.h"

#include "../golden/tsdl.h"

#include <glib.h>

static const char *const calls[] = {"futex", "read",      "poll",  "openat",
                                    "close", "epoll_ctl", "other", "restart_syscall"};

#define INTEGER(bits, sign) "integer { size = " #bits "; align = 8; signed = " #sign "; } "
#define CLOCK               "integer { size = 64; align = 8; map = clock.monotonic.value; } "

static const char preamble[] =
    "/* CTF 1.8 */\n"
    "trace {\n\tmajor = 1;\n\tminor = 8;\n\tuuid = \"" TSDL_UUID "\";\n\tbyte_order = le;\n"
    "\tpacket.header := struct {\n\t\t" INTEGER(32, 0) "magic;\n\t\t" INTEGER(
        8,
        0) "uuid[16];\n\t\t" INTEGER(64,
                                     0) "stream_id;\n\t\t" INTEGER(64,
                                                                   0) "stream_instance_id;\n"
                                                                      "\t} align(8);\n};\n\n"
                                                                      "env {\n\tdomain = "
                                                                      "\"kernel\";\n\ttracer_name "
                                                                      "= \"ctrace\";\n};\n\n"
                                                                      "clock {\n\tname = "
                                                                      "monotonic;\n\tfreq = "
                                                                      "1000000000;\n\toffset "
                                                                      "= " G_STRINGIFY(
                                                                          TSDL_EPOCH_OFFSET_NS) ";"
                                                                                                "\n"
                                                                                                "};"
                                                                                                "\n"
                                                                                                "\n"
                                                                                                "st"
                                                                                                "re"
                                                                                                "am"
                                                                                                " {"
                                                                                                "\n"
                                                                                                "\t"
                                                                                                "id"
                                                                                                " ="
                                                                                                " 0"
                                                                                                ";"
                                                                                                "\n"
                                                                                                "\t"
                                                                                                "pa"
                                                                                                "ck"
                                                                                                "et"
                                                                                                ".c"
                                                                                                "on"
                                                                                                "te"
                                                                                                "xt"
                                                                                                " :"
                                                                                                "= "
                                                                                                "st"
                                                                                                "ru"
                                                                                                "ct"
                                                                                                " {"
                                                                                                "\n"
                                                                                                "\t"
                                                                                                "\t" INTEGER(64, 0) "packet_size;\n\t\t" INTEGER(
                                                                                                    64,
                                                                                                    0) "content_size;\n\t\t" CLOCK
                                                                                                       "timestamp_begin;\n\t\t" CLOCK
                                                                                                       "timestamp_end;\n\t\t" INTEGER(64, 0) "events_discarded;\n\t\t" INTEGER(64, 0) "packet_seq_num;\n\t\t" INTEGER(32, 0) "_cpu_id;\n\t} align(8);\n\n\tevent.header := struct {\n\t\t" INTEGER(
                                                                                                           64,
                                                                                                           0) "id;\n\t\t" CLOCK
                                                                                                              "timestamp;\n\t} align(8);\n\tevent.context := struct {\n\t\t" INTEGER(
                                                                                                                  32,
                                                                                                                  1) "_tid;\n\t\t" INTEGER(8,
                                                                                                                                           0) "_in_interrupt;\n\t} align(8);\n};\n\n";

#define TSDL_U8(name)      "\t\t" INTEGER(8, 0) "_" name ";\n"
#define TSDL_FD_KIND(name) TSDL_U8(name)
#define TSDL_U32(name)     "\t\t" INTEGER(32, 0) "_" name ";\n"
#define TSDL_U64(name)     "\t\t" INTEGER(64, 0) "_" name ";\n"
#define TSDL_I32(name)     "\t\t" INTEGER(32, 1) "_" name ";\n"
#define TSDL_I64(name)     "\t\t" INTEGER(64, 1) "_" name ";\n"
#define TSDL_HEX64(name)   TSDL_U64(name)
#define TSDL_STRING(name)  "\t\tstring _" name ";\n"
#define TSDL_ADDRESSES(name)                                                            \
    "\t\t" INTEGER(8, 0) "__" name "_length;\n\t\t" INTEGER(64, 0) "_" name "[ __" name \
                                                                   "_length ];\n"

#define TSDL_FIELD(type, name) TSDL_##type(#name)

static const struct {
    const char *name;
    const char *fields;
} rows[] = {
#define ROW(symbol, name) {#name, CT_KERNEL_##symbol(TSDL_FIELD)},
    CT_KERNEL_EVENTS(ROW)
#undef ROW
};

static void add_event(GString *text, const char *prefix, const char *name, size_t id,
                      const char *fields)
{
    g_string_append_printf(text,
                           "event {\n\tname = \"%s%s\";\n\tid = %zu;\n\tstream_id = 0;\n"
                           "\tfields := struct {\n%s\t};\n};\n",
                           prefix, name, id, fields);
}

char *kernel_tsdl_metadata(void)
{
    static const char arguments[] = TSDL_I64("first") TSDL_I64("second") TSDL_I64("third");
    GString *text = g_string_new(preamble);
    size_t id = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        add_event(text, "", rows[i].name, id++, rows[i].fields);
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
        add_event(text, CT_SYSCALL_ENTRY_PREFIX, calls[i], id++, arguments);
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
        add_event(text, CT_SYSCALL_EXIT_PREFIX, calls[i], id++, TSDL_I64("ret"));
    return g_string_free(text, FALSE);
}

uint32_t kernel_tsdl_id(const struct ct_kernel_record *record)
{
    uint32_t call = record->as.syscall.call % G_N_ELEMENTS(calls);

    switch (record->event) {
    case CT_KERNEL_ID_SYSCALL_ENTRY:
        return CT_KERNEL_EVENT_COUNT + call;
    case CT_KERNEL_ID_SYSCALL_EXIT:
        return CT_KERNEL_EVENT_COUNT + (uint32_t)G_N_ELEMENTS(calls) + call;
    default:
        return record->event;
    }
}
