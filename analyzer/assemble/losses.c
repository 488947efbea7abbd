#include "assemble/losses.h"

struct ct_losses {
    GSequence *pending; /* owned; owned struct ct_kernel_loss *, in the order of their begins */
};

struct ct_losses *ct_losses_new(void)
{
    struct ct_losses *losses = g_new0(struct ct_losses, 1);

    losses->pending = g_sequence_new(g_free);
    return losses;
}

void ct_losses_free(struct ct_losses *losses)
{
    g_sequence_free(losses->pending);
    g_free(losses);
}

static int compare(const void *a, const void *b, void *data)
{
    const struct ct_kernel_loss *first = a, *second = b;

    (void)data;
    return (first->begin_ns > second->begin_ns) - (first->begin_ns < second->begin_ns);
}

void ct_losses_add(struct ct_losses *losses, const struct ct_kernel_loss *loss)
{
    g_sequence_insert_sorted(losses->pending, g_memdup2(loss, sizeof(*loss)), compare, NULL);
}

gboolean ct_losses_take(struct ct_losses *losses, uint64_t time_ns, struct ct_kernel_loss *loss)
{
    GSequenceIter *first = g_sequence_get_begin_iter(losses->pending);

    if (g_sequence_iter_is_end(first))
        return FALSE;
    *loss = *(const struct ct_kernel_loss *)g_sequence_get(first);
    if (loss->begin_ns > time_ns)
        return FALSE;
    g_sequence_remove(first);
    return TRUE;
}
