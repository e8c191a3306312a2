#include "model.h"

/* Emulators want to know where a model's arena lies. */
int8_t model_arena[16];

void model_init(void)
{
  model_arena[0] = 0;
}

void model_invoke(void)
{
  volatile runner_header *header = (volatile runner_header *)RUNNER_WINDOW;
  const runner_job *jobs = (const runner_job *)(RUNNER_WINDOW + sizeof(runner_header));
  for (uint32_t next = header->next; next < header->count; ++next) {
    header->next = next;
    runner_calls[jobs[next].kernel](jobs[next].arguments);
  }
  header->next = header->count;
  if (header->leave) {
    runner_leave();
  }
}
