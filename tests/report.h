/* Report: what sanitizers say of a test's processes. Knows no test, and does nothing in a plain
 * build. */
#ifndef TESTS_REPORT_H
#define TESTS_REPORT_H

#include <stdbool.h>

/* From here on the reports of this process, of its forks and of the programs that they start go to
 * files beside the log, one a process: wherever a test sends its output, and however its daemon
 * ends, none is lost. */
void report_take(const char *log);

/* Adds those files to the log and removes them. Gives whether there was a finding in them: the
 * remarks of an allocator that has no memory are none. */
bool report_add(const char *log);

#endif
