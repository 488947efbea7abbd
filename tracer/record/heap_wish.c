#include "heap_wish.h"

#include "schema/control.h"
#include "schema/heap.h"

#include <string.h>

/* "0", or a number with KiB, MiB or GiB; k, M and G, as they are meant of memory, are the same. */
static gboolean parse_rate(const char *text, uint64_t *rate)
{
    static const struct {
        const char *name;
        unsigned shift;
    } units[] = {{"B", 0},  {"k", 10},  {"K", 10},   {"KB", 10}, {"kB", 10}, {"KiB", 10},
                 {"M", 20}, {"MB", 20}, {"MiB", 20}, {"G", 30},  {"GB", 30}, {"GiB", 30}};
    char *end;
    guint64 number = g_ascii_strtoull(text, &end, 10);

    if (!g_ascii_isdigit(text[0]) || number > CT_HEAP_RATE_MAX)
        return FALSE;
    *rate = number;
    if (end[0] == '\0')
        return number == 0;
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        if (strcmp(end, units[i].name) == 0) {
            *rate = number << units[i].shift;
            return number <= CT_HEAP_RATE_MAX >> units[i].shift;
        }
    }
    return FALSE;
}

gboolean ct_heap_wish_check(const struct ct_heap_wish *wish, const char *attaching, uint64_t *rate,
                            GError **error)
{
    *rate = wish->is_plain ? CT_HEAP_RATE_DEFAULT : CT_HEAP_OFF;
    if (wish->text != NULL && !parse_rate(wish->text, rate)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--heap=%s: give how many bytes there are to be from one sample to the next, "
                    "with a unit, as in --heap=" CT_HEAP_RATE_TEXT ", at most 1024GiB; or 0 for "
                    "all blocks",
                    wish->text);
        return FALSE;
    }
    if (*rate == CT_HEAP_OFF && wish->has_maps) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--heap-maps adds to what --heap records: give both");
        return FALSE;
    }
    if (*rate == CT_HEAP_OFF || attaching == NULL)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                "--heap makes no sense with %s: nothing is put into a program that runs already, "
                "and only its own allocator knows its heap: start the program by ctrace record "
                "--heap",
                attaching);
    return FALSE;
}
