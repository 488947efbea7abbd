/* Tells the service manager that whoever asks is answered from now on: see sd_notify(3). */
#ifndef CTRACE_SERVE_READY_H
#define CTRACE_SERVE_READY_H

/* To be called once; nothing that is started later is taken for us. Where nobody wants to know,
 * nothing happens. */
void ct_ready_tell(void);

#endif
