#include "syscall_classes.h"

#include "system/syscall_names.h"

#include <glib.h>

struct ct_syscall_classes {
    bt_stream_class *stream_class; /* borrowed */
    GHashTable *entries;           /* owned; name -> bt_event_class *, owned */
    GHashTable *exits;             /* the same */
};

static void put_class(void *class)
{
    bt_event_class_put_ref(class);
}

struct ct_syscall_classes *ct_syscall_classes_new(bt_stream_class *stream_class)
{
    struct ct_syscall_classes *classes = g_new0(struct ct_syscall_classes, 1);

    classes->stream_class = stream_class;
    classes->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, put_class);
    classes->exits = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, put_class);
    return classes;
}

void ct_syscall_classes_free(struct ct_syscall_classes *classes)
{
    if (classes == NULL)
        return;
    g_hash_table_unref(classes->entries);
    g_hash_table_unref(classes->exits);
    g_free(classes);
}

static void append_integer(bt_trace_class *trace_class, bt_field_class *structure, const char *name,
                           gboolean is_signed, uint64_t bits)
{
    bt_field_class *class = is_signed ? bt_field_class_integer_signed_create(trace_class)
                                      : bt_field_class_integer_unsigned_create(trace_class);

    bt_field_class_integer_set_field_value_range(class, bits);
    if (!is_signed)
        bt_field_class_integer_set_preferred_display_base(
            class, BT_FIELD_CLASS_INTEGER_PREFERRED_DISPLAY_BASE_HEXADECIMAL);
    bt_field_class_structure_append_member(structure, name, class);
    bt_field_class_put_ref(class);
}

/* See schema/syscalls.h for how arguments are written. */
static void append_argument(bt_trace_class *trace_class, bt_field_class *structure,
                            const char *argument)
{
    if (*argument == '%')
        append_integer(trace_class, structure, argument + 1, TRUE, 32);
    else if (*argument == '*')
        append_integer(trace_class, structure, argument + 1, FALSE, 64);
    else
        append_integer(trace_class, structure, argument, TRUE, 64);
}

/* One event of that name; its class belongs to `names`, and `payload` is given up. */
static bt_event_class *add_class(struct ct_syscall_classes *classes, GHashTable *names,
                                 const char *prefix, const char *name, bt_field_class *payload)
{
    bt_event_class *class = bt_event_class_create(classes->stream_class);
    g_autofree char *full_name = g_strconcat(prefix, name, NULL);

    bt_event_class_set_name(class, full_name);
    bt_event_class_set_payload_field_class(class, payload);
    bt_field_class_put_ref(payload);
    g_hash_table_insert(names, (char *)name, class);
    return class;
}

const bt_event_class *ct_syscall_classes_entry(struct ct_syscall_classes *classes,
                                               const struct ct_kernel_syscall *syscall)
{
    bt_event_class *class = g_hash_table_lookup(classes->entries, syscall->name);

    if (class != NULL)
        return class;
    bt_trace_class *trace_class = bt_stream_class_borrow_trace_class(classes->stream_class);
    bt_field_class *payload = bt_field_class_structure_create(trace_class);
    g_auto(GStrv) arguments = g_strsplit(ct_syscall_arguments(syscall->call), " ", -1);

    for (char **argument = arguments; *argument != NULL; argument++)
        append_argument(trace_class, payload, *argument);
    return add_class(classes, classes->entries, CT_SYSCALL_ENTRY_PREFIX, syscall->name, payload);
}

const bt_event_class *ct_syscall_classes_exit(struct ct_syscall_classes *classes,
                                              const struct ct_kernel_syscall *syscall)
{
    bt_event_class *class = g_hash_table_lookup(classes->exits, syscall->name);

    if (class != NULL)
        return class;
    bt_trace_class *trace_class = bt_stream_class_borrow_trace_class(classes->stream_class);
    bt_field_class *payload = bt_field_class_structure_create(trace_class);

    append_integer(trace_class, payload, CT_SYSCALL_RESULT_FIELD, TRUE, 64);
    return add_class(classes, classes->exits, CT_SYSCALL_EXIT_PREFIX, syscall->name, payload);
}

void ct_syscall_classes_fill_entry(bt_field *payload, const struct ct_kernel_syscall *syscall)
{
    const bt_field_class *class = bt_field_borrow_class_const(payload);
    uint64_t count = bt_field_class_structure_get_member_count(class);

    for (uint64_t i = 0; i < count; i++) {
        bt_field *field = bt_field_structure_borrow_member_field_by_index(payload, i);
        uint64_t value = syscall->arguments[i];
        const bt_field_class *member = bt_field_borrow_class_const(field);

        if (bt_field_get_class_type(field) == BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER)
            bt_field_integer_unsigned_set_value(field, value);
        else if (bt_field_class_integer_get_field_value_range(member) == 32)
            bt_field_integer_signed_set_value(field, (int32_t)value);
        else
            bt_field_integer_signed_set_value(field, (int64_t)value);
    }
}
