/*
 * How figures are written for people, by the recorder as by what reads recordings. Every string
 * returned is allocated: the caller frees it with g_free().
 */
#ifndef CTRACE_TEXT_FIGURES_H
#define CTRACE_TEXT_FIGURES_H

#include <glib.h>
#include <stdint.h>

/* Three significant digits and a unit: "0 ns", "850 ns", "12.3 ms", "4.05 s", "3m 20s", "2h 05m".
 */
char *ct_format_duration(uint64_t duration_ns);

/* With thousands separated: "1,234,567". */
char *ct_format_count(uint64_t count);

/* Of a file: "812.0 kB", "4.2 MB". */
char *ct_format_size(uint64_t bytes);

/* Of memory, to three significant digits: "0 B", "512 B", "1.50 KiB", "23.4 MiB". */
char *ct_format_bytes(double bytes);

#endif
