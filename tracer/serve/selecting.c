#include "serve/selecting.h"

struct ct_selection *ct_served_select(const struct ct_served *served, GError **error)
{
    if (served->cgroup)
        return ct_selection_new(NULL, served->cgroup, error);
    const GPtrArray *words = ct_served_words(served);

    return words->len > 0 ? ct_selection_expect(words) : NULL;
}
