/* Preloaded: the wall clock, with the seconds added that a file says; other clocks are as they are.
   Who waits until a time of that clock waits by it: as long as it is set back, and no longer than
   until it is set past that time. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static volatile long *seconds;
static int (*real)(clockid_t, struct timespec *);
static int (*real_wait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

__attribute__((constructor)) static void start(void) {
    const char *name = getenv("CLOCK_FILE");
    int file = name ? open(name, O_RDONLY) : -1;
    void *found = file < 0 ? MAP_FAILED : mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
    real = dlsym(RTLD_NEXT, "clock_gettime");
    real_wait = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    if (!real_wait) real_wait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    seconds = found == MAP_FAILED ? 0 : found;
    if (file >= 0) close(file);
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    int failed = real ? real(clock, at) : (int)syscall(SYS_clock_gettime, clock, at);
    if (!failed && seconds && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        at->tv_sec += *seconds;
    return failed;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *at, int base) {
    return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, at) ? base : 0;
}

/* In steps of 0.1 s, since the clock may be set meanwhile. A time before 2001 is of another clock. */
int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *at) {
    struct timespec until, look;
    int failed;
    if (!seconds || !real || at->tv_sec < 1000000000) return real_wait(cond, mutex, at);
    for (;;) {
        until = *at;
        until.tv_sec -= *seconds;
        real(CLOCK_REALTIME, &look);
        look.tv_nsec += 100000000;
        if (look.tv_nsec >= 1000000000) look.tv_sec++, look.tv_nsec -= 1000000000;
        if (until.tv_sec < look.tv_sec || (until.tv_sec == look.tv_sec && until.tv_nsec <= look.tv_nsec))
            return real_wait(cond, mutex, &until);
        failed = real_wait(cond, mutex, &look);
        if (failed != ETIMEDOUT) return failed;
    }
}

/* librdkafka waits by this one; it is made of the same parts. */
int cnd_timedwait(cnd_t *cond, mtx_t *mutex, const struct timespec *at) {
    int failed = pthread_cond_timedwait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex, at);
    return !failed ? thrd_success : failed == ETIMEDOUT ? thrd_timedout : thrd_error;
}
