# What the VM says of its memory: the parsers, and smaps by the VM's addresses.
wrackline_unit_test(jvm_texts_test
  SOURCES jvm_resident_test.cc jvm_texts_test.cc
  LIBRARIES wrackline_jvm_texts)
