#include "export/csv_tables.h"

#include "symbols/stack_text.h"
#include "text/safe_text.h"

static void write_text(FILE *out, const char *text)
{
    g_autofree char *cell = ct_safe_csv(text);

    fprintf(out, "%s,", cell);
}

static void write_number(FILE *out, uint64_t number)
{
    fprintf(out, "%" G_GUINT64_FORMAT ",", number);
}

static void write_rounded(FILE *out, double number)
{
    fprintf(out, "%.0f,", number);
}

static void write_process(FILE *out, const struct ct_process *process)
{
    write_text(out, process ? process->name : "");
    if (process)
        fprintf(out, "%d", process->pid);
    fputc(',', out);
}

/* ---- Calls ---- */

static void write_counters(FILE *out, const struct ct_process *process, enum ct_op op,
                           const struct ct_op_counters *counters)
{
    write_process(out, process);
    write_number(out, process->start_ns);
    write_text(out, ct_op_name(op));
    write_number(out, counters->calls);
    write_number(out, counters->total_ns);
    write_number(out, ct_op_counters_quantile_ns(counters, 0.5));
    fprintf(out, "%" G_GUINT64_FORMAT "\r\n", ct_op_counters_quantile_ns(counters, 0.99));
}

void ct_csv_write_calls(const struct ct_report *report, FILE *out)
{
    fputs("process,pid,process_start_ns,operation,calls,total_ns,p50_ns,p99_ns\r\n", out);
    for (guint i = 0; i < report->processes->len && ct_report_has_calls(report); i++) {
        const struct ct_process *process = report->processes->pdata[i];

        for (size_t op = 0; op < CT_OP_COUNT; op++) {
            const struct ct_op_counters *counters = ct_process_counters(process, (enum ct_op)op);

            if (counters)
                write_counters(out, process, (enum ct_op)op, counters);
        }
    }
}

/* ---- Locks ---- */

static void write_lock(FILE *out, const struct ct_report *report,
                       const struct ct_lock_holding *lock)
{
    g_autofree char *object = lock->process ? ct_report_lock_object(report, lock->process, lock->op,
                                                                    lock->object, lock->stack_id)
                                            : g_strdup("");

    write_process(out, lock->process);
    write_text(out, object);
    write_text(out, ct_object_name(lock->kind));
    write_rounded(out, lock->count);
    write_number(out, lock->ns);
    write_number(out, lock->longest_ns);
    write_number(out, lock->thread_count);
    write_number(out, lock->longest_queue);
    write_number(out, lock->hold_count);
    write_number(out, lock->hold_ns);
    write_number(out, lock->longest_hold_ns);
    for (size_t share = 0; share < CT_LOCK_SHARE_COUNT; share++)
        write_number(out, lock->share_ns[share]);
    fprintf(out, "%" G_GUINT64_FORMAT "\r\n", lock->inverted_ns);
}

void ct_csv_write_locks(const struct ct_report *report, FILE *out)
{
    fputs("process,pid,object,kind,count,total_ns,longest_ns,threads,longest_queue,known_holds,"
          "known_holds_ns,longest_known_hold_ns,",
          out);
    for (size_t share = 0; share < CT_LOCK_SHARE_COUNT; share++)
        fprintf(out, "%s_ns,", ct_lock_share_name((enum ct_lock_share)share));
    fputs("inverted_ns\r\n", out);
    for (guint i = 0; report->locks && i < MIN(report->locks->len, report->top); i++)
        write_lock(out, report, report->locks->pdata[i]);
}

/* ---- Places ---- */

static void write_site(FILE *out, const struct ct_report *report, const struct ct_report_site *site)
{
    g_autofree char *object = ct_report_site_object(report, site);
    const struct ct_symbol_frame *place =
        ct_stack_place(report->symbolizer, site->process, site->stack_id);

    write_process(out, site->process);
    write_number(out, site->others ? site->others->len + 1 : 1);
    write_text(out, ct_op_name(site->op));
    write_text(out, ct_class_name(site->class));
    write_text(out, site->has_many_objects ? "" : object);
    write_text(out, place ? place->function : "");
    write_text(out, place ? place->file : "");
    if (place && place->line > 0)
        fprintf(out, "%u", place->line);
    fputc(',', out);
    write_rounded(out, site->count);
    write_rounded(out, site->total_ns);
    write_number(out, site->longest_ns);
    write_rounded(out, site->idle_ns);
    fprintf(out, "%d\r\n", ct_report_site_is_idle(site));
}

void ct_csv_write_sites(const struct ct_report *report, FILE *out)
{
    fputs("process,pid,processes,operation,class,object,function,file,line,count,total_ns,"
          "longest_ns,idle_ns,is_idle\r\n",
          out);
    for (guint i = 0; i < MIN(report->lists->sites->len, report->top); i++)
        write_site(out, report, report->lists->sites->pdata[i]);
}
