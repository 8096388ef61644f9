/* The processes that use one GPU in virtual time, each with a clock of its own, and what they have in common.

   ISIM_FAKE_CUDA_SHARED  file that holds the GPU; processes that name the same one share it. The first of them is the
                          parent of the others. Without it a process has a GPU to itself.

   A process runs ahead by itself and takes no time between two calls. A call is carried out when no running process has
   an earlier clock, so nothing can be asked of the GPU's past; the GPU is never ahead of a running process. One that waits
   for the GPU, or for what another process writes to it, holds nobody back. What is written takes its writer's time along:
   `post` stands before the writing, `await_post` and `resume` around the reading. A process that was killed is found out by
   a lock on the file that it no longer holds. */
#ifndef ISIM_FAKE_HOSTS_H
#define ISIM_FAKE_HOSTS_H
#include <stddef.h>

enum host_state { FREE, RUNNING, WAITING, AWAY, HUNG };

typedef struct host {
  enum host_state state;
  int pid;
  double clock_us;
  const void *stream, *event; /* WAITING: until the event has a time, or else until the stream is empty */
  int expects;                /* AWAY: until this process writes */
  int asked, answered;        /* whether the parent wrote to it, or it to the parent, and it was not read yet */
  double asked_us, answered_us;
} host;

#define HOSTS 8

typedef struct shared {
  double device_us; /* the GPU is as it was then; its streams hang from here, all in memory that `take` gave */
  struct stream *streams;
  int streams_made, turn;
  double turn_ends_us;
  host hosts[HOSTS];
} shared;

extern shared *gpu;
extern host *me;

void *take(size_t bytes); /* shared memory, zeroed */
void give(void *memory);
void lock(void);
void unlock(void);        /* and tell the other processes that something may have changed */
void wait_for_change(void); /* without the lock; frees what processes that are dead held */
double earliest_us(void); /* of the clocks of the other running processes; INFINITY if there is none */
int first_of_the_earliest(void); /* whether it is my turn among those of the same clock */

/* For Python, which knows who writes to whom; pid 0 is the parent. */
void post(int pid);
void await_post(int pid);
void resume(int pid);
int nothing_moves(void);  /* whether every other process waits for a writing that will not come */
void hang(void);          /* for ever */

#endif
