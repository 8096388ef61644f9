#define _GNU_SOURCE
#include "hosts.h"
#include "model.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CELL 256 /* what `take` gives, whatever is asked */
#define BYTES (32ul << 20)
#define ADDRESS ((void *)0x200000000000) /* the same in every process, so that pointers hold */

typedef struct memory {
  shared gpu; /* first, so that it lies at ADDRESS */
  pthread_mutex_t mutex;
  unsigned changes;
  int sleeping;
  size_t used;
  void *given; /* cells given back, a list */
} memory;

shared *gpu;
host *me;
static memory *all;
static int file = -1;

static void stop(const char *what) { perror(what); abort(); }

/* A lock on a byte of the file; the kernel gives it up with the process, whatever ends that. */
static struct flock byte(int number) {
  return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = number, .l_len = 1};
}

static void map(const char *path) {
  int flags = MAP_SHARED | MAP_FIXED_NOREPLACE;
  if (path && ftruncate(file, BYTES)) stop(path);
  all = mmap(ADDRESS, BYTES, PROT_READ | PROT_WRITE, path ? flags : flags | MAP_ANONYMOUS, file, 0);
  if (all != ADDRESS) stop("mmap");
  gpu = &all->gpu;
  if (all->used) return;
  all->used = sizeof *all;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&all->mutex, &attributes);
}

static void mutex_lock(void) {
  if (pthread_mutex_lock(&all->mutex) == EOWNERDEAD) pthread_mutex_consistent(&all->mutex);
}

static void come(void) {
  const char *path = getenv("ISIM_FAKE_CUDA_SHARED");
  struct flock making = byte(HOSTS);
  if (path && (file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0) stop(path);
  if (path && fcntl(file, F_SETLKW, &making)) stop(path);
  map(path);
  mutex_lock();
  me = gpu->hosts;
  while (me->state != FREE)
    if (++me == gpu->hosts + HOSTS) stop("too many processes on one virtual GPU");
  struct flock living = byte((int)(me - gpu->hosts));
  if (path && fcntl(file, F_SETLK, &living)) stop(path);
  *me = (host){.state = RUNNING, .pid = getpid(), .clock_us = fmax(gpu->device_us, gpu->hosts[0].clock_us)};
  unlock();
  making.l_type = F_UNLCK;
  if (path) fcntl(file, F_SETLK, &making);
}

void lock(void) {
  if (!all) come();
  mutex_lock();
}

void unlock(void) {
  all->changes++;
  int sleeping = all->sleeping;
  pthread_mutex_unlock(&all->mutex);
  if (sleeping) syscall(SYS_futex, &all->changes, FUTEX_WAKE, HOSTS, NULL, NULL, 0);
}

static void bury_the_dead(void) {
  for (host *h = gpu->hosts; h < gpu->hosts + HOSTS; h++) {
    struct flock living = byte((int)(h - gpu->hosts));
    if (h == me || h->state == FREE || fcntl(file, F_GETLK, &living) || living.l_type != F_UNLCK) continue;
    delete_streams_of((int)(h - gpu->hosts));
    h->state = FREE;
  }
}

void wait_for_change(void) {
  unsigned seen = all->changes;
  all->sleeping++;
  pthread_mutex_unlock(&all->mutex);
  struct timespec patience = {.tv_nsec = 5000000};
  int late = syscall(SYS_futex, &all->changes, FUTEX_WAIT, seen, &patience, NULL, 0) && errno == ETIMEDOUT;
  lock();
  all->sleeping--;
  if (late && file >= 0) bury_the_dead();
}

void *take(size_t bytes) {
  if (bytes > CELL) stop("take");
  void *cell = all->given;
  if (cell) all->given = *(void **)cell;
  else cell = (char *)all + (all->used += CELL) - CELL;
  if (all->used > BYTES) stop("the virtual GPU is full");
  return memset(cell, 0, bytes);
}

void give(void *memory) {
  *(void **)memory = all->given;
  all->given = memory;
}

double earliest_us(void) {
  double earliest = INFINITY;
  for (host *h = gpu->hosts; h < gpu->hosts + HOSTS; h++)
    if (h != me && h->state == RUNNING) earliest = fmin(earliest, h->clock_us);
  return earliest;
}

int first_of_the_earliest(void) {
  for (host *h = gpu->hosts; h < gpu->hosts + HOSTS; h++)
    if (h->state == RUNNING && (h->clock_us < me->clock_us || (h->clock_us == me->clock_us && h < me))) return 0;
  return 1;
}

static host *of(int pid) {
  for (host *h = gpu->hosts; h < gpu->hosts + HOSTS; h++)
    if (h->state != FREE && h->pid == pid) return h;
  return NULL;
}

static void wake(host *h) {
  h->state = RUNNING;
  h->clock_us = fmax(h->clock_us, me->clock_us);
}

void post(int pid) {
  lock();
  host *to = pid ? of(pid) : gpu->hosts;
  if (to && pid) {
    to->asked = 1;
    to->asked_us = me->clock_us;
    if (to->state == AWAY) wake(to);
  } else if (to) {
    me->answered = 1;
    me->answered_us = me->clock_us;
    if (to->state == AWAY && to->expects == me->pid) wake(to);
  }
  unlock();
}

void await_post(int pid) {
  lock();
  host *from = pid ? of(pid) : NULL;
  if (!(pid ? from && from->answered : me->asked)) {
    me->state = AWAY;
    me->expects = pid;
  }
  unlock();
}

void resume(int pid) {
  lock();
  host *from = pid ? of(pid) : NULL;
  if (from && from->answered) {
    from->answered = 0;
    me->clock_us = fmax(me->clock_us, from->answered_us);
  } else if (!pid && me->asked) {
    me->asked = 0;
    me->clock_us = fmax(me->clock_us, me->asked_us);
  }
  if (me->state == AWAY) me->clock_us = fmax(me->clock_us, gpu->device_us);
  me->state = RUNNING;
  unlock();
}

int nothing_moves(void) {
  lock();
  if (file >= 0) bury_the_dead();
  int moves = me->state != AWAY || !of(me->expects); /* one that is not there yet will come, or ended and says so */
  for (host *h = gpu->hosts; h < gpu->hosts + HOSTS; h++)
    moves |= h != me && (h->state == RUNNING || h->state == WAITING);
  unlock();
  return !moves;
}

void hang(void) {
  lock();
  me->state = HUNG;
  unlock();
  for (;;) pause();
}

__attribute__((destructor)) static void go(void) {
  if (!all) return;
  lock();
  delete_streams_of((int)(me - gpu->hosts));
  me->state = FREE;
  unlock();
}
