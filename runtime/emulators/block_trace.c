#include "block_trace.h"

static struct midge_trace_block *blocks(struct midge_trace *trace) {
  return (struct midge_trace_block *)(void *)((char *)trace + trace->blocks_offset);
}

static const uint64_t *layers(const struct midge_trace *trace) {
  return (const uint64_t *)(const void *)((const char *)trace + trace->layers_offset);
}

static uint64_t hash(uint64_t address, uint32_t bytes, uint32_t layer) {
  /* Fibonacci hashing: 2^64 divided by the golden ratio spreads neighbouring addresses. */
  uint64_t key = address ^ ((uint64_t)layer << 32) ^ ((uint64_t)bytes << 52);
  return (key * UINT64_C(0x9E3779B97F4A7C15)) >> 32;
}

/* Whether a block at `address`, met while in `layer`, begins another layer or ends this one. */
static int changes_layer(const struct midge_trace *trace, uint64_t address, uint32_t layer) {
  const uint64_t *entries = layers(trace);
  uint64_t i;
  if (address >= trace->invoke_begin && address < trace->invoke_end) {
    return layer != 0;
  }
  if (layer != 0 && entries[layer - 1] == address) {
    return 0; /* a loop back to the layer's first instruction */
  }
  for (i = 0; i < trace->layer_count; ++i) {
    if (entries[i] == address) {
      return 1;
    }
  }
  return 0;
}

/* The layer that `address` leads to: the next one in order, because several layers may share one function. */
static uint32_t layer_after(struct midge_trace *trace, uint64_t address) {
  const uint64_t *entries = layers(trace);
  uint64_t start = trace->reached;
  uint64_t i;
  if (address >= trace->invoke_begin && address < trace->invoke_end) {
    return 0;
  }
  for (i = 0; i < trace->layer_count; ++i) {
    uint64_t position = (start + i) % trace->layer_count;
    if (entries[position] == address) {
      trace->reached = position + 1;
      return (uint32_t)(position + 1);
    }
  }
  return (uint32_t)trace->layer;
}

/* The slot of a block, taken if there is none yet; a null pointer if the table is full. */
static struct midge_trace_block *slot_of(struct midge_trace *trace, uint64_t address, uint32_t bytes,
                                         uint32_t layer) {
  struct midge_trace_block *table = blocks(trace);
  uint64_t mask = trace->capacity - 1;
  uint64_t at = hash(address, bytes, layer) & mask;
  while (table[at].bytes != 0) {
    if (table[at].address == address && table[at].layer == layer && table[at].bytes == bytes) {
      return &table[at];
    }
    at = (at + 1) & mask;
  }
  if (trace->used >= trace->capacity - trace->capacity / 4) {
    return 0;
  }
  ++trace->used;
  table[at].address = address;
  table[at].bytes = bytes;
  table[at].layer = layer;
  table[at].redirect = (uint32_t)changes_layer(trace, address, layer);
  return &table[at];
}

int midge_trace_version(void) {
  return MIDGE_TRACE_VERSION;
}

int midge_trace_execute(struct midge_trace *trace, uint64_t address, uint32_t bytes, uint32_t instructions) {
  struct midge_trace_block *block;
  if (trace->slice < bytes) {
    trace->status = MIDGE_TRACE_SLICE_OVER;
    return 0;
  }
  trace->slice -= bytes;
  trace->executed_bytes += bytes;
  if (!trace->counting || bytes == 0) {
    return 1;
  }
  block = slot_of(trace, address, bytes, (uint32_t)trace->layer);
  if (block != 0 && block->redirect) {
    trace->layer = layer_after(trace, address);
    block = slot_of(trace, address, bytes, (uint32_t)trace->layer);
  }
  if (block == 0) {
    trace->status = MIDGE_TRACE_FULL;
    trace->slice = 0;
    return 0;
  }
  block->instructions = instructions;
  ++block->executed;
  if (trace->previous != 0) {
    struct midge_trace_block *previous = blocks(trace) + (trace->previous - 1);
    previous->taken += previous->address + previous->bytes != address;
  }
  trace->previous = (uint64_t)(block - blocks(trace)) + 1;
  return 1;
}

void midge_trace_access(struct midge_trace *trace, uint64_t address, uint64_t bytes, uint8_t how) {
  uint8_t *touched = (uint8_t *)trace + trace->touched_offset;
  uint64_t end = address + bytes;
  if (!trace->counting) {
    return;
  }
  if (trace->aligned_only && (address & (bytes - 1)) != 0 && trace->misaligned == 0) {
    trace->misaligned = address;
    trace->misaligned_block = trace->previous != 0 ? blocks(trace)[trace->previous - 1].address : 0;
  }
  if (address < trace->arena_begin) {
    address = trace->arena_begin;
  }
  if (end > trace->arena_end) {
    end = trace->arena_end;
  }
  for (; address < end; ++address) { /* not at all where they do not meet */
    touched[address - trace->arena_begin] |= how;
  }
}
