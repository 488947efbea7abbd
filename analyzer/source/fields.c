#include "source/fields.h"

#include <string.h>

#define TYPE_OF_U8           CT_FIELD_U8
#define TYPE_OF_U32          CT_FIELD_U32
#define TYPE_OF_U64          CT_FIELD_U64
#define TYPE_OF_I16          CT_FIELD_I16
#define TYPE_OF_I32          CT_FIELD_I32
#define TYPE_OF_I64          CT_FIELD_I64
#define TYPE_OF_HEX64        CT_FIELD_U64
#define TYPE_OF_OP           CT_FIELD_U8
#define TYPE_OF_CLASS        CT_FIELD_U8
#define TYPE_OF_FD_KIND      CT_FIELD_U8
#define TYPE_OF_STRING       CT_FIELD_STRING
#define TYPE_OF_ADDRESSES    CT_FIELD_SEQUENCE
#define TYPE_OF_HISTOGRAM    CT_FIELD_SEQUENCE
#define TYPE_OF_I32_COLUMN   CT_FIELD_I32_COLUMN
#define TYPE_OF_U32_COLUMN   CT_FIELD_U32_COLUMN
#define TYPE_OF_HEX64_COLUMN CT_FIELD_HEX64_COLUMN
#define TYPE_OF_I16_COLUMN   CT_FIELD_I16_COLUMN
#define TYPE_OF_U8_COLUMN    CT_FIELD_U8_COLUMN

#define FIELD_ROW(type, name) {#name, TYPE_OF_##type},

static const struct ct_field_row lagging_source[] = {CT_SOURCE(FIELD_ROW)};
static const struct ct_field_row prompt_source[] = {CT_PROMPT_SOURCE(FIELD_ROW)};
static const struct ct_field_row kernel_context[] = {CT_KERNEL_CONTEXT(FIELD_ROW)};

#define FIELD_ROWS(symbol, name, channel)                                              \
    static const struct ct_field_row name##_fields[] = {CT_EVENT_##symbol(FIELD_ROW)}; \
    _Static_assert(G_N_ELEMENTS(name##_fields) <= CT_FIELDS_MAX, "fields of " #name);
CT_EVENTS(FIELD_ROWS)
#undef FIELD_ROWS

#define FIELD_ROWS(symbol, name)                                                        \
    static const struct ct_field_row name##_fields[] = {CT_KERNEL_##symbol(FIELD_ROW)}; \
    _Static_assert(G_N_ELEMENTS(name##_fields) <= CT_FIELDS_MAX, "fields of " #name);
CT_KERNEL_EVENTS(FIELD_ROWS)
#undef FIELD_ROWS

#define LIST(rows)               \
    {                            \
        rows, G_N_ELEMENTS(rows) \
    }

static const struct ct_event_row event_rows[] = {
#define LAGGING(symbol, name, channel) \
    [CT_EVENT_ID_##symbol] = {CT_PROVIDER ":" #name, LIST(lagging_source), LIST(name##_fields)},
    CT_LAGGING_EVENTS(LAGGING)
#undef LAGGING
#define PROMPT(symbol, name, channel) \
    [CT_EVENT_ID_##symbol] = {CT_PROVIDER ":" #name, LIST(prompt_source), LIST(name##_fields)},
        CT_PROMPT_EVENTS(PROMPT)
#undef PROMPT
#define RECORDERS(symbol, name, channel) \
    [CT_EVENT_ID_##symbol] = {CT_PROVIDER ":" #name, {NULL, 0}, LIST(name##_fields)},
            CT_RECORDER_EVENTS(RECORDERS)
#undef RECORDERS
};

static const struct ct_event_row kernel_rows[] = {
#define EVENT_ROW(symbol, name) [CT_KERNEL_ID_##symbol] = {#name, {NULL, 0}, LIST(name##_fields)},
    CT_KERNEL_EVENTS(EVENT_ROW)
#undef EVENT_ROW
};

static const char *const later_fields[] = {
#define FIELD_NAME(name) #name,
    CT_LATER_FIELDS(FIELD_NAME)
#undef FIELD_NAME
};

static const char *const syscall_names[CT_SYSCALL_COUNT] = {
#define NAME(name, ...) [CT_SYSCALL_##name] = #name,
    CT_WAITING_SYSCALLS(NAME) CT_RECENT_WAITING_SYSCALLS(NAME) CT_OLD_WAITING_SYSCALLS(NAME)
        CT_TELLING_SYSCALLS(NAME) CT_OLD_TELLING_SYSCALLS(NAME)
#undef NAME
};

const struct ct_event_row *ct_event_row(enum ct_event event)
{
    return &event_rows[event];
}

const struct ct_event_row *ct_kernel_event_row(enum ct_kernel_event event)
{
    return &kernel_rows[event];
}

struct ct_field_list ct_kernel_context_fields(void)
{
    return (struct ct_field_list)LIST(kernel_context);
}

/* Its index, or `count`. */
static size_t find_row(const struct ct_event_row *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return i;
    }
    return count;
}

gboolean ct_event_find(const char *name, enum ct_event *event)
{
    size_t index = find_row(event_rows, G_N_ELEMENTS(event_rows), name);

    if (index < G_N_ELEMENTS(event_rows))
        *event = (enum ct_event)index;
    return index < G_N_ELEMENTS(event_rows);
}

gboolean ct_kernel_event_find(const char *name, enum ct_kernel_event *event)
{
    size_t index = find_row(kernel_rows, G_N_ELEMENTS(kernel_rows), name);

    if (index < G_N_ELEMENTS(kernel_rows))
        *event = (enum ct_kernel_event)index;
    return index < G_N_ELEMENTS(kernel_rows);
}

static enum ct_syscall find_syscall(const char *name)
{
    for (int i = CT_SYSCALL_OTHER + 1; i < CT_SYSCALL_COUNT; i++) {
        if (strcmp(syscall_names[i], name) == 0)
            return (enum ct_syscall)i;
    }
    return CT_SYSCALL_OTHER;
}

gboolean ct_syscall_event_find(const char *name, enum ct_kernel_event *event,
                               struct ct_kernel_syscall *syscall)
{
    gboolean is_entry = g_str_has_prefix(name, CT_SYSCALL_ENTRY_PREFIX);

    if (!is_entry && !g_str_has_prefix(name, CT_SYSCALL_EXIT_PREFIX))
        return FALSE;
    *event = is_entry ? CT_KERNEL_ID_SYSCALL_ENTRY : CT_KERNEL_ID_SYSCALL_EXIT;
    *syscall = (struct ct_kernel_syscall){
        .name = name + strlen(is_entry ? CT_SYSCALL_ENTRY_PREFIX : CT_SYSCALL_EXIT_PREFIX)};
    syscall->call = find_syscall(syscall->name);
    return TRUE;
}

gboolean ct_field_is_later(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(later_fields); i++) {
        if (strcmp(later_fields[i], name) == 0)
            return TRUE;
    }
    return FALSE;
}

gboolean ct_kernel_event_is_of_calls(enum ct_kernel_event event)
{
    return event == CT_KERNEL_ID_SYSCALL_ENTRY || event == CT_KERNEL_ID_SYSCALL_EXIT ||
           event == CT_KERNEL_ID_CALLSTACK_USER;
}

gboolean ct_kernel_event_is_of_switches(enum ct_kernel_event event)
{
    return event == CT_KERNEL_ID_SCHED_SWITCH || event == CT_KERNEL_ID_SCHED_WAKING ||
           event == CT_KERNEL_ID_CONTEXT_SWITCH;
}
