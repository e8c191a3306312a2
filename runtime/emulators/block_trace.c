/* Counts the basic blocks that an emulated core executes. */
int midge_trace_version(void);
int midge_trace_version(void) { return 1; }
