/* A GPU in virtual time: streams of kernels that contend for three resources, events, and the clock of the host.

   ISIM_FAKE_CUDA_KERNELS  table of planted kernels, one a line: name duration_us gap_us sm l2 dram
                           (gap_us passes in the stream before the kernel and holds nothing; shares are 0..1 of peak)
   ISIM_FAKE_CUDA_LAUNCH_US  time the host takes to launch a kernel (default 2)
   ISIM_FAKE_CUDA_LOG      file that gets the truth: "kernel STREAM NAME START_US FINISH_US GRID BLOCK ISSUED_US",
                           "profiler start" and "profiler stop", and at exit
                           "left CONTEXTS_PUSHED CONTEXTS_RETAINED BYTES_ALLOCATED STREAMS EVENTS"
   ISIM_FAKE_GPU_STATE     table of the GPU's state over virtual time, read by libnvidia-ml too, one a line:
                           time_us sm_clock_mhz memory_clock_mhz temperature_c power_mw reasons(hex)
                           (kernels run at the speed of the clock over the first line's)

   Contention law: while kernels run, each progresses at 1 / max(1, largest sum of their demands over the resources).
   Kernels of several processes (hosts.h) run together where all are clients of MPS, held to the share of the SMs that
   CUDA_MPS_ACTIVE_THREAD_PERCENTAGE says; else the processes take turns of 2 ms. */
#ifndef ISIM_FAKE_MODEL_H
#define ISIM_FAKE_MODEL_H

enum { SM, L2, DRAM, RESOURCES };
enum operation_kind { KERNEL, RECORD, WAIT };

typedef struct event {
  double time_us;
  int recorded, pending; /* pending: records issued and not yet reached */
} event;

typedef struct stream stream;

stream *new_stream(void);
void delete_stream(stream *s);
void delete_streams_of(int owner); /* of a process, and what is queued on them; the caller holds the lock */
event *new_event(void);
void delete_event(event *e);
void issue_kernel(stream *s, const char *name, unsigned grid, unsigned block);
void issue_event(stream *s, enum operation_kind kind, event *e);
void wait_for_stream(stream *s);     /* NULL: for all of this process; moves the host's clock */
void wait_for_event(event *e);
int stream_is_idle(const stream *s);
int event_is_done(const event *e);
double virtual_us(void);             /* the host's clock, also for libnvidia-ml and the tests */
void let_pass(double us);            /* the host sleeps */
void log_line(const char *format, ...);

#endif
