# What the VM says of its memory: the parsers, and smaps by the VM's addresses.
wrackline_unit_test(jvm_texts_test
  SOURCES jvm/jni_names_test.cc jvm_resident_test.cc jvm_texts_test.cc ${PROJECT_SOURCE_DIR}/preload/jvm/jni_names.cc
  LIBRARIES wrackline_jvm_texts)
