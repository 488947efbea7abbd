/* How advice is told: as text, and as JSON for scripts. */
#include "doctor/advice.h"
#include "export/json_document.h"
#include "export/text_table.h"
#include "text/safe_text.h"

#include <string.h>

#define KIND_COLUMNS  8
#define TOPIC_COLUMNS 17
#define INDENT        (KIND_COLUMNS + TOPIC_COLUMNS)

static const struct {
    const char *word;
    const char *name; /* in JSON */
} kinds[CT_ADVICE_KIND_COUNT] = {
    [CT_ADVICE_FINE] = {"ok", "fine"},
    [CT_ADVICE_LESS] = {"less", "less"},
    [CT_ADVICE_WRONG] = {"WRONG", "wrong"},
};

static void append_advice(GString *out, const struct ct_advice *advice, guint width)
{
    g_autofree char *text = ct_safe_line(advice->text);
    g_autofree char *todo = ct_safe_line(advice->todo);
    g_autofree char *arrow = g_strdup_printf("-> %s", todo);

    g_string_append_printf(out, "  %-*s%-*s", KIND_COLUMNS - 2, kinds[advice->kind].word,
                           TOPIC_COLUMNS, advice->topic);
    ct_text_append_wrapped(out, text, INDENT, INDENT, width);
    if (!*todo)
        return;
    g_string_append_printf(out, "%*s", INDENT, "");
    ct_text_append_wrapped(out, arrow, INDENT, INDENT + 3, width);
}

static void append_outcome(GString *out, const GPtrArray *advices)
{
    guint wrong = ct_advices_count(advices, CT_ADVICE_WRONG);
    guint less = ct_advices_count(advices, CT_ADVICE_LESS);

    if (wrong == 0 && less == 0)
        g_string_append(out, "\nNothing is wrong\n");
    else if (wrong == 0)
        g_string_append_printf(out, "\nNothing is wrong; %u thing%s could tell more\n", less,
                               less == 1 ? "" : "s");
    else
        g_string_append_printf(out, "\n%u thing%s wrong\n", wrong, wrong == 1 ? " is" : "s are");
}

static void write_text(const GPtrArray *advices, guint width, FILE *out)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *subject = NULL;

    for (guint i = 0; i < advices->len; i++) {
        const struct ct_advice *advice = advices->pdata[i];

        if (!subject || strcmp(subject, advice->subject) != 0) {
            g_autofree char *safe = ct_safe_line(advice->subject);

            g_string_append_printf(text, "%s%c%s\n", subject ? "\n" : "", g_ascii_toupper(safe[0]),
                                   safe[0] ? safe + 1 : "");
        }
        subject = advice->subject;
        append_advice(text, advice, width);
    }
    append_outcome(text, advices);
    fputs(text->str, out);
}

static void write_json(const GPtrArray *advices, guint width, FILE *out)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(JsonGenerator) generator = json_generator_new();
    struct ct_json_document document = {.out = out, .json = json, .generator = generator};

    (void)width;
    json_generator_set_pretty(generator, TRUE);
    fputs("{\n", out);
    ct_json_write_string(&document, "schema", "ctrace-doctor-1");
    ct_json_write_number(&document, "wrong", ct_advices_count(advices, CT_ADVICE_WRONG));
    ct_json_write_number(&document, "less", ct_advices_count(advices, CT_ADVICE_LESS));
    ct_json_begin_array(&document, "advice");
    for (guint i = 0; i < advices->len; i++) {
        const struct ct_advice *advice = advices->pdata[i];
        JsonBuilder *element = ct_json_begin_element(&document);

        ct_json_add_string(element, "kind", kinds[advice->kind].name);
        ct_json_add_string(element, "subject", advice->subject);
        ct_json_add_string(element, "topic", advice->topic);
        ct_json_add_string(element, "text", advice->text);
        ct_json_add_string(element, "todo", advice->todo);
        ct_json_end_element(&document);
    }
    ct_json_end_array(&document);
    fputs("\n}\n", out);
}

static const struct ct_advice_format formats[] = {
    {"text", write_text},
    {"json", write_json},
};

const struct ct_advice_format *ct_advice_format_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (!name || strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

char **ct_advice_format_names(void)
{
    char **names = g_new0(char *, G_N_ELEMENTS(formats) + 1);

    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        names[i] = g_strdup(formats[i].name);
    return names;
}
