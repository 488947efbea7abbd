#include "cli/scope.h"

#include "cli/window.h"

void ct_part_add_options(struct ct_part *part, GOptionContext *context)
{
    const GOptionEntry entries[] = {
        {"process", 0, 0, G_OPTION_ARG_STRING_ARRAY, &part->processes,
         "Only of this process; can be repeated, and may hold * and ?", "NAME|PID"},
        {"thread", 0, 0, G_OPTION_ARG_STRING_ARRAY, &part->threads,
         "Only of this thread; can be repeated, and may hold * and ?", "NAME|TID"},
        {"threads", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, &part->misnamed, NULL, NULL},
        {"from", 0, 0, G_OPTION_ARG_STRING, &part->from, "Only what happened after TIME", "TIME"},
        {"to", 0, 0, G_OPTION_ARG_STRING, &part->to, "Only what happened before TIME", "TIME"},
        {0}};

    g_option_context_add_main_entries(context, entries, NULL);
}

void ct_part_clear(struct ct_part *part)
{
    g_free(part->from);
    g_free(part->to);
    g_strfreev(part->processes);
    g_strfreev(part->threads);
    g_free(part->misnamed);
}

static gboolean parse(const char *option, const char *text, struct ct_moment *moment,
                      GError **error)
{
    if (ct_moment_parse(text, moment, error))
        return TRUE;
    g_prefix_error(error, "%s: ", option);
    return FALSE;
}

gboolean ct_part_check(const struct ct_part *part, GError **error)
{
    struct ct_moment from, to;

    if (part->misnamed) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--threads=%s is an option of ctrace timeline: here it is --thread=NAME or "
                    "--thread=TID, once for each",
                    part->misnamed);
        return FALSE;
    }
    if ((part->from && !parse("--from", part->from, &from, error)) ||
        (part->to && !parse("--to", part->to, &to, error)))
        return FALSE;
    /* Of a share and a time it takes the recording to tell. */
    if (!part->from || !part->to || from.is_share != to.is_share)
        return TRUE;
    if (from.is_share ? from.share < to.share : from.offset_ns < to.offset_ns)
        return TRUE;
    g_set_error(error, CT_WINDOW_ERROR, CT_WINDOW_ERROR_SYNTAX, "--from=%s is not before --to=%s",
                part->from, part->to);
    return FALSE;
}

gboolean ct_part_is_whole_time(const struct ct_part *part)
{
    return !part->from && !part->to;
}

struct ct_selection ct_part_selection(const struct ct_part *part)
{
    return (struct ct_selection){(const char *const *)part->processes,
                                 (const char *const *)part->threads};
}
