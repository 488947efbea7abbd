#include "timeline_options.h"

#include "cli/command.h"
#include "options/parse.h"
#include "options/quantity.h"
#include "paint/surface.h"
#include "view/html/html.h"

#include <string.h>

enum {
    LEAST_WIDTH_PX = 480,
    MOST_WIDTH_PX = 32000,
};

void ct_timeline_options_clear(struct ct_timeline_options *options)
{
    g_free(options->output);
    g_free(options->threads);
    g_free(options->sort_name);
    g_free(options->theme_name);
    g_free(options->max_size);
    ct_scope_clear(&options->scope);
    ct_asked_request_clear(&options->request);
    g_strfreev(options->directories);
    g_strfreev(options->choice.globs);
}
static const char description[] =
    CT_SCOPE_HELP "\n"
                  "\n"
                  "Examples:\n"
                  "  ctrace timeline -o all.svg\n"
                  "  ctrace timeline -o all.html          # to walk through, without ctrace\n"
                  "  ctrace timeline -o burst.html --from=1.2s --to=1.25s\n"
                  "  ctrace timeline -o detail.png --from=1.2s --to=1.25s --threads='worker*'";

static const char *const sort_names[] = {
    [CT_SCENE_SORT_START] = "start",
    [CT_SCENE_SORT_ACTIVITY] = "activity",
    [CT_SCENE_SORT_NAME] = "name",
    [CT_SCENE_SORT_TIME] = "time",
    NULL,
};

static char **list_orders(void)
{
    return g_strdupv((char **)sort_names);
}

gboolean ct_timeline_options_parse(struct ct_timeline_options *options, char **argv, GError **error)
{
    g_auto(GStrv) arguments = g_strdupv(argv);
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
         "Picture to write; .png, .svg or .pdf; or .html: a page with the recording in it", "FILE"},
        {"threads", 0, 0, G_OPTION_ARG_STRING, &options->threads,
         "The N busiest threads (default 64), all, or those whose name or id matches",
         "N|all|GLOB,..."},
        {"sort", 0, 0, G_OPTION_ARG_STRING, &options->sort_name,
         "Order of threads: start (default), activity, name, or time of their first activity",
         "ORDER"},
        {"theme", 0, 0, G_OPTION_ARG_STRING, &options->theme_name, "light (default) or dark",
         "THEME"},
        {"patterns", 0, 0, G_OPTION_ARG_NONE, &options->has_patterns,
         "Tell states by patterns, too, not by colours alone", NULL},
        {"width", 0, 0, G_OPTION_ARG_INT, &options->width_px, "Width of the picture (default 1600)",
         "PX"},
        {"no-cpu-lanes", 0, 0, G_OPTION_ARG_NONE, &options->has_no_cpu_lanes,
         "Leave out on which CPU each thread ran", NULL},
        {"no-overview", 0, 0, G_OPTION_ARG_NONE, &options->has_no_overview,
         "Leave out the chart of how many threads are in which state", NULL},
        {"path", 0, 0, G_OPTION_ARG_NONE, &options->has_path,
         "Draw what the end depended on, moment by moment: the critical path", NULL},
        {"findings", 0, 0, G_OPTION_ARG_NONE, &options->has_findings,
         "Say what held the program up, as ctrace report does, and mark where", NULL},
        {"scale", 0, 0, G_OPTION_ARG_DOUBLE, &options->scale,
         "Dots per pixel of a PNG (default 1; 2 for fine screens)", "FACTOR"},
        {"max-size", 0, 0, G_OPTION_ARG_STRING, &options->max_size,
         "Leave out of an .html what would make it larger (default 15M)", "SIZE"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->directories, NULL,
         "[DIR]"},
        G_OPTION_ENTRY_NULL,
    };
    static const struct ct_option_values values[] = {
        {"ORDER", list_orders}, {"THEME", ct_palette_names}, {0}};
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_set_summary(context, "Draws what every thread of a recording waited for.");
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    ct_asked_request_add_option(&options->request, context);
    ct_scope_add_options(&options->scope, context);
    return ct_options_parse_values(context, entries, values, &arguments, error);
}

/* FALSE: there is no such order. */
static gboolean find_sort(const char *name, enum ct_scene_sort *sort)
{
    for (size_t i = 0; sort_names[i]; i++) {
        *sort = (enum ct_scene_sort)i;
        if (!name || g_str_equal(name, sort_names[i]))
            return TRUE;
    }
    return FALSE;
}

