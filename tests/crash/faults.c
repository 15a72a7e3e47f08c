/* Makes file operations of the process into which it is preloaded fail as a disk would.
 *
 * Only operations on one database count: on the file itself ("db"), on its log ("-wal") and on its
 * shared memory ("-shm"). The folder that STEPWELL_FAULTS names holds what this library and the
 * test tell each other:
 *
 *   control  what is to fail, a rule in each line: CALL FILE FAULT AFTER COUNT. Of the calls on the
 *            file that follow, AFTER are let through and COUNT fail. CALL is write, sync, truncate,
 *            allocate or open; FAULT is the name of an error, or SHORT, which writes half. It is
 *            read again at each call; when its text changes, counting begins anew.
 *   report   a line for each call that failed.
 *   shadow   if there is such a folder: the files as a power cut would leave them. What was synced
 *            is there, and, as it happens, some of what was not. What a failed sync was to write
 *            is not, and never comes unless it is written again: the operating system takes it for
 *            written. What a process wrote and did not sync is there for the next one to sync.
 *   lost     what failed syncs were to write, for the next process.
 *
 * System calls are made directly, so that nothing here calls itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if !defined(__linux__) || !defined(__LP64__)
#error "the system calls are those of Linux with 64 bits"
#endif

enum call { WRITE, SYNC, TRUNCATE, ALLOCATE, OPEN, CALLS };
static const char *const call_names[CALLS] = {"write", "sync", "truncate", "allocate", "open"};

enum { FILES = 3, NO_FILE = -1 };
static const char *const file_names[FILES] = {"db", "-wal", "-shm"};
static const char *const suffixes[FILES] = {"", "-wal", "-shm"};

enum { NO_FAULT = 0, SHORT = -1 };
static const struct { const char *name; int fault; } faults[] = {
    {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EROFS", EROFS}, {"SHORT", SHORT}};

struct rule {
    int call, file, fault;
    long after, count, seen;
};

enum { RULES_MAX = 16, TEXT_MAX = 2048 };

/* Parts of one file. */
struct parts {
    struct part { off_t from, to; } *parts;
    size_t count, room;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char database[PATH_MAX], control[PATH_MAX], report[PATH_MAX], losses[PATH_MAX];
static char text[TEXT_MAX];
static struct rule rules[RULES_MAX];
static int rule_count;
static int shadows[FILES] = {-1, -1, -1};
static struct parts unsynced[FILES]; /* Written and not synced. */
static struct parts lost[FILES];     /* Written, and taken for synced. */
static int is_cut[FILES];            /* Its length was set, and not synced. */
static unsigned long long seed;

static int raw_open(const char *path, int flags, mode_t mode) {
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static void complain(const char *what) {
    static const char prefix[] = "faults: cannot ";
    syscall(SYS_write, STDERR_FILENO, prefix, sizeof prefix - 1);
    syscall(SYS_write, STDERR_FILENO, what, strlen(what));
    syscall(SYS_write, STDERR_FILENO, "\n", 1);
    _exit(99);
}

static void add(struct parts *to, off_t from, off_t until) {
    if (to->count > 0 && to->parts[to->count - 1].to == from) {
        to->parts[to->count - 1].to = until;
        return;
    }
    if (to->count == to->room) {
        to->room = to->room ? to->room * 2 : 64;
        to->parts = realloc(to->parts, to->room * sizeof *to->parts);
        if (to->parts == NULL)
            complain("remember a write");
    }
    to->parts[to->count++] = (struct part){from, until};
}

static void take_out(struct parts *of, off_t from, off_t until) {
    struct parts rest = {0};
    for (size_t number = 0; number < of->count; number++) {
        struct part part = of->parts[number];
        if (part.from < from && part.from < part.to)
            add(&rest, part.from, part.to < from ? part.to : from);
        if (part.to > until && part.from < part.to)
            add(&rest, part.from > until ? part.from : until, part.to);
    }
    free(of->parts);
    *of = rest;
}

static void save_losses(void) {
    int descriptor = raw_open(losses, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    for (int file = 0; file < FILES; file++)
        for (size_t number = 0; number < lost[file].count; number++) {
            long long entry[3] = {file, lost[file].parts[number].from, lost[file].parts[number].to};
            if (syscall(SYS_write, descriptor, entry, sizeof entry) != sizeof entry)
                complain("save what is lost");
        }
    syscall(SYS_close, descriptor);
}

/* What the process before this one left unsynced: perhaps all, but for what was lost. */
static void take_over(const char *folder) {
    char path[PATH_MAX + 32];
    struct stat status;
    long long entry[3];
    snprintf(path, sizeof path, "%s/shadow", folder);
    if (stat(path, &status) != 0)
        return;
    for (int file = 0; file < FILES; file++) {
        snprintf(path, sizeof path, "%s/shadow/%s", folder, file_names[file]);
        shadows[file] = raw_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (shadows[file] < 0)
            complain("open a shadow");
        snprintf(path, sizeof path, "%s%s", database, suffixes[file]);
        if (stat(path, &status) == 0 && status.st_size > 0)
            add(&unsynced[file], 0, status.st_size);
        is_cut[file] = 1;
    }
    int descriptor = raw_open(losses, O_RDONLY | O_CLOEXEC, 0);
    while (descriptor >= 0 && syscall(SYS_read, descriptor, entry, sizeof entry) == sizeof entry) {
        add(&lost[entry[0]], entry[1], entry[2]);
        take_out(&unsynced[entry[0]], entry[1], entry[2]);
    }
    if (descriptor >= 0)
        syscall(SYS_close, descriptor);
}

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("STEPWELL_FAULTS");
    const char *of = getenv("STEPWELL_FAULTS_DATABASE");
    if (folder == NULL || of == NULL)
        return;
    snprintf(database, sizeof database, "%s", of);
    snprintf(control, sizeof control, "%s/control", folder);
    snprintf(report, sizeof report, "%s/report", folder);
    snprintf(losses, sizeof losses, "%s/lost", folder);
    seed = (unsigned long long)getpid() * 0x9e3779b97f4a7c15ULL;
    take_over(folder);
    /* The children of the process have nothing to do with its files. */
    unsetenv("LD_PRELOAD");
    unsetenv("STEPWELL_FAULTS");
}

static int file_of_path(const char *path) {
    size_t length = strlen(database);
    if (length == 0 || strncmp(path, database, length) != 0)
        return NO_FILE;
    for (int file = 0; file < FILES; file++)
        if (strcmp(path + length, suffixes[file]) == 0)
            return file;
    return NO_FILE;
}

static int file_of(int descriptor) {
    char link[64], path[PATH_MAX];
    if (database[0] == '\0')
        return NO_FILE;
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = before;
    if (length < 0)
        return NO_FILE;
    path[length] = '\0';
    return file_of_path(path);
}

static int number_of(const char *name, const char *const *names, int count) {
    for (int number = 0; number < count; number++)
        if (strcmp(name, names[number]) == 0)
            return number;
    complain("understand a rule");
    return -1;
}

static int fault_named(const char *name) {
    for (size_t at = 0; at < sizeof faults / sizeof *faults; at++)
        if (strcmp(name, faults[at].name) == 0)
            return faults[at].fault;
    complain("understand a fault");
    return NO_FAULT;
}

/* Reads the rules again if they are others. */
static void read_rules(void) {
    char now[TEXT_MAX];
    int descriptor = raw_open(control, O_RDONLY | O_CLOEXEC, 0);
    if (descriptor < 0)
        complain("open its rules");
    ssize_t length = syscall(SYS_read, descriptor, now, sizeof now - 1);
    syscall(SYS_close, descriptor);
    if (length < 0)
        complain("read its rules");
    now[length] = '\0';
    if (strcmp(now, text) == 0)
        return;
    strcpy(text, now);
    rule_count = 0;
    char *rest = NULL;
    for (char *line = strtok_r(now, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char call[16], file[16], fault[16];
        struct rule rule = {0};
        if (rule_count == RULES_MAX || sscanf(line, "%15s %15s %15s %ld %ld", call, file, fault,
                                              &rule.after, &rule.count) != 5)
            complain("understand a rule");
        rule.call = number_of(call, call_names, CALLS);
        rule.file = number_of(file, file_names, FILES);
        rule.fault = fault_named(fault);
        rules[rule_count++] = rule;
    }
}

static void say(const struct rule *rule) {
    const char *name = "";
    for (size_t at = 0; at < sizeof faults / sizeof *faults; at++)
        if (faults[at].fault == rule->fault)
            name = faults[at].name;
    char line[64];
    int length = snprintf(line, sizeof line, "%s %s %s\n", call_names[rule->call],
                          file_names[rule->file], name);
    int descriptor = raw_open(report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor < 0 || syscall(SYS_write, descriptor, line, length) != length)
        complain("report");
    syscall(SYS_close, descriptor);
}

/* How this call is to fail. */
static int fault_of(enum call call, int file) {
    if (file == NO_FILE)
        return NO_FAULT;
    int before = errno, fault = NO_FAULT;
    pthread_mutex_lock(&lock);
    read_rules();
    for (int at = 0; at < rule_count; at++) {
        struct rule *rule = &rules[at];
        if (rule->call != (int)call || rule->file != file)
            continue;
        rule->seen++;
        if (rule->seen > rule->after && rule->seen - rule->after <= rule->count && !fault) {
            fault = rule->fault;
            say(rule);
        }
    }
    pthread_mutex_unlock(&lock);
    errno = before;
    return fault;
}

/* 0 to bound, without bound. */
static unsigned long long below(unsigned long long bound) {
    seed += 0x9e3779b97f4a7c15ULL;
    unsigned long long mixed = seed;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    return (mixed ^ (mixed >> 31)) % bound;
}

static void to_shadow(int file, const char *data, size_t length, off_t at) {
    while (length > 0) {
        ssize_t done = syscall(SYS_pwrite64, shadows[file], data, length, at);
        if (done <= 0)
            complain("write a shadow");
        data += done, length -= (size_t)done, at += done;
    }
}

/* Notes what was written. A quarter of it reaches the disk at once, whole or in part. */
static void was_written(int file, const char *data, size_t length, off_t at) {
    if (file == NO_FILE || shadows[file] < 0)
        return;
    pthread_mutex_lock(&lock);
    add(&unsynced[file], at, at + (off_t)length);
    if (lost[file].count > 0) {
        take_out(&lost[file], at, at + (off_t)length);
        save_losses();
    }
    if (below(4) == 0)
        to_shadow(file, data, below(2) ? length : below(length + 1), at);
    pthread_mutex_unlock(&lock);
}

static void was_cut(int file) {
    if (file == NO_FILE || shadows[file] < 0)
        return;
    pthread_mutex_lock(&lock);
    is_cut[file] = 1;
    pthread_mutex_unlock(&lock);
}

/* Brings to the disk what was written, or forgets it for ever. */
static void was_synced(int file, int descriptor, int is_lost) {
    if (file == NO_FILE || shadows[file] < 0)
        return;
    char bytes[1 << 16];
    struct stat status;
    pthread_mutex_lock(&lock);
    struct parts *of = &unsynced[file];
    for (size_t number = 0; number < of->count; number++) {
        off_t at = of->parts[number].from, to = of->parts[number].to;
        if (is_lost) {
            add(&lost[file], at, to);
            continue;
        }
        while (at < to) {
            size_t wanted = to - at < (off_t)sizeof bytes ? (size_t)(to - at) : sizeof bytes;
            ssize_t length = syscall(SYS_pread64, descriptor, bytes, wanted, at);
            if (length < 0)
                complain("read what was written");
            if (length == 0)
                break; /* It was cut off since. */
            to_shadow(file, bytes, (size_t)length, at);
            at += length;
        }
    }
    if (is_lost)
        save_losses();
    if (is_cut[file] && !is_lost) {
        if (fstat(descriptor, &status) != 0 ||
            syscall(SYS_ftruncate, shadows[file], status.st_size) != 0)
            complain("cut a shadow");
    }
    of->count = 0;
    is_cut[file] = 0;
    pthread_mutex_unlock(&lock);
}

ssize_t pwrite64(int descriptor, const void *data, size_t length, off64_t at) {
    int file = file_of(descriptor);
    int fault = fault_of(WRITE, file);
    if (fault > 0)
        return errno = fault, -1;
    if (fault == SHORT && length > 1)
        length /= 2;
    ssize_t done = syscall(SYS_pwrite64, descriptor, data, length, at);
    if (done > 0)
        was_written(file, data, (size_t)done, at);
    return done;
}

ssize_t pwrite(int descriptor, const void *data, size_t length, off_t at) {
    return pwrite64(descriptor, data, length, at);
}

ssize_t write(int descriptor, const void *data, size_t length) {
    int file = file_of(descriptor);
    int fault = fault_of(WRITE, file);
    if (fault > 0)
        return errno = fault, -1;
    if (fault == SHORT && length > 1)
        length /= 2;
    off_t at = file == NO_FILE ? 0 : (off_t)syscall(SYS_lseek, descriptor, 0, SEEK_CUR);
    ssize_t done = syscall(SYS_write, descriptor, data, length);
    if (done > 0)
        was_written(file, data, (size_t)done, at);
    return done;
}

static int sync_file(int descriptor, long number) {
    int file = file_of(descriptor);
    int fault = fault_of(SYNC, file);
    if (fault > 0) {
        was_synced(file, descriptor, 1);
        return errno = fault, -1;
    }
    int done = (int)syscall(number, descriptor);
    if (done == 0)
        was_synced(file, descriptor, 0);
    return done;
}

int fsync(int descriptor) { return sync_file(descriptor, SYS_fsync); }

int fdatasync(int descriptor) { return sync_file(descriptor, SYS_fdatasync); }

int ftruncate64(int descriptor, off64_t length) {
    int file = file_of(descriptor);
    int fault = fault_of(TRUNCATE, file);
    if (fault > 0)
        return errno = fault, -1;
    int done = (int)syscall(SYS_ftruncate, descriptor, length);
    if (done == 0)
        was_cut(file);
    return done;
}

int ftruncate(int descriptor, off_t length) { return ftruncate64(descriptor, length); }

int fallocate64(int descriptor, int mode, off64_t at, off64_t length) {
    int file = file_of(descriptor);
    int fault = fault_of(ALLOCATE, file);
    if (fault > 0)
        return errno = fault, -1;
    int done = (int)syscall(SYS_fallocate, descriptor, mode, at, length);
    if (done == 0)
        was_cut(file);
    return done;
}

int fallocate(int descriptor, int mode, off_t at, off_t length) {
    return fallocate64(descriptor, mode, at, length);
}

/* Unlike the others it answers with the error. */
int posix_fallocate64(int descriptor, off64_t at, off64_t length) {
    int before = errno;
    int error = fallocate64(descriptor, 0, at, length) == 0 ? 0 : errno;
    errno = before;
    return error;
}

int posix_fallocate(int descriptor, off_t at, off_t length) {
    return posix_fallocate64(descriptor, at, length);
}

static int open_file(const char *path, int flags, mode_t mode) {
    int fault = fault_of(OPEN, file_of_path(path));
    if (fault > 0)
        return errno = fault, -1;
    return raw_open(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_file(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_file(path, flags, mode);
}
