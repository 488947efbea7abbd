/* What boards say of children of fork that have none of their own: that they began, and ended. */
#ifndef CTRACE_RECORD_FORKED_NEWS_H
#define CTRACE_RECORD_FORKED_NEWS_H

#include "boards.h"
#include "drain_round.h"
#include "provider/writer.h"

struct ct_forked_news;

/* Both are borrowed. */
struct ct_forked_news *ct_forked_news_new(struct ct_boards *boards, const struct ct_writer *writer);
void ct_forked_news_free(struct ct_forked_news *news);

/* A round: what each board says is added, then it is put in order. */
void ct_forked_news_begin(struct ct_forked_news *news);
void ct_forked_news_add(struct ct_forked_news *news, const struct ct_board_map *map,
                        uint64_t now_ns);
void ct_forked_news_sort(struct ct_forked_news *news);

/* Is there any that is not after those ticks? */
gboolean ct_forked_news_is_due(const struct ct_forked_news *news, uint64_t ticks);
/* Writes the first of them. */
void ct_forked_news_write_next(struct ct_forked_news *news, const struct ct_drain_round *round);

#endif
