#include "view/reader/questions.h"

#include "text/safe_text.h"

#include <string.h>

static const struct {
    const char *name;
    ct_view_question *answer;
} questions[] = {
    {"area", ct_view_area}, {"interval", ct_view_interval}, {"overview", ct_view_overview},
    {"path", ct_view_path}, {"tids", ct_view_tids},         {"tiles", ct_view_tiles},
};

char *ct_view_json_text(JsonBuilder *json)
{
    g_autoptr(JsonNode) root = json_builder_get_root(json);
    g_autofree char *text = json_to_string(root, FALSE);

    return ct_safe_json(text);
}

static ct_view_question *find_question(const char *name, size_t size)
{
    for (size_t i = 0; i < G_N_ELEMENTS(questions); i++)
        if (strlen(questions[i].name) == size && memcmp(questions[i].name, name, size) == 0)
            return questions[i].answer;
    return NULL;
}

static GHashTable *parse_params(const char *text, GError **error)
{
    GHashTable *params = g_uri_parse_params(text, -1, "&", G_URI_PARAMS_WWW_FORM, NULL);

    if (!params)
        g_set_error(error, CT_VIEW_ERROR, CT_VIEW_ERROR_WRONG, "the parameters are none of a URL");
    return params;
}

gboolean ct_view_ask(struct ct_view_reader *reader, const char *question,
                     struct ct_view_answer *answer, GError **error)
{
    size_t size = strcspn(question, "?");
    g_autoptr(GHashTable) params =
        parse_params(question[size] == '?' ? question + size + 1 : "", error);
    ct_view_question *found = find_question(question, size);

    if (!params)
        return FALSE;
    if (found)
        return found(reader, params, answer, error);
    g_set_error(error, CT_VIEW_ERROR, CT_VIEW_ERROR_NOBODY, "there is no such question");
    return FALSE;
}
