#include "model/selection.h"

#include "model/format.h"

#include <string.h>

static gboolean is_everyone(const char *const *wanted)
{
    return !wanted || !*wanted;
}

static gboolean is_selected(const char *const *wanted, int32_t id, const char *name)
{
    char id_text[16];

    if (is_everyone(wanted))
        return TRUE;
    g_snprintf(id_text, sizeof(id_text), "%" G_GINT32_FORMAT, id);
    for (; *wanted; wanted++)
        if (strcmp(*wanted, id_text) == 0 || g_pattern_match_simple(*wanted, name))
            return TRUE;
    return FALSE;
}

gboolean ct_selection_is_all_threads(const struct ct_selection *selection)
{
    return is_everyone(selection->processes) && is_everyone(selection->threads);
}

gboolean ct_selection_is_all_waits(const struct ct_selection *selection)
{
    return selection->classes == 0 && is_everyone(selection->operations) &&
           is_everyone(selection->objects) && !selection->place && selection->min_ns == 0 &&
           !selection->is_without_idle;
}

gboolean ct_selection_is_by_class(const struct ct_selection *selection)
{
    struct ct_selection others = *selection;

    others.classes = 0;
    return ct_selection_is_all_waits(&others);
}

gboolean ct_selection_is_all(const struct ct_selection *selection)
{
    return ct_selection_is_all_threads(selection) && ct_selection_is_all_waits(selection);
}

gboolean ct_selection_has_process(const struct ct_selection *selection,
                                  const struct ct_process *process)
{
    return is_selected(selection->processes, process->pid, process->name);
}

gboolean ct_selection_has_thread(const struct ct_selection *selection,
                                 const struct ct_thread *thread)
{
    return ct_selection_has_process(selection, thread->process) &&
           is_selected(selection->threads, thread->tid, thread->name);
}

gboolean ct_selection_has_class(const struct ct_selection *selection, enum ct_class class)
{
    return selection->classes == 0 || (selection->classes & 1U << class) != 0;
}

/* "net or sync" */
static char *join(const char *const *names)
{
    guint count = g_strv_length((char **)names);
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < count; i++)
        g_string_append_printf(text, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", names[i]);
    return g_string_free(text, FALSE);
}

static void add_list(GString *text, const char *lead, const char *const *names)
{
    if (is_everyone(names))
        return;
    g_autofree char *list = join(names);

    g_string_append_printf(text, "%s%s%s", text->len > 0 ? ", " : "", lead, list);
}

static void add_classes(GString *text, uint32_t classes)
{
    const char *names[CT_CLASS_COUNT + 1];
    guint count = 0;

    for (guint class = 0; class < CT_CLASS_COUNT; class ++) {
        if (classes & 1U << class)
            names[count++] = ct_class_name((enum ct_class) class);
    }
    names[count] = NULL;
    add_list(text, "of class ", names);
}

char *ct_selection_describe_waits(const struct ct_selection *selection)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (ct_selection_is_all_waits(selection))
        return g_strdup("");
    add_classes(text, selection->classes);
    add_list(text, "in ", selection->operations);
    add_list(text, "for ", selection->objects);
    if (selection->place)
        g_string_append_printf(text, "%sthrough /%s/", text->len > 0 ? ", " : "",
                               g_regex_get_pattern(selection->place));
    if (selection->min_ns > 0) {
        g_autofree char *least = ct_format_duration(selection->min_ns);

        g_string_append_printf(text, "%sof %s or more", text->len > 0 ? ", " : "", least);
    }
    return g_strdup_printf("waits%s%s%s", text->len > 0 ? " " : "", text->str,
                           selection->is_without_idle ? " that are not idle" : "");
}

static void add_names(GString *text, const char *what, const char *const *names)
{
    if (is_everyone(names))
        return;
    g_autofree char *list = g_strjoinv(", ", (char **)names);

    g_string_append_printf(text, "%s%s %s", text->len > 0 ? "; " : "", what, list);
}

char *ct_selection_describe(const struct ct_selection *selection)
{
    g_autofree char *waits = ct_selection_describe_waits(selection);
    GString *text = g_string_new(NULL);

    add_names(text, "processes", selection->processes);
    add_names(text, "threads", selection->threads);
    if (waits[0])
        g_string_append_printf(text, "%s%s", text->len > 0 ? "; " : "", waits);
    return g_string_free(text, FALSE);
}
