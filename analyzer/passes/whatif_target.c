#include "passes/whatif_target.h"

#include "symbols/object_name.h"
#include "symbols/stack_text.h"

#include <string.h>

G_DEFINE_QUARK(ct - whatif - error - quark, ct_whatif_error)

const char *ct_whatif_kind_name(enum ct_whatif_kind kind)
{
    static const char *const names[] = {
#define KIND_NAME(symbol, name) name,
        CT_WHATIF_KINDS(KIND_NAME)
#undef KIND_NAME
    };

    return names[kind];
}

gboolean ct_whatif_has_function(const struct ct_whatif *what, struct ct_symbolizer *symbolizer,
                                const struct ct_process *process, uint32_t stack_id)
{
    g_autoptr(GArray) frames = ct_stack_list(symbolizer, process, stack_id);

    for (guint i = 0; i < frames->len; i++) {
        const struct ct_symbol_frame *frame =
            g_array_index(frames, struct ct_stack_frame, i).function;

        if (frame && strcmp(frame->function, what->name) == 0)
            return TRUE;
    }
    return FALSE;
}

gboolean ct_whatif_is_thread(const struct ct_whatif *what, const struct ct_thread *thread)
{
    const char *const names[] = {what->name, NULL};
    const struct ct_selection selection = {.threads = names};

    return ct_selection_has_thread(&selection, thread);
}

gboolean ct_whatif_is_lock(const struct ct_whatif *what, struct ct_symbolizer *symbolizer,
                           const struct ct_store_object *object)
{
    uint64_t address;

    if (!ct_object_is_address(object->kind))
        return FALSE;
    if (g_str_has_prefix(what->name, "0x"))
        return g_ascii_string_to_unsigned(what->name + 2, 16, 0, UINT64_MAX, &address, NULL) &&
               address == object->id;
    return g_strcmp0(ct_object_find_name(symbolizer, object->process, object->kind, object->id,
                                         UINT64_MAX),
                     what->name) == 0;
}

static gboolean has_thread(const struct ct_model *model, const struct ct_whatif *what)
{
    for (guint i = 0; i < model->threads->len; i++) {
        if (ct_whatif_is_thread(what, model->threads->pdata[i]))
            return TRUE;
    }
    return FALSE;
}

static gboolean has_lock(struct ct_store *store, struct ct_symbolizer *symbolizer,
                         const struct ct_whatif *what)
{
    for (guint i = 0; i < ct_store_object_count(store); i++) {
        if (ct_whatif_is_lock(what, symbolizer, ct_store_object(store, i)))
            return TRUE;
    }
    return FALSE;
}

static gboolean has_any_function(const struct ct_model *model, struct ct_symbolizer *symbolizer,
                                 const struct ct_whatif *what)
{
    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = model->processes->pdata[i];
        GHashTableIter at;
        void *id;

        g_hash_table_iter_init(&at, process->stacks);
        while (g_hash_table_iter_next(&at, &id, NULL)) {
            if (ct_whatif_has_function(what, symbolizer, process, GPOINTER_TO_UINT(id)))
                return TRUE;
        }
    }
    return FALSE;
}

/* What the words before the colon say; -1: there are none. */
static int take_kind(const char *text, struct ct_whatif *what)
{
    for (int kind = 0; kind < CT_WHATIF_KIND_COUNT; kind++) {
        size_t length = strlen(ct_whatif_kind_name(kind));

        if (strncmp(text, ct_whatif_kind_name(kind), length) == 0 && text[length] == ':') {
            what->name = text + length + 1;
            return kind;
        }
    }
    what->name = text;
    return -1;
}

gboolean ct_whatif_find(struct ct_store *store, const struct ct_model *model,
                        struct ct_symbolizer *symbolizer, const char *text, struct ct_whatif *what,
                        GError **error)
{
    int asked = take_kind(text, what);
    const gboolean is_there[CT_WHATIF_KIND_COUNT] = {
        [CT_WHATIF_FUNCTION] =
            (asked < 0 || asked == CT_WHATIF_FUNCTION) && has_any_function(model, symbolizer, what),
        [CT_WHATIF_LOCK] =
            (asked < 0 || asked == CT_WHATIF_LOCK) && has_lock(store, symbolizer, what),
        [CT_WHATIF_THREAD] = (asked < 0 || asked == CT_WHATIF_THREAD) && has_thread(model, what),
    };
    guint count = 0;

    for (int kind = 0; kind < CT_WHATIF_KIND_COUNT; kind++) {
        if (!is_there[kind])
            continue;
        what->kind = (enum ct_whatif_kind)kind;
        count++;
    }
    if (count == 1)
        return TRUE;
    if (count == 0)
        g_set_error(
            error, CT_WHATIF_ERROR, CT_WHATIF_ERROR_UNKNOWN,
            "no thread, lock that was waited for, or function in a recorded stack is called "
            "\"%s\": see their names with ctrace report --all",
            what->name);
    else
        g_set_error(error, CT_WHATIF_ERROR, CT_WHATIF_ERROR_AMBIGUOUS,
                    "\"%s\" is the name of several: say function:%s, lock:%s or thread:%s",
                    what->name, what->name, what->name, what->name);
    return FALSE;
}
