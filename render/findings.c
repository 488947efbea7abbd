#include "findings.h"

#include "cli/sibling.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* ---- Asking ---- */

/* Options as they are typed into a shell, once more as arguments. */
static gboolean add_words(GPtrArray *arguments, char *words, GError **error)
{
    g_autofree char *typed = g_strstrip(words);
    g_auto(GStrv) parsed = NULL;

    if (typed[0] && !g_shell_parse_argv(typed, NULL, &parsed, error))
        return FALSE;
    for (char **word = parsed; word && *word; word++)
        g_ptr_array_add(arguments, g_strdup(*word));
    return TRUE;
}

static GPtrArray *arguments_of(const char *program, const char *directory,
                               const struct ct_scope *scope, GError **error)
{
    static const enum ct_scope_part parts[] = {CT_SCOPE_PROCESSES, CT_SCOPE_THREADS, CT_SCOPE_WAITS,
                                               CT_SCOPE_TIMES};
    g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(arguments, g_strdup(program));
    g_ptr_array_add(arguments, g_strdup("--format=json"));
    g_ptr_array_add(arguments, g_strdup("--top=0"));
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        if (!add_words(arguments, ct_scope_words(scope, parts[i]), error))
            return NULL;
    g_ptr_array_add(arguments, g_strdup("--"));
    g_ptr_array_add(arguments, g_strdup(directory));
    g_ptr_array_add(arguments, NULL);
    return g_steal_pointer(&arguments);
}

static void set_failure(char *complaints, GError **error)
{
    const char *text = g_strchomp(complaints);

    g_set_error(error, G_SPAWN_ERROR, G_SPAWN_ERROR_FAILED,
                "cannot find out what held the program up: %s",
                text[0] ? text : "ctrace report was ended");
}

GBytes *ct_timeline_findings_ask(const char *directory, const struct ct_scope *scope,
                                 GError **error)
{
    g_autofree char *program = ct_sibling_find("report");
    g_autofree char *complaints = NULL;
    char *report = NULL;
    int status;

    if (!program) {
        g_set_error_literal(error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT,
                            "--findings needs ctrace report, which is not installed beside this "
                            "program (ctrace-analyzer)");
        return NULL;
    }
    g_autoptr(GPtrArray) arguments = arguments_of(program, directory, scope, error);

    if (!arguments || !g_spawn_sync(NULL, (char **)arguments->pdata, NULL, G_SPAWN_DEFAULT, NULL,
                                    NULL, &report, &complaints, &status, error))
        return NULL;
    if (!g_spawn_check_wait_status(status, NULL)) {
        g_free(report);
        set_failure(complaints, error);
        return NULL;
    }
    return g_bytes_new_take(report, strlen(report));
}

/* ---- Reading ---- */

static void finding_clear(void *data)
{
    struct ct_scene_finding *finding = data;

    g_free(finding->text);
    g_array_unref(finding->tids);
}

/* A report tells as text what is beyond the numbers that every reader takes, as times are where the
 * machine has been up for long. 0: it lacks. */
static uint64_t number_of(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    if (!node || !JSON_NODE_HOLDS_VALUE(node))
        return 0;
    return json_node_get_value_type(node) == G_TYPE_STRING
               ? g_ascii_strtoull(json_node_get_string(node), NULL, 10)
               : (uint64_t)json_node_get_int(node);
}

static struct ct_window window_of(JsonObject *object)
{
    return (struct ct_window){number_of(object, "from_ns"), number_of(object, "to_ns")};
}

static struct ct_scene_finding finding_of(JsonObject *object)
{
    struct ct_scene_finding finding = {
        .text = g_strdup(json_object_get_string_member_with_default(object, "text", "")),
        .when = window_of(object),
        .tids = g_array_new(FALSE, FALSE, sizeof(int32_t)),
    };
    JsonArray *tids = json_object_has_member(object, "tids")
                          ? json_object_get_array_member(object, "tids")
                          : NULL;

    for (guint i = 0; tids && i < json_array_get_length(tids); i++) {
        int32_t tid = (int32_t)json_array_get_int_element(tids, i);
        g_array_append_val(finding.tids, tid);
    }
    if (json_object_has_member(object, "longest")) {
        JsonObject *longest = json_object_get_object_member(object, "longest");

        finding.longest = window_of(longest);
        finding.longest_tid = (int32_t)number_of(longest, "tid");
    }
    return finding;
}

GArray *ct_timeline_findings_read(GBytes *report, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    gsize length;
    const char *text = g_bytes_get_data(report, &length);

    if (!json_parser_load_from_data(parser, text, (gssize)length, error))
        return NULL;
    GArray *findings = g_array_new(FALSE, FALSE, sizeof(struct ct_scene_finding));
    JsonObject *all = json_node_get_object(json_parser_get_root(parser));
    JsonArray *list = json_object_get_array_member(all, "findings");

    g_array_set_clear_func(findings, finding_clear);
    for (guint i = 0; i < json_array_get_length(list); i++) {
        struct ct_scene_finding finding = finding_of(json_array_get_object_element(list, i));
        g_array_append_val(findings, finding);
    }
    if (findings->len == 0 && json_object_has_member(all, "no_findings")) {
        struct ct_scene_finding none =
            finding_of(json_object_get_object_member(all, "no_findings"));
        none.is_none = TRUE;
        g_array_append_val(findings, none);
    }
    return findings;
}
