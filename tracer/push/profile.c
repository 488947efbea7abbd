#include "push/profile.h"

#include <string.h>

#define NAME_SIZE_MAX 256

/* What ends a name or a label in the text that Pyroscope reads. */
#define SEPARATORS "{},="

G_DEFINE_QUARK(ct - push - error, ct_push_error)

static void value_free(void *data)
{
    struct ct_push_value *value = data;

    g_free(value->name);
    g_free(value->unit);
    g_free(value);
}

struct ct_push_profile *ct_push_profile_new(void)
{
    struct ct_push_profile *profile = g_new0(struct ct_push_profile, 1);

    profile->values = g_ptr_array_new_with_free_func(value_free);
    return profile;
}

void ct_push_profile_free(struct ct_push_profile *profile)
{
    if (!profile)
        return;
    g_free(profile->origin);
    g_free(profile->application);
    g_strfreev(profile->labels);
    g_clear_pointer(&profile->bytes, g_bytes_unref);
    g_ptr_array_unref(profile->values);
    g_free(profile);
}

void ct_push_profile_add_value(struct ct_push_profile *profile, const char *name, const char *unit)
{
    struct ct_push_value *value = g_new0(struct ct_push_value, 1);

    value->name = g_strdup(name);
    value->unit = g_strdup(unit);
    g_ptr_array_add(profile->values, value);
}

static gboolean is_plain(const char *text)
{
    size_t size = strlen(text);

    if (size == 0 || size > NAME_SIZE_MAX || !g_utf8_validate(text, -1, NULL))
        return FALSE;
    for (const char *letter = text; *letter; letter++)
        if ((unsigned char)*letter < ' ' || *letter == 0x7f || strchr(SEPARATORS, *letter))
            return FALSE;
    return TRUE;
}

gboolean ct_push_check_application(const char *name, GError **error)
{
    if (is_plain(name))
        return TRUE;
    g_set_error(error, CT_PUSH_ERROR, CT_PUSH_ERROR_LABEL,
                "'%s' is no name for an application: it has up to %d bytes of UTF-8, none of which "
                "is one of %s or a control character",
                name, NAME_SIZE_MAX, SEPARATORS);
    return FALSE;
}

static gboolean is_key(const char *text, size_t size)
{
    if (size == 0 || size > NAME_SIZE_MAX || g_ascii_isdigit(*text))
        return FALSE;
    for (size_t i = 0; i < size; i++)
        if (!g_ascii_isalnum(text[i]) && text[i] != '_')
            return FALSE;
    /* Those belong to whoever stores them. */
    return !g_str_has_prefix(text, "__");
}

gboolean ct_push_check_label(const char *label, GError **error)
{
    const char *equals = strchr(label, '=');

    if (equals && is_key(label, (size_t)(equals - label)) && is_plain(equals + 1))
        return TRUE;
    g_set_error(error, CT_PUSH_ERROR, CT_PUSH_ERROR_LABEL,
                "'%s' is no label: it is as env=prod, with letters, digits and _ before the equals "
                "sign, not __ first, and behind it anything but %s and control characters",
                label, SEPARATORS);
    return FALSE;
}
