/* The functions of libcuda.so.1 that pycuda and the profiler call; the rest answers "not supported". */
#include "faults.h"
#include "model.h"
#include <cudaProfiler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BYTES (8ull << 30)
#define CALL_US 0.5 /* what a call costs the host; a launch costs more */
#define RESOLUTION_MS 0.0005 /* of an event, as on hardware */
#define STACK 64

static struct CUctx_st { int unused; } primary; /* the only context there is */
static CUcontext pushed[STACK];
static int depth, retained, events;
static stream *default_stream;
static int streams_made;
static size_t allocated_bytes;

static stream *of(CUstream handle) {
  if (!default_stream) default_stream = new_stream();
  return handle ? (stream *)handle : default_stream;
}

/* Every call on a context takes time, and fails once the context is broken. */
static CUresult call(void) {
  let_pass(CALL_US);
  return depth ? sticky() : CUDA_ERROR_INVALID_CONTEXT;
}

__attribute__((destructor)) static void say_what_is_left(void) {
  log_line("left %d %d %zu %d %d\n", depth, retained, allocated_bytes, streams_made, events);
}

CUresult cuInit(unsigned flags) { (void)flags; return at_init(); }
CUresult cuDriverGetVersion(int *version) { *version = CUDA_VERSION; return CUDA_SUCCESS; }
CUresult cuDeviceGetCount(int *count) { *count = 1; return CUDA_SUCCESS; }
CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  *device = ordinal;
  return ordinal ? CUDA_ERROR_INVALID_DEVICE : CUDA_SUCCESS;
}
CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
  (void)device;
  snprintf(name, (size_t)length, "isim virtual GPU (a model, not hardware)");
  return CUDA_SUCCESS;
}
CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device) {
  (void)device;
  *major = 8;
  *minor = 0;
  return CUDA_SUCCESS;
}
CUresult cuDeviceTotalMem(size_t *bytes, CUdevice device) { (void)device; *bytes = MEMORY_BYTES; return CUDA_SUCCESS; }
CUresult cuDeviceGetPCIBusId(char *id, int length, CUdevice device) {
  (void)device;
  snprintf(id, (size_t)length, "0000:00:00.0");
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
  (void)device;
  switch (attribute) {
  case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *value = 108; break;
  case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK: *value = 1024; break;
  case CU_DEVICE_ATTRIBUTE_WARP_SIZE: *value = 32; break;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = 8; break;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = 0; break;
  case CU_DEVICE_ATTRIBUTE_CLOCK_RATE: *value = 1410000; break;
  case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE: *value = 1215000; break;
  case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH: *value = 5120; break;
  case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE: *value = 40 << 20; break;
  case CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS: *value = 1; break;
  default: *value = 0;
  }
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  (void)device;
  *context = &primary;
  retained++;
  return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
  (void)device;
  return --retained < 0 ? CUDA_ERROR_INVALID_CONTEXT : CUDA_SUCCESS;
}
CUresult cuCtxPushCurrent(CUcontext context) {
  if (depth == STACK) return CUDA_ERROR_OUT_OF_MEMORY;
  pushed[depth++] = context;
  return CUDA_SUCCESS;
}
CUresult cuCtxPopCurrent(CUcontext *context) {
  if (!depth) return CUDA_ERROR_INVALID_CONTEXT;
  depth--;
  if (context) *context = pushed[depth];
  return CUDA_SUCCESS;
}
CUresult cuCtxGetDevice(CUdevice *device) { *device = 0; return depth ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT; }
CUresult cuCtxGetApiVersion(CUcontext context, unsigned *version) { (void)context; *version = 3020; return CUDA_SUCCESS; }
CUresult cuCtxSynchronize(void) { wait_for_stream(NULL); return call(); }

CUresult cuStreamCreate(CUstream *handle, unsigned flags) {
  (void)flags;
  CUresult result = call();
  if (result == CUDA_SUCCESS) { *handle = (CUstream)new_stream(); streams_made++; }
  return result;
}
CUresult cuStreamDestroy(CUstream handle) { delete_stream((stream *)handle); streams_made--; return CUDA_SUCCESS; }
CUresult cuStreamSynchronize(CUstream handle) { wait_for_stream(of(handle)); return call(); }
CUresult cuStreamQuery(CUstream handle) {
  CUresult result = call();
  return result ? result : stream_is_idle(of(handle)) ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}
CUresult cuStreamWaitEvent(CUstream handle, CUevent e, unsigned flags) {
  (void)flags;
  issue_event(of(handle), WAIT, (event *)e);
  return call();
}

CUresult cuEventCreate(CUevent *handle, unsigned flags) {
  (void)flags;
  CUresult result = call();
  if (result == CUDA_SUCCESS) { *handle = (CUevent)new_event(); events++; }
  return result;
}
CUresult cuEventDestroy(CUevent e) { delete_event((event *)e); events--; return CUDA_SUCCESS; }
CUresult cuEventRecord(CUevent e, CUstream handle) {
  CUresult result = call();
  if (result == CUDA_SUCCESS) issue_event(of(handle), RECORD, (event *)e);
  return result;
}
CUresult cuEventSynchronize(CUevent e) { wait_for_event((event *)e); return call(); }
CUresult cuEventQuery(CUevent e) {
  CUresult result = call();
  return result ? result : event_is_done((event *)e) ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}
