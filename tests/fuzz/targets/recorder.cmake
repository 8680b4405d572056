wrackline_fuzz_target(fuzz_recorder SOURCE fuzz_recorder.cc LIBRARIES wrackline_host wrackline_core)

# Makes the corpus, the worked example of docs/recorder-format.md among it: make_recorder_corpus tests/fuzz/corpus/fuzz_recorder
add_executable(make_recorder_corpus make_recorder_corpus.cc)
wrackline_target(make_recorder_corpus)
target_link_libraries(make_recorder_corpus PRIVATE wrackline_host wrackline_core)
