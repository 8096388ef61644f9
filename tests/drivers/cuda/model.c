#include "model.h"
#include "hosts.h"
#include "tables.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TURN_US 2000 /* of a process among others that do not share by MPS */

typedef struct operation {
  enum operation_kind kind;
  char name[NAME];
  double issued_us, gap_us, left_us, started_us, demand[RESOURCES];
  int running;
  unsigned grid, block;
  event *event;
  struct operation *next;
} operation;

struct stream {
  int number, owner; /* the process that made it */
  int group;         /* of one group at a time the kernels run: all clients of MPS are one, every other process its own */
  double share;      /* of the SMs */
  double free_us;    /* when the last operation ended */
  operation *head, *tail;
  stream *next;
};

static int advance(double to_us);

/* Clients of MPS find its daemon where CUDA_MPS_PIPE_DIRECTORY says. */
static int under_mps(void) {
  const char *folder = getenv("CUDA_MPS_PIPE_DIRECTORY");
  char control[4096];
  snprintf(control, sizeof control, "%s/control", folder ? folder : "/tmp/nvidia-mps");
  return access(control, F_OK) == 0;
}

/* Lock, when nobody can do anything earlier, the GPU as it is at my clock. */
static void enter(void) {
  lock();
  while (!first_of_the_earliest() || !advance(me->clock_us)) wait_for_change();
}

stream *new_stream(void) {
  enter();
  const char *percentage = getenv("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE");
  stream *s = take(sizeof *s), **last = &gpu->streams;
  while (*last) last = &(*last)->next;
  s->number = gpu->streams_made++;
  s->owner = (int)(me - gpu->hosts);
  s->group = under_mps() ? -1 : s->owner;
  s->share = s->group == -1 && percentage ? atof(percentage) / 100 : 1;
  *last = s;
  unlock();
  return s;
}

static void drop(stream *s) {
  stream **link = &gpu->streams;
  while (*link != s) link = &(*link)->next;
  *link = s->next;
  while (s->head) {
    operation *o = s->head;
    s->head = o->next;
    give(o);
  }
  give(s);
}

void delete_stream(stream *s) {
  wait_for_stream(s); /* a real driver lets the work go on; here nothing is left behind */
  lock();
  drop(s);
  unlock();
}

void delete_streams_of(int owner) {
  for (stream *s = gpu->streams, *next; s; s = next) {
    next = s->next;
    if (s->owner == owner) drop(s);
  }
}

event *new_event(void) {
  lock();
  event *e = take(sizeof *e);
  unlock();
  return e;
}

void delete_event(event *e) {
  wait_for_event(e);
  lock();
  give(e);
  unlock();
}

static void append(stream *s, operation *o) {
  o->issued_us = me->clock_us;
  if (s->tail) s->tail->next = o; else s->head = o;
  s->tail = o;
}

void issue_kernel(stream *s, const char *name, unsigned grid, unsigned block) {
  let_pass(launch_us());
  enter();
  operation *o = take(sizeof *o);
  o->kind = KERNEL;
  o->grid = grid;
  o->block = block;
  const planted *kernel = planted_kernel(name);
  snprintf(o->name, NAME, "%s", name);
  o->left_us = kernel->duration_us;
  o->gap_us = kernel->gap_us;
  memcpy(o->demand, kernel->demand, sizeof o->demand);
  if (o->demand[SM] > s->share) { /* it runs as slowly as on so many SMs, and draws the less from the rest */
    double speed = s->share / o->demand[SM];
    o->left_us /= speed;
    for (int r = 0; r < RESOURCES; r++) o->demand[r] *= speed;
  }
  append(s, o);
  unlock();
}

void issue_event(stream *s, enum operation_kind kind, event *e) {
  enter();
  operation *o = take(sizeof *o);
  o->kind = kind;
  o->event = e;
  if (kind == RECORD) e->pending++;
  append(s, o);
  unlock();
}

/* When the head of a stream can begin; INFINITY while it waits for something that has no time yet. */
static double ready_us(const stream *s) {
  const operation *o = s->head;
  double ready = fmax(o->issued_us, s->free_us) + o->gap_us;
  if (o->kind == WAIT) return o->event->pending ? INFINITY : fmax(ready, o->event->time_us);
  return ready;
}

static void finish_head(stream *s) {
  operation *o = s->head;
  if (o->kind == KERNEL)
    log_line("kernel %d %s %.4f %.4f %u %u %.4f\n", s->number, o->name, o->started_us, gpu->device_us, o->grid, o->block,
             o->issued_us);
  if (o->kind == RECORD) { o->event->time_us = gpu->device_us; o->event->recorded = 1; o->event->pending--; }
  s->free_us = gpu->device_us;
  s->head = o->next;
  if (!s->head) s->tail = NULL;
  give(o);
}