static gboolean parse_threads(const char *text, struct ct_thread_choice *choice, GError **error)
{
    *choice = (struct ct_thread_choice){.row_limit = CT_SCENE_DEFAULT_ROWS};
    if (!text)
        return TRUE;
    guint64 count;
    if (strspn(text, "0123456789") == strlen(text)) {
        if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT, &count, NULL)) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "--threads=%s: a number of threads is at least 1", text);
            return FALSE;
        }
        choice->row_limit = count;
        return TRUE;
    }
    choice->row_limit = CT_SCENE_ALL_ROWS;
    if (!g_str_equal(text, "all"))
        choice->globs = g_strsplit(text, ",", -1);
    return TRUE;
}

/* As the other commands say it: all that have these names, unless there is a count. */
static void add_names(struct ct_thread_choice *choice, char **names, gboolean has_count)
{
    g_autoptr(GStrvBuilder) all = g_strv_builder_new();

    if (!names)
        return;
    if (!has_count)
        choice->row_limit = CT_SCENE_ALL_ROWS;
    if (choice->globs)
        g_strv_builder_addv(all, (const char **)choice->globs);
    g_strv_builder_addv(all, (const char **)names);
    g_strfreev(choice->globs);
    choice->globs = g_strv_builder_end(all);
}

/* A page has all threads and waits of its time, and is not of a width. */
static gboolean is_of_pictures(const struct ct_timeline_options *options)
{
    return options->threads || options->sort_name || options->theme_name || options->has_patterns ||
           options->has_path || options->has_findings || options->request.typed ||
           options->has_no_cpu_lanes || options->has_no_overview ||
           options->width_px != CT_TIMELINE_USUAL_WIDTH_PX || options->scale != 1 ||
           !ct_selection_is_all(&options->scope.selection);
}

static gboolean check_html(struct ct_timeline_options *options, GError **error)
{
    const char *problem = NULL;

    options->max_bytes = CT_HTML_SIZE_USUAL;
    if (options->max_size && (!ct_quantity_parse_size(options->max_size, &options->max_bytes) ||
                              options->max_bytes < CT_HTML_SIZE_MIN))
        problem = "--max-size: give a number with a unit, such as 15M, and at least 500k";
    else if (!ct_scope_check(&options->scope, error))
        return FALSE;
    else if (is_of_pictures(options))
        problem = "an .html has all threads and waits of its time: give it --from, --to and "
                  "--max-size alone";
    if (problem)
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, problem);
    return !problem && ct_command_directory(options->directories, error);
}

static gboolean check_format(const char *output, GError **error)
{
    if (ct_surface_format_of(output, NULL))
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "cannot tell the format of '%s': its name must end in .png, .svg, .pdf or .html",
                output);
    return FALSE;
}

gboolean ct_timeline_options_check(struct ct_timeline_options *options, GError **error)
{
    const char *problem = NULL;

    if (ct_html_is_name(options->output))
        return check_html(options, error);
    options->palette = ct_palette_find(options->theme_name ? options->theme_name : "light");
    if (!options->output)
        problem = "say where to draw: -o FILE.svg (or .png, .pdf, .html)";
    else if (options->max_size)
        problem = "--max-size is of files whose name ends in .html";
    else if (options->width_px < LEAST_WIDTH_PX || options->width_px > MOST_WIDTH_PX)
        problem = "--width must be between 480 and 32000 pixels";
    else if (!(options->scale >= 0.25 && options->scale <= 8))
        problem = "--scale must be between 0.25 and 8";
    else if (!find_sort(options->sort_name, &options->sort))
        problem = "--sort must be start, activity, name or time";
    else if (!options->palette)
        problem = "--theme must be light or dark";
    if (problem) {
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, problem);
        return FALSE;
    }
    if (!ct_command_directory(options->directories, error) ||
        !check_format(options->output, error) ||
        !parse_threads(options->threads, &options->choice, error) ||
        !ct_scope_check(&options->scope, error) ||
        !ct_asked_request_check(&options->request, options->has_path, "ctrace timeline --path",
                                error))
        return FALSE;
    add_names(&options->choice, options->scope.threads, options->threads != NULL);
    return TRUE;
}
