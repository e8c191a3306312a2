/*
 * QEMU's plugin: records every executed translation block, and the accesses to the arena, in a file that we map.
 *
 * QEMU packages do not ship the plugin header, so what we use of its interface is declared here, from its
 * documentation. The functions are the same in every version of the interface; MIDGE_QEMU_PLUGIN_VERSION is the
 * version that the running QEMU wants to read.
 *
 * Argument: record=PATH, a file that trace.py has laid out.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block_trace.h"

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_R = 1, QEMU_PLUGIN_MEM_W, QEMU_PLUGIN_MEM_RW };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*callback)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*callback)(unsigned, void *),
                                          enum qemu_plugin_cb_flags flags, void *user);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
                                      void (*callback)(unsigned, qemu_plugin_meminfo_t, uint64_t, void *),
                                      enum qemu_plugin_cb_flags flags, enum qemu_plugin_mem_rw rw, void *user);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
unsigned qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);
_Bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);

EXPORT int qemu_plugin_version = MIDGE_QEMU_PLUGIN_VERSION;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

struct block {
  uint64_t address;
  uint32_t bytes;
  uint32_t instructions;
};

static struct midge_trace *trace;

static void on_execute(unsigned cpu, void *user) {
  const struct block *block = user;
  (void)cpu;
  /* A plugin cannot stop the machine: a used-up slice is seen by whoever watches `status`. */
  (void)midge_trace_execute(trace, block->address, block->bytes, block->instructions);
}

static void on_access(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *user) {
  uint64_t bytes = UINT64_C(1) << qemu_plugin_mem_size_shift(info);
  (void)cpu;
  (void)user;
  if (address < trace->arena_end && address + bytes > trace->arena_begin) {
    midge_trace_access(trace, address, bytes, qemu_plugin_mem_is_store(info) ? 2 : 1);
  }
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  size_t count = qemu_plugin_tb_n_insns(tb);
  struct block *block = malloc(sizeof *block); /* lives as long as QEMU may execute the block: until the end */
  size_t i;
  (void)id;
  if (block == NULL) {
    abort();
  }
  block->address = qemu_plugin_tb_vaddr(tb);
  block->bytes = 0;
  block->instructions = (uint32_t)count;
  for (i = 0; i < count; ++i) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    block->bytes += (uint32_t)qemu_plugin_insn_size(insn);
    if (trace->arena_end > trace->arena_begin) {
      qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
    }
  }
  qemu_plugin_register_vcpu_tb_exec_cb(tb, on_execute, QEMU_PLUGIN_CB_NO_REGS, block);
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
  static const char prefix[] = "record=";
  struct stat status;
  int file;
  (void)info;
  if (argc != 1 || strncmp(argv[0], prefix, sizeof prefix - 1) != 0) {
    fprintf(stderr, "midge: expected one argument, record=PATH\n");
    return 1;
  }
  file = open(argv[0] + sizeof prefix - 1, O_RDWR);
  if (file < 0 || fstat(file, &status) != 0) {
    perror(argv[0]);
    return 1;
  }
  trace = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (trace == MAP_FAILED || trace->version != MIDGE_TRACE_VERSION) {
    fprintf(stderr, "midge: %s is not a record of version %d\n", argv[0], MIDGE_TRACE_VERSION);
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
  return 0;
}
