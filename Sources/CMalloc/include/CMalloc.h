#ifndef CMALLOC_H
#define CMALLOC_H

// glibc's <malloc.h> is not part of Swift's Glibc module.

// Sets the largest number of arenas; 1 on success. A function because M_ARENA_MAX is a macro.
int cmalloc_limit_arenas(int count);

// Gives free memory back to the operating system; 1 when there was any.
int cmalloc_trim(void);

#endif
