/* Notes as JSON, and changes to them: no files here. */
#ifndef CTRACE_VIEW_NOTE_LIST_H
#define CTRACE_VIEW_NOTE_LIST_H

#include <glib.h>

#define CT_NOTES_SCHEMA   "ctrace-notes-1"
#define CT_NOTES_MAX      1000
#define CT_NOTE_BYTES_MAX 4000

struct ct_note_list;

struct ct_note_list *ct_note_list_new(void);
void ct_note_list_free(struct ct_note_list *list);
typedef struct ct_note_list ct_note_list; /* for g_autoptr(ct_note_list) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_note_list, ct_note_list_free)

/* Of a file that anybody may have written. NULL: it is none. */
struct ct_note_list *ct_note_list_parse(const char *text, gsize size);

/* Caller frees. `place`, where they are, is for pages; NULL: it is the file's own text. */
char *ct_note_list_text(const struct ct_note_list *list, const char *place);

/* Takes out all that are not of a moment in [from_ns, to_ns], of the recording's own clock. */
void ct_note_list_cut(struct ct_note_list *list, guint64 from_ns, guint64 to_ns);

/* See ct_view_notes_change(). */
gboolean ct_note_list_change(struct ct_note_list *list, const char *change, gsize size,
                             GError **error);

#endif
