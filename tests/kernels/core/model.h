/* The firmware that runs kernel calls given as data, in the place of a generated model: main.c calls both functions. */
#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

/* At RUNNER_WINDOW, an address that the build defines; `count` jobs follow. The one who writes it may change it again
 * after midge_output_ready. */
typedef struct {
  uint32_t next;   /* the job that is being run or will be run first; `count` when all are done */
  uint32_t count;
  uint32_t leave;  /* whether to end the emulator after the last job */
  uint32_t unused; /* jobs are aligned to eight bytes, the longest pointers */
} runner_header;

typedef struct {
  uint32_t kernel;        /* position in runner_calls */
  void *const *arguments; /* the kernel's: parameters, tensors, scratch */
} runner_job;

/* All kernels, called with a list of pointers; generated. */
typedef void (*runner_call)(void *const *arguments);
extern const runner_call runner_calls[];

/* Ends the emulator, for good. */
void runner_leave(void);

void model_init(void);
void model_invoke(void);

#endif
