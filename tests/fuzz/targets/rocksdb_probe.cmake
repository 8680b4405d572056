# What a RocksDB of another version prints.
add_library(wrackline_option_text STATIC ${PROJECT_SOURCE_DIR}/rocksdb_probe/jni/option_text.cc)
wrackline_target(wrackline_option_text)
wrackline_fuzz_target(fuzz_option_text SOURCE fuzz_option_text.cc LIBRARIES wrackline_option_text)
