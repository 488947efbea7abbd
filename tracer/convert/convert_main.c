/* ctrace-kernel-convert: for the recorder only. Prints the totals. */
#include "convert.h"

#include "schema/events.h"
#include "text/safe_text.h"

#include <stdlib.h>
#include <sys/stat.h>

/* One name a line, whatever is in it. */
static void print_line(const char *name)
{
    g_autofree char *safe = ct_safe_line(name);

    g_print("%s\n", safe);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    struct ct_kernel_totals totals;

    if (argc != 7) {
        g_printerr("usage: ctrace-kernel-convert DIR PID FOLLOWS FRAMES DESERTED_UNTIL_NS "
                   "BEGIN_NS\n");
        return 2;
    }
    umask(S_IRWXG | S_IRWXO); /* babeltrace2 makes files that all can read */
    const struct ct_kernel_scope scope = {
        .root_pid = (int32_t)strtol(argv[2], NULL, 10),
        .follows_children = argv[3][0] == '1',
        .stack_frames =
            CLAMP((uint32_t)strtoul(argv[4], NULL, 10), CT_STACK_MIN_FRAMES, CT_STACK_MAX_FRAMES),
        .deserted_until_ns = g_ascii_strtoull(argv[5], NULL, 10),
        .begin_ns = g_ascii_strtoull(argv[6], NULL, 10),
    };
    if (!ct_kernel_convert(argv[1], &scope, &totals, &error)) {
        g_printerr("%s\n", error->message);
        return 1;
    }
#define PRINT_TOTAL(name) g_print("%" G_GUINT64_FORMAT " ", totals.name);
    CT_KERNEL_TOTALS(PRINT_TOTAL)
    g_print("\n");
    for (guint i = 0; totals.unpreloaded_names != NULL && totals.unpreloaded_names[i] != NULL; i++)
        print_line(totals.unpreloaded_names[i]);
    g_strfreev(totals.unpreloaded_names);
    return 0;
}
