/* A profile as `ctrace pprof` writes it. */
#include "export/gzip.h"
#include "export/pprof.h"
#include "export/trace_format.h"

gboolean ct_export_write_pprof(const struct ct_export_input *input, FILE *out, GError **error)
{
    const struct ct_pprof_input profile = {
        .samples = input->samples,
        .model = input->model,
        .symbolizer = input->symbolizer,
        .kind = input->kind,
        .begin_ns = input->begin_ns,
        .end_ns = input->end_ns,
        .only = input->only,
    };
    g_autoptr(GBytes) encoded = ct_pprof_encode(&profile);
    g_autoptr(GBytes) compressed = ct_gzip(encoded, error);

    if (!compressed)
        return FALSE;
    fwrite(g_bytes_get_data(compressed, NULL), 1, g_bytes_get_size(compressed), out);
    return TRUE;
}