/* The group whose turn it is, of those with a kernel to run; until when, if there is another. */
static int group_at_turn(double *until_us) {
  int next = INT_MAX, first = INT_MAX, present = 0, others = 0;
  for (const stream *s = gpu->streams; s; s = s->next) {
    if (!s->head || s->head->kind != KERNEL || ready_us(s) > gpu->device_us) continue;
    if (s->group == gpu->turn) present = 1; else others = 1;
    if (s->group != gpu->turn && s->group < first) first = s->group;
    if (s->group > gpu->turn && s->group < next) next = s->group;
  }
  if (others && (!present || gpu->turn_ends_us <= gpu->device_us)) {
    gpu->turn = next < INT_MAX ? next : first;
    gpu->turn_ends_us = gpu->device_us + TURN_US;
    others = present;
  }
  *until_us = others ? gpu->turn_ends_us : INFINITY;
  return gpu->turn;
}

static int runs(const stream *s) { return s->head && s->head->running && s->group == gpu->turn; }

/* Go to the next moment at which something begins, ends or changes speed, at most `limit_us`; 0 if nothing can. */
static int step(double limit_us) {
  double until_us, turn_us, sums[RESOURCES] = {0}, slowdown = 1, next_us = INFINITY;
  for (stream *s = gpu->streams; s; s = s->next)
    if (s->head && s->head->kind != KERNEL && ready_us(s) <= gpu->device_us) { finish_head(s); return 1; }
  double speed = clock_speed(gpu->device_us, &until_us);
  int turn = group_at_turn(&turn_us);
  for (stream *s = gpu->streams; s; s = s->next) {
    operation *o = s->head;
    if (!o) continue;
    if (o->kind != KERNEL || ready_us(s) > gpu->device_us) { next_us = fmin(next_us, ready_us(s)); continue; }
    if (s->group != turn) continue;
    if (!o->running) { o->running = 1; o->started_us = gpu->device_us; }
    for (int r = 0; r < RESOURCES; r++) slowdown = fmax(slowdown, sums[r] += o->demand[r]);
  }
  for (stream *s = gpu->streams; s; s = s->next)
    if (runs(s)) next_us = fmin(next_us, gpu->device_us + s->head->left_us * slowdown / speed);
  if (isinf(next_us) || gpu->device_us >= limit_us) return 0;
  next_us = fmin(fmin(next_us, fmin(until_us, turn_us)), limit_us);
  double passed_us = next_us - gpu->device_us;
  gpu->device_us = next_us;
  for (stream *s = gpu->streams; s; s = s->next)
    if (runs(s) && (s->head->left_us -= passed_us * speed / slowdown) < 1e-6) finish_head(s);
  return 1;
}

static int is_idle(const stream *s, int owner) {
  for (const stream *q = gpu->streams; q; q = q->next)
    if ((s ? q == s : q->owner == owner) && q->head) return 0;
  return 1;
}

static int has_come(const host *h) {
  return h->event ? !((const event *)h->event)->pending : is_idle(h->stream, (int)(h - gpu->hosts));
}

/* Let the GPU go on to a time, or to where a running process is; those that wait wake up when it has come so far. */
static int advance(double to_us) {
  int goes_on = 1;
  while (goes_on) {
    goes_on = step(fmin(to_us, earliest_us()));
    for (host *h = gpu->hosts; h < gpu->hosts + HOSTS; h++)
      if (h->state == WAITING && has_come(h)) {
        h->state = RUNNING;
        h->clock_us = fmax(h->clock_us, gpu->device_us);
        goes_on &= h != me;
      }
  }
  double reached_us = fmin(to_us, earliest_us());
  if (!isinf(reached_us)) gpu->device_us = fmax(gpu->device_us, reached_us);
  return gpu->device_us >= to_us;
}

static void wait_until(const stream *s, const event *e) {
  enter();
  me->stream = s;
  me->event = e;
  if (!has_come(me)) me->state = WAITING;
  while (me->state == WAITING) {
    advance(INFINITY);
    if (me->state != WAITING) break;
    if (isinf(earliest_us()) && !step(INFINITY)) me->state = RUNNING; /* it never comes: nothing is left to run */
    else wait_for_change();
  }
  unlock();
}

void wait_for_stream(stream *s) { wait_until(s, NULL); }
void wait_for_event(event *e) { wait_until(NULL, e); }

int stream_is_idle(const stream *s) {
  enter();
  int idle = is_idle(s, (int)(me - gpu->hosts));
  unlock();
  return idle;
}

int event_is_done(const event *e) {
  enter();
  int done = !e->pending;
  unlock();
  return done;
}

double virtual_us(void) {
  lock();
  double us = me->clock_us;
  unlock();
  return us;
}

void let_pass(double us) {
  lock();
  me->clock_us += us;
  unlock();
}
