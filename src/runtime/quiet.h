/* quiet.h: hwloc prints to stderr what it finds odd in /sys, or that there is none, and keeps its
 * one switch for the whole process and for good: a library must do neither. */
#ifndef HONE_RUNTIME_QUIET_H
#define HONE_RUNTIME_QUIET_H

/** Between the two calls what the calling thread prints to stderr goes to HONE_DEBUG=3 instead;
 * other threads print as ever. One thread at a time. Does nothing if HWLOC_HIDE_ERRORS is set: its
 * owner has decided then. */
void hone__quiet_begin(void);
void hone__quiet_end(void);

#endif
