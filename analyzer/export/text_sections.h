/* The sections of the text report, in the order in which they appear. */
#ifndef CTRACE_TEXT_SECTIONS_H
#define CTRACE_TEXT_SECTIONS_H

#include "export/text_out.h"

void ct_text_section_findings(const struct ct_text_out *out);
void ct_text_section_capture(const struct ct_text_out *out);
void ct_text_section_heap(const struct ct_text_out *out);
void ct_text_section_hangs(const struct ct_text_out *out);
void ct_text_section_inversions(const struct ct_text_out *out);
void ct_text_section_processes(const struct ct_text_out *out);
void ct_text_section_threads(const struct ct_text_out *out);
void ct_text_section_sched(const struct ct_text_out *out);
void ct_text_section_path(const struct ct_text_out *out);
void ct_text_section_locks(const struct ct_text_out *out);
void ct_text_section_latency(const struct ct_text_out *out);
void ct_text_section_peers(const struct ct_text_out *out);
void ct_text_section_requests(const struct ct_text_out *out);
void ct_text_section_calls(const struct ct_text_out *out);
void ct_text_section_open_waits(const struct ct_text_out *out);
void ct_text_section_sites(const struct ct_text_out *out);
void ct_text_section_longest_waits(const struct ct_text_out *out);

#endif
