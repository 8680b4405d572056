
/* Not libunwind's, but wrackline's (cmake/libunwind.cmake appends it): empties what the calling
   thread remembers of the frames it has met, which is wrong once other code lies at their
   addresses. Not within tdep_trace. */
#ifdef UNW_LOCAL_ONLY
HIDDEN void wrackline_unw_forget_frames(void) {
  unw_trace_cache_t* cache = tls_cache;
  size_t i;

  if (!cache) return;
  for (i = 0; i < (1u << cache->log_size); ++i) cache->frames[i] = empty_frame;
  cache->used = 0;
}
#endif
