/* What held the program up, before everything else. */
#include "export/text_sections.h"

#include "model/format.h"

static void write_finding(const struct ct_text_out *out, const struct ct_finding *finding,
                          guint number)
{
    g_autofree char *cost =
        finding->is_risk ? g_strdup("possible") : ct_format_duration(finding->cost_ns);
    g_autofree char *command = ct_finding_command(finding, &out->layout->context);
    g_autofree char *what_if = ct_finding_what_if(finding, &out->layout->context);

    ct_text_out_entry(out, cost, "%u. %s", number, finding->text);
    ct_text_out_command(out, command);
    if (what_if)
        ct_text_out_command(out, what_if);
}

void ct_text_section_findings(const struct ct_text_out *out)
{
    const struct ct_findings *findings = out->report->findings;

    if (findings->nothing) {
        ct_text_out_heading(out, "No findings");
        ct_text_out_line(out, 2, "%s", findings->nothing);
        return;
    }
    ct_text_out_heading(out, "Findings (%u), by the time that threads lost; see ctrace-findings(7)",
                        findings->list->len);
    if (findings->busy_cpus > 0)
        ct_text_out_line(out, 2, "On average %.2f CPUs ran the program.", findings->busy_cpus);
    for (guint i = 0; i < findings->list->len; i++)
        write_finding(out, findings->list->pdata[i], i + 1);
}
