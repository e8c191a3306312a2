#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "model.h"

enum { PAGE = 4096 };

void runner_leave(void)
{
  exit(0);
}

/* The first argument is the file that holds the window; the others are addresses of pages that nobody may touch. */
int main(int count, char **arguments)
{
  void *const window = (void *)RUNNER_WINDOW;
  const int file = count > 1 ? open(arguments[1], O_RDWR) : -1;
  if (file < 0 || mmap(window, RUNNER_WINDOW_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) != window) {
    return 1;
  }
  for (int i = 2; i < count; ++i) {
    if (mprotect((void *)strtoul(arguments[i], NULL, 16), PAGE, PROT_NONE) != 0) {
      return 1;
    }
  }
  model_invoke();
  return 0;
}
