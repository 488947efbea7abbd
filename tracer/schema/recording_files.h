/* What stands beside the CTF traces in a recording's directory. */
#ifndef CTRACE_SCHEMA_RECORDING_FILES_H
#define CTRACE_SCHEMA_RECORDING_FILES_H

/* PID.map: the functions that a process's just-in-time compiler made, as it wrote them down. */
#define CT_JIT_FOLDER "jit"
#define CT_JIT_SUFFIX ".map"

/* Copies of programs and libraries that are not found by their names where it is read. */
#define CT_OBJECTS_FOLDER "objects"

/* What reading it has found, kept for the next time; and before it has its name. */
#define CT_INDEX_FILE "index"
#define CT_INDEX_NEW  "index.new"

/* The symbols that were found for it, and before that has its name. */
#define CT_SYMBOLS_FILE "symbols"
#define CT_SYMBOLS_NEW  "symbols.new"

/* What people noted down on its moments; beside the recording, where that cannot be written to, it
 * is DIR and the suffix. What comes after either before it has its name. */
#define CT_NOTES_FILE     "notes.json"
#define CT_NOTES_SUFFIX   ".notes.json"
#define CT_NOTES_NEW      ".new"
#define CT_NOTES_FILE_NEW "notes.json.new"

#endif
