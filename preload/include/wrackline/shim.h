/* What libwrackline_preload.so offers to code in the profiled process. Declare the functions weak and test them: they
 * are there only when the shim is loaded.
 *
 *   if (wrackline_submit) wrackline_submit(key, WRACKLINE_SUBMIT_HISTORY, record, size);
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The record replaces the last one submitted under the same key. */
#define WRACKLINE_SUBMIT_STATE 1u
/* The same, and it is the last under its key: what it is of has ended. Of these the oldest go when many are kept. A shim that
 * does not know this kind answers EINVAL. */
#define WRACKLINE_SUBMIT_ENDED 3u
/* The record is one of a series; old ones are thinned when the recorder is full. */
#define WRACKLINE_SUBMIT_HISTORY 2u

/* Hands one serialized wrackline.proto.Record to the recorder. Copies it into anonymous memory and returns: no file is
 * touched, no lock is held that the recorder thread holds while it writes. It reaches the file within 100 ms.
 *
 * Any thread. Returns 0, or: EINVAL (kind or size out of range; 64 KiB at most), EAGAIN (the mailbox is full: the loss
 * is counted), ENODEV (the shim is not recording: switched off, a forked child, or no output file can be made). */
__attribute__((visibility("default"), weak)) int wrackline_submit(uint64_t key, uint32_t kind,
                                                                  const void* record, size_t size);

/* 1 while this process is being recorded, else 0. */
__attribute__((visibility("default"), weak)) int wrackline_recording(void);

#ifdef __cplusplus
}
#endif
