/*
 * Notes on moments of a recording, as those who look at it write them down: a JSON file in the
 * recording's folder, or beside that where it cannot be written to. Each change is one of one note,
 * made to what the file has by then, whoever else changes it: several pages and servers lose
 * nothing of each other's. The answer to reading and changing is the same document:
 *
 *   {"notes": [{"id", "version", "at_ns", "text"}], "place"}
 *
 * with moments of the recording's own clock, as text, and earlier ones first.
 */
#ifndef CTRACE_VIEW_NOTES_H
#define CTRACE_VIEW_NOTES_H

#include "view/notes/note_list.h"

#include <glib.h>

/* Of a change, as it is sent. */
#define CT_VIEW_CHANGE_MAX 16384

/* The caller owns what they return. NULL: an error, whose code is a status of HTTP. */
struct ct_note_list *ct_view_notes_list(const char *directory, GError **error);
GBytes *ct_view_notes_read(const char *directory, GError **error);

/*
 * The change is {"id", "version", "at_ns", "text"}: without id a note is added, without text it
 * goes. The version is what the note had when it was read: an error (409) if it is another one now.
 */
GBytes *ct_view_notes_change(const char *directory, const char *change, gsize size, GError **error);

#endif
