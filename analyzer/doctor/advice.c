#include "doctor/advice.h"

static void advice_free(void *data)
{
    struct ct_advice *advice = data;

    g_free(advice->subject);
    g_free(advice->topic);
    g_free(advice->text);
    g_free(advice->todo);
    g_free(advice);
}

GPtrArray *ct_advices_new(void)
{
    return g_ptr_array_new_with_free_func(advice_free);
}

void ct_advices_add(GPtrArray *advices, enum ct_advice_kind kind, const char *subject,
                    const char *topic, const char *text, const char *todo)
{
    struct ct_advice *advice = g_new0(struct ct_advice, 1);

    advice->kind = kind;
    advice->subject = g_strdup(subject);
    advice->topic = g_strdup(topic);
    advice->text = g_strdup(text);
    advice->todo = g_strdup(todo ? todo : "");
    g_ptr_array_add(advices, advice);
}

guint ct_advices_count(const GPtrArray *advices, enum ct_advice_kind kind)
{
    guint count = 0;

    for (guint i = 0; i < advices->len; i++)
        count += ((const struct ct_advice *)advices->pdata[i])->kind == kind;
    return count;
}
