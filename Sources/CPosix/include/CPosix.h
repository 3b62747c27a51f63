#ifndef CPOSIX_H
#define CPOSIX_H

#include <spawn.h>

// What glibc declares for GNU sources only, and Swift therefore does not see.

/// A pipe whose ends no program inherits; 0, or -1 with errno set. One call, so that no spawn can come in between.
int cposix_pipe(int ends[2]);

/// Makes a spawn close all descriptors from `first` up: others in this process may have opened some without CLOEXEC.
int cposix_spawn_close_from(posix_spawn_file_actions_t *actions, int first);

#endif
