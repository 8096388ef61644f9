/* A libnvidia-ml.so.1 that replays a table, and of which nvidia-ml-py cannot tell that there is no GPU.

   ISIM_FAKE_GPU_STATE   the table, one state a line: time_us sm_clock_mhz memory_clock_mhz temperature_c power_mw reasons(hex)
                         Where the process runs our libcuda, the state is that of its virtual time; else each reading of
                         the SM clock goes to the next line.
   ISIM_FAKE_NVML_FAULT  not-loaded     there is no driver
                         no-permission  clocks cannot be locked
                         lost:COUNT     the GPU falls off the bus at the COUNTth reading of the SM clock
   ISIM_FAKE_NVML_LOG    file to which "lock MIN_MHZ MAX_MHZ" and "unlock" are written */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4, DRIVER_NOT_LOADED = 9, GPU_IS_LOST = 15 };
enum { SM_CLOCK = 1, MEMORY_CLOCK = 2 };
#define ROWS 100000

typedef struct { double time_us; unsigned sm_mhz, memory_mhz, temperature_c, power_mw; unsigned long long reasons; } state;
typedef void *device;

static state rows[ROWS];
static int count = -1, current = -1;
static long readings;

static int fault_is(const char *what) {
  const char *fault = getenv("ISIM_FAKE_NVML_FAULT");
  return fault && !strcmp(fault, what);
}

static int lost(void) {
  const char *fault = getenv("ISIM_FAKE_NVML_FAULT");
  return fault && !strncmp(fault, "lost:", 5) && readings >= atol(fault + 5);
}

static void read_rows(void) {
  if (count >= 0) return;
  count = 0;
  const char *path = getenv("ISIM_FAKE_GPU_STATE");
  FILE *file = path ? fopen(path, "r") : NULL;
  if (!file) {
    rows[count++] = (state){0, 1410, 1215, 40, 90000, 0};
    return;
  }
  state *r = rows;
  while (count < ROWS && fscanf(file, "%lf %u %u %u %u %llx", &r->time_us, &r->sm_mhz, &r->memory_mhz, &r->temperature_c,
                                &r->power_mw, &r->reasons) == 6)
    r = &rows[++count];
  fclose(file);
}

static void next_reading(void) {
  static double (*virtual_us)(void);
  if (!virtual_us) {
    void *cuda = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
    if (cuda) *(void **)&virtual_us = dlsym(cuda, "virtual_us");
  }
  read_rows();
  readings++;
  if (!virtual_us) {
    if (current < count - 1) current++;
    return;
  }
  double now_us = virtual_us();
  current = 0;
  while (current < count - 1 && rows[current + 1].time_us <= now_us) current++;
}

static const state *now(void) { read_rows(); return &rows[current < 0 ? 0 : current]; }

static int text(char *to, unsigned length, const char *from) { snprintf(to, length, "%s", from); return SUCCESS; }

static void log_line(const char *line) {
  const char *path = getenv("ISIM_FAKE_NVML_LOG");
  FILE *file = path ? fopen(path, "a") : NULL;
  if (file) { fputs(line, file); fclose(file); }
}

int nvmlInitWithFlags(unsigned flags) { (void)flags; return fault_is("not-loaded") ? DRIVER_NOT_LOADED : SUCCESS; }
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int error) {
  return error == NOT_SUPPORTED       ? "Not Supported"
         : error == NO_PERMISSION     ? "Insufficient Permissions"
         : error == DRIVER_NOT_LOADED ? "Driver Not Loaded"
         : error == GPU_IS_LOST       ? "GPU is lost"
                                      : "Unknown Error";
}
int nvmlSystemGetDriverVersion(char *version, unsigned length) { return text(version, length, "0.0 (replay)"); }
int nvmlSystemGetNVMLVersion(char *version, unsigned length) { return text(version, length, "0.0 (replay)"); }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 13000; return SUCCESS; }
int nvmlDeviceGetCount_v2(unsigned *devices) { *devices = 1; return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, device *handle) {
  *handle = (device)rows;
  return index ? INVALID_ARGUMENT : SUCCESS;
}
int nvmlDeviceGetHandleByPciBusId_v2(const char *id, device *handle) { (void)id; *handle = (device)rows; return SUCCESS; }
int nvmlDeviceGetName(device d, char *name, unsigned length) { (void)d; return text(name, length, "isim replayed GPU"); }
int nvmlDeviceGetUUID(device d, char *uuid, unsigned length) { (void)d; return text(uuid, length, "GPU-00000000"); }
int nvmlDeviceGetClockInfo(device d, int type, unsigned *mhz) {
  (void)d;
  if (type == SM_CLOCK) next_reading();
  *mhz = type == MEMORY_CLOCK ? now()->memory_mhz : now()->sm_mhz;
  return lost() ? GPU_IS_LOST : SUCCESS;
}
int nvmlDeviceGetMaxClockInfo(device d, int type, unsigned *mhz) {
  (void)d;
  *mhz = type == MEMORY_CLOCK ? 1215 : 1410;
  return SUCCESS;
}
int nvmlDeviceGetTemperature(device d, int sensor, unsigned *celsius) {
  (void)d; (void)sensor;
  *celsius = now()->temperature_c;
  return lost() ? GPU_IS_LOST : SUCCESS;
}
int nvmlDeviceGetPowerUsage(device d, unsigned *milliwatts) {
  (void)d;
  *milliwatts = now()->power_mw;
  return lost() ? GPU_IS_LOST : SUCCESS;
}
int nvmlDeviceGetCurrentClocksEventReasons(device d, unsigned long long *reasons) {
  (void)d;
  *reasons = now()->reasons;
  return lost() ? GPU_IS_LOST : SUCCESS;
}
int nvmlDeviceSetGpuLockedClocks(device d, unsigned min_mhz, unsigned max_mhz) {
  (void)d;
  if (fault_is("no-permission")) return NO_PERMISSION;
  char line[64];
  snprintf(line, sizeof line, "lock %u %u\n", min_mhz, max_mhz);
  log_line(line);
  return SUCCESS;
}
int nvmlDeviceResetGpuLockedClocks(device d) {
  (void)d;
  if (fault_is("no-permission")) return NO_PERMISSION;
  log_line("unlock\n");
  return SUCCESS;
}
