/* The places that allocate, as CSV. */
#include "export/csv_tables.h"

#include "summary/heap_places.h"
#include "symbols/stack_text.h"
#include "text/safe_text.h"

static void write_text(FILE *out, const char *text)
{
    g_autofree char *cell = ct_safe_csv(text);

    fprintf(out, "%s,", cell);
}

static void write_amount(FILE *out, const struct ct_heap_amount *amount)
{
    fprintf(out, "%.0f,%.0f,", amount->blocks, amount->bytes);
}

static void write_place(FILE *out, const struct ct_report *report,
                        const struct ct_heap_place *place)
{
    const struct ct_symbol_frame *frame =
        ct_stack_place(report->symbolizer, place->process, place->stack_id);

    write_text(out, place->process->name);
    fprintf(out, "%d,%u,", place->process->pid, place->process_count);
    write_text(out, frame ? frame->function : "");
    write_text(out, frame ? frame->file : "");
    if (frame && frame->line > 0)
        fprintf(out, "%u", frame->line);
    fprintf(out, ",%d,%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",", place->is_suspect,
            place->smallest, place->largest);
    write_amount(out, &place->allocated);
    write_amount(out, &place->freed);
    write_amount(out, &place->freed_elsewhere);
    write_amount(out, &place->live);
    write_amount(out, &place->before);
    write_amount(out, &place->peak);
    fprintf(out, "%.0f,%.0f,%" G_GUINT64_FORMAT "\r\n", ct_heap_amount_error(&place->live),
            place->life_ns, ct_heap_median_ns(place->lives));
}

void ct_csv_write_heap(const struct ct_report *report, FILE *out)
{
    fputs("process,pid,processes,function,file,line,is_leak_suspect,smallest_bytes,largest_bytes,"
          "allocated_blocks,allocated_bytes,freed_blocks,freed_bytes,freed_elsewhere_blocks,"
          "freed_elsewhere_bytes,live_blocks,live_bytes,before_blocks,before_bytes,peak_blocks,"
          "peak_bytes,live_error_bytes,life_total_ns,life_p50_ns\r\n",
          out);
    if (!report->heap)
        return;
    g_autoptr(GPtrArray) places = ct_heap_places_in_order(report->heap, CT_HEAP_ALL);
    for (guint i = 0; i < MIN(places->len, report->top); i++)
        write_place(out, report, places->pdata[i]);
}
