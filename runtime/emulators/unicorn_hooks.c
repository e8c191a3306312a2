/* What Unicorn calls: its hooks carry the record as their user data. Python cannot run once per block: 21 MIPS, not 500. */
#include "block_trace.h"

typedef void (*stop_function)(void *engine);

/* UC_HOOK_BLOCK */
void midge_unicorn_block(void *engine, uint64_t address, uint32_t bytes, void *user);
/* UC_HOOK_MEM_READ and UC_HOOK_MEM_WRITE, whose access types are 16 and 17 (uc_mem_type) */
void midge_unicorn_memory(void *engine, int type, uint64_t address, int bytes, int64_t value, void *user);

void midge_unicorn_block(void *engine, uint64_t address, uint32_t bytes, void *user) {
  struct midge_trace *trace = user;
  if (!midge_trace_execute(trace, address, bytes, 0) && trace->stop != 0) {
    ((stop_function)(uintptr_t)trace->stop)(engine);
  }
}

void midge_unicorn_memory(void *engine, int type, uint64_t address, int bytes, int64_t value, void *user) {
  enum { write_access = 17 };
  (void)engine;
  (void)value;
  midge_trace_access(user, address, (uint64_t)bytes, type == write_access ? 2 : 1);
}
