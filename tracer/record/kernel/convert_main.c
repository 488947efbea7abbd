/* ctrace-kernel-convert: for the recorder only. Prints how many events it wrote, and were lost. */
#include "convert.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    struct ct_kernel_totals totals;

    if (argc != 4) {
        g_printerr("usage: ctrace-kernel-convert DIR PID FOLLOWS\n");
        return 2;
    }
    if (!ct_kernel_convert(argv[1], (int32_t)strtol(argv[2], NULL, 10), argv[3][0] == '1', &totals,
                           &error)) {
        g_printerr("%s\n", error->message);
        return 1;
    }
    g_print(CT_KERNEL_TOTALS_FORMAT "\n", totals.events, totals.lost, totals.hidden_processes,
            totals.hidden_threads);
    return 0;
}