CUresult cuEventElapsedTime(float *ms, CUevent from, CUevent to) {
  const event *a = (event *)from, *b = (event *)to;
  if (sticky()) return sticky();
  if (a->pending || b->pending) return CUDA_ERROR_NOT_READY;
  if (!a->recorded || !b->recorded) return CUDA_ERROR_INVALID_HANDLE;
  *ms = (float)((double)(long long)((b->time_us - a->time_us) / 1e3 / RESOLUTION_MS + 0.5) * RESOLUTION_MS);
  return CUDA_SUCCESS;
}

/* A size stands before each allocation, so that what is freed can be counted. */
CUresult cuMemAlloc(CUdeviceptr *pointer, size_t bytes) {
  CUresult result = at_allocation();
  if (result) return result;
  if (allocated_bytes + bytes > MEMORY_BYTES) return CUDA_ERROR_OUT_OF_MEMORY;
  size_t *block = malloc(bytes + 64);
  if (!block) return CUDA_ERROR_OUT_OF_MEMORY;
  *block = bytes;
  allocated_bytes += bytes;
  *pointer = (CUdeviceptr)block + 64;
  return call();
}
CUresult cuMemFree(CUdeviceptr pointer) {
  size_t *block = (size_t *)(pointer - 64);
  allocated_bytes -= *block;
  free(block);
  return CUDA_SUCCESS;
}
CUresult cuMemGetInfo(size_t *free_bytes, size_t *total_bytes) {
  *total_bytes = MEMORY_BYTES;
  *free_bytes = MEMORY_BYTES - allocated_bytes;
  return call();
}
CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t bytes) {
  wait_for_stream(NULL);
  memcpy((void *)to, from, bytes);
  return call();
}
CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t bytes) {
  wait_for_stream(NULL);
  memcpy(to, (void *)from, bytes);
  return call();
}

/* A module is PTX text, a function the name of an entry of it. */
CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned options, CUjit_option *names, void **values) {
  (void)options; (void)names; (void)values;
  if (strncmp(image, "\x7f""ELF", 4) == 0) return CUDA_ERROR_INVALID_IMAGE; /* only text can be searched */
  *module = (CUmodule)strdup(image);
  return call();
}
CUresult cuModuleUnload(CUmodule module) { free(module); return CUDA_SUCCESS; }
CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
  char entry[160];
  snprintf(entry, sizeof entry, ".entry %s(", name);
  const char *found = strstr((const char *)module, entry);
  if (!found) return CUDA_ERROR_NOT_FOUND;
  *function = (CUfunction)(found + strlen(".entry "));
  return call();
}
CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction function) {
  (void)function;
  *value = attribute == CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK ? 1024 : attribute == CU_FUNC_ATTRIBUTE_NUM_REGS ? 32 : 0;
  return call();
}
CUresult cuFuncSetSharedSize(CUfunction function, unsigned bytes) { (void)function; (void)bytes; return sticky(); }
CUresult cuFuncSetBlockShape(CUfunction function, int x, int y, int z) {
  (void)function; (void)x; (void)y; (void)z;
  return sticky();
}
CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                        unsigned block_y, unsigned block_z, unsigned shared_bytes, CUstream handle, void **parameters,
                        void **extra) {
  (void)shared_bytes; (void)parameters; (void)extra;
  CUresult result = call();
  if (!result) result = at_launch();
  if (result) return result;
  char name[128];
  const char *start = (const char *)function;
  snprintf(name, sizeof name, "%.*s", (int)strcspn(start, "("), start);
  issue_kernel(of(handle), name, grid_x * grid_y * grid_z, block_x * block_y * block_z);
  return CUDA_SUCCESS;
}

CUresult cuGetErrorName(CUresult error, const char **name) {
  *name = error == CUDA_ERROR_LAUNCH_FAILED          ? "CUDA_ERROR_LAUNCH_FAILED"
          : error == CUDA_ERROR_OUT_OF_MEMORY        ? "CUDA_ERROR_OUT_OF_MEMORY"
          : error == CUDA_ERROR_DEVICE_UNAVAILABLE   ? "CUDA_ERROR_DEVICE_UNAVAILABLE"
          : error == CUDA_ERROR_NO_DEVICE            ? "CUDA_ERROR_NO_DEVICE"
          : error == CUDA_ERROR_NOT_SUPPORTED        ? "CUDA_ERROR_NOT_SUPPORTED"
                                                     : "CUDA_ERROR_UNKNOWN";
  return CUDA_SUCCESS;
}
CUresult cuGetErrorString(CUresult error, const char **text) {
  *text = error == CUDA_ERROR_LAUNCH_FAILED          ? "unspecified launch failure"
          : error == CUDA_ERROR_OUT_OF_MEMORY        ? "out of memory"
          : error == CUDA_ERROR_DEVICE_UNAVAILABLE   ? "CUDA-capable device(s) is/are busy or unavailable"
          : error == CUDA_ERROR_NO_DEVICE            ? "no CUDA-capable device is detected"
          : error == CUDA_ERROR_NOT_SUPPORTED        ? "operation not supported"
                                                     : "unknown error";
  return CUDA_SUCCESS;
}
CUresult cuProfilerStart(void) { log_line("profiler start\n"); return call(); }
CUresult cuProfilerStop(void) { log_line("profiler stop\n"); return call(); }
