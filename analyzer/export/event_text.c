#include "export/event_text.h"

#include "model/format.h"
#include "symbols/object_name.h"
#include "symbols/stack_text.h"
#include "text/safe_text.h"

/* Which stack, of which process. */
struct key {
    const struct ct_process *process;
    uint32_t stack_id;
};

struct stack_texts {
    char *stack; /* owned, as is the next */
    char *place;
};

struct ct_event_texts {
    struct ct_symbolizer *symbolizer; /* borrowed */
    GHashTable *stacks;               /* owned; struct key * -> struct stack_texts *, owned */
};

static guint key_hash(const void *data)
{
    const struct key *key = data;

    return g_direct_hash(key->process) * 31 + key->stack_id;
}

static gboolean key_equal(const void *a, const void *b)
{
    const struct key *first = a, *second = b;

    return first->process == second->process && first->stack_id == second->stack_id;
}

static void stack_texts_free(void *data)
{
    struct stack_texts *texts = data;

    g_free(texts->stack);
    g_free(texts->place);
    g_free(texts);
}

struct ct_event_texts *ct_event_texts_new(struct ct_symbolizer *symbolizer)
{
    struct ct_event_texts *texts = g_new0(struct ct_event_texts, 1);

    texts->symbolizer = symbolizer;
    texts->stacks = g_hash_table_new_full(key_hash, key_equal, g_free, stack_texts_free);
    return texts;
}

void ct_event_texts_free(struct ct_event_texts *texts)
{
    g_hash_table_unref(texts->stacks);
    g_free(texts);
}

const char *ct_event_name(const struct ct_interval *interval)
{
    if (interval->op == CT_OP_NONE || interval->class == CT_CLASS_RUNNABLE)
        return ct_class_name(interval->class);
    return interval->call_name ? interval->call_name : ct_op_name(interval->op);
}

char *ct_event_object(struct ct_event_texts *texts, const struct ct_interval *interval)
{
    g_autofree char *object = ct_format_object(interval);
    const char *variable =
        ct_object_find_name(texts->symbolizer, interval->thread->process,
                            ct_op_object(interval->op), interval->object, interval->begin_ns);
    g_autofree char *whole = variable ? g_strdup_printf("%s (%s)", object, variable) : NULL;

    return ct_safe_line(whole ? whole : object);
}

static struct stack_texts *make_texts(const struct ct_event_texts *texts,
                                      const struct ct_process *process, uint32_t stack_id)
{
    struct stack_texts *made = g_new0(struct stack_texts, 1);
    g_autoptr(GPtrArray) frames = ct_stack_frames(texts->symbolizer, process, stack_id);
    const struct ct_symbol_frame *place = ct_stack_place(texts->symbolizer, process, stack_id);
    g_autofree char *place_text = place ? ct_stack_place_text(place) : g_strdup("");

    g_ptr_array_add(frames, NULL);
    g_autofree char *stack = g_strjoinv("\n", (char **)frames->pdata);

    made->stack = ct_safe_lines(stack);
    made->place = ct_safe_line(place_text);
    return made;
}

static const struct stack_texts *find_texts(struct ct_event_texts *texts,
                                            const struct ct_process *process, uint32_t stack_id)
{
    const struct key key = {process, stack_id};
    struct stack_texts *found = g_hash_table_lookup(texts->stacks, &key);

    if (!found) {
        found = make_texts(texts, process, stack_id);
        g_hash_table_insert(texts->stacks, g_memdup2(&key, sizeof(key)), found);
    }
    return found;
}

const char *ct_event_stack(struct ct_event_texts *texts, const struct ct_process *process,
                           uint32_t stack_id)
{
    return find_texts(texts, process, stack_id)->stack;
}

char *ct_event_stack_line(struct ct_event_texts *texts, const struct ct_process *process,
                          uint32_t stack_id)
{
    g_auto(GStrv) lines = g_strsplit(ct_event_stack(texts, process, stack_id), "\n", -1);

    return g_strjoinv(" < ", lines);
}

const char *ct_event_place(struct ct_event_texts *texts, const struct ct_process *process,
                           uint32_t stack_id)
{
    return find_texts(texts, process, stack_id)->place;
}
