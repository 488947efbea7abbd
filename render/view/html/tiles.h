/*
 * The tiles that a file keeps (see reader/tiles.c): of all that it shows, at first as coarse as
 * they can be looked at, then finer and finer as there is room; those of rows that are folded at
 * first stay coarser. A level is there for all of a row or not at all.
 */
#ifndef CTRACE_HTML_TILES_H
#define CTRACE_HTML_TILES_H

#include "view/html/keeper.h"

struct ct_html_tiles;

/* Of the lanes that the overview tells. */
struct ct_html_tiles *ct_html_tiles_new(JsonObject *overview);
void ct_html_tiles_free(struct ct_html_tiles *tiles);

/* The coarsest ones of all rows, without which there is no picture. FALSE: an error. */
gboolean ct_html_tiles_put_first(struct ct_html_tiles *tiles, const struct ct_html_keeper *keeper,
                                 GString *piece, GError **error);
/* Those for which there is room, but for `reserve` of it. FALSE: an error. */
gboolean ct_html_tiles_keep(struct ct_html_tiles *tiles, struct ct_html_keeper *keeper,
                            uint64_t reserve, GError **error);

/* An interval that can be seen in them. */
struct ct_html_seen {
    guint thread; /* its number */
    uint64_t begin;
    uint64_t end;
};

/* The longest first. The caller owns it. */
GArray *ct_html_tiles_seen(const struct ct_html_tiles *tiles);

#endif
