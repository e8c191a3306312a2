/*
 * The record of what an emulated core executed, shared by Unicorn's hooks and QEMU's plugin.
 *
 * All memory is the caller's: one region that begins with this header, which gives the offsets of the arrays behind it.
 * The caller may be another process that maps the same file, so there are no pointers in it. trace.py has the same
 * layout. Addresses are of instructions, without the Thumb bit.
 */
#ifndef MIDGE_BLOCK_TRACE_H
#define MIDGE_BLOCK_TRACE_H

#include <stdint.h>

enum {
  MIDGE_TRACE_VERSION = 2,

  /* Values of `midge_trace.status`. */
  MIDGE_TRACE_RUNNING = 0,
  MIDGE_TRACE_SLICE_OVER = 1, /* `slice` is used up; nothing was lost, the core can go on */
  MIDGE_TRACE_FULL = 2,       /* more than three quarters of the table in use; the counts are not complete */
};

/* One basic block as executed in one layer. */
struct midge_trace_block {
  uint64_t address;
  uint32_t bytes;        /* 0: this slot is free */
  uint32_t instructions; /* 0: the engine does not say */
  uint32_t layer;        /* position in `layers` plus 1; 0: the inference function itself */
  uint32_t redirect;     /* 1: this block begins or ends a layer, so it is counted in another slot */
  uint64_t executed;
  uint64_t taken; /* how often another block than the one behind it came next */
};

struct midge_trace {
  uint64_t version;
  uint64_t counting; /* 0: nothing is recorded, only `slice` and `executed_bytes` run */
  uint64_t status;
  uint64_t slice;          /* bytes of code that may still be executed */
  uint64_t executed_bytes; /* bytes of code executed since the start, never reset here */
  uint64_t layer;          /* the current one, as in midge_trace_block */
  uint64_t reached;        /* layers begun so far in this inference; 0 at its start */
  uint64_t previous;       /* slot of the last counted block plus 1; 0: none */
  uint64_t used;           /* slots in use */
  uint64_t invoke_begin, invoke_end; /* the inference function's code */
  uint64_t arena_begin, arena_end;   /* addresses whose accesses are noted in `touched`; equal: none */
  uint64_t aligned_only;             /* 1: accesses not aligned to their size are noted, wherever they are */
  uint64_t misaligned;               /* address of the first of them; 0: none */
  uint64_t misaligned_block;         /* the block that made it */
  uint64_t stop;                     /* address of uc_emu_stop; 0: the caller watches `status` itself */
  uint64_t layer_count, layers_offset;   /* uint64_t[layer_count]: entry addresses, in order of execution */
  uint64_t capacity, blocks_offset;      /* midge_trace_block[capacity], a power of two */
  uint64_t touched_offset;               /* uint8_t[arena_end - arena_begin]: 1 read, 2 written */
};

/* MIDGE_TRACE_VERSION of the built library. */
int midge_trace_version(void);

/* A block is about to be executed. Returns 0 if the slice is used up: it was not counted and must not be executed. */
int midge_trace_execute(struct midge_trace *trace, uint64_t address, uint32_t bytes, uint32_t instructions);

/* `bytes` at `address` are accessed; `how` is 1 for a read, 2 for a write. */
void midge_trace_access(struct midge_trace *trace, uint64_t address, uint64_t bytes, uint8_t how);

#endif
