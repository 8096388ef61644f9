#include "faults.h"
#include "hosts.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static CUresult failed;
static long launches, allocations;

/* Whether fault `what` is due at the `count`th call. */
static int due(const char *what, long count) {
  const char *fault = getenv("ISIM_FAKE_CUDA_FAULT");
  size_t length = strlen(what);
  return fault && !strncmp(fault, what, length) && fault[length] == ':' && atol(fault + length + 1) == count;
}

CUresult at_init(void) {
  const char *fault = getenv("ISIM_FAKE_CUDA_FAULT");
  return fault && !strcmp(fault, "no-device") ? CUDA_ERROR_NO_DEVICE : CUDA_SUCCESS;
}

CUresult at_launch(void) {
  launches++;
  if (due("launch", launches)) failed = CUDA_ERROR_LAUNCH_FAILED;
  if (due("lost", launches)) failed = CUDA_ERROR_DEVICE_UNAVAILABLE;
  if (due("interrupt", launches)) kill(0, SIGINT); /* as a terminal does: every process of the group */
  if (due("hang", launches)) hang();
  if (due("kill", launches)) raise(SIGKILL);
  return failed;
}

CUresult at_allocation(void) {
  static int full;
  full |= due("memory", ++allocations);
  return full ? CUDA_ERROR_OUT_OF_MEMORY : failed;
}

CUresult sticky(void) { return failed; }
