/* Writes profiles for test_go_pprof.sh: write_pprof FILE KIND ROUNDS */
#include "cli/output.h"
#include "export/gzip.h"
#include "pprof_fixture.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argument_count, char **arguments)
{
    enum ct_profile_kind kind;
    g_autoptr(GError) error = NULL;

    if (argument_count != 4 || !ct_profile_kind_from_name(arguments[2], &kind))
        return EXIT_FAILURE;
    g_autoptr(ct_model) model = fixture_pprof_model();
    g_autoptr(GBytes) profile = fixture_pprof(model, kind, atoi(arguments[3]));
    g_autoptr(GBytes) compressed = ct_gzip(profile, &error);
    if (!compressed || !ct_output_write_file(arguments[1], compressed, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
