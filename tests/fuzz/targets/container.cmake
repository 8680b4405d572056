# What the kernel's text files and other people's ELF objects can do to us.
wrackline_fuzz_target(fuzz_memory_stat SOURCE fuzz_memory_stat.cc LIBRARIES wrackline_core)
wrackline_fuzz_target(fuzz_smaps SOURCE fuzz_smaps.cc LIBRARIES wrackline_core)
wrackline_fuzz_target(fuzz_elf SOURCE fuzz_elf.cc LIBRARIES wrackline_core)
wrackline_fuzz_target(fuzz_line_table SOURCE fuzz_line_table.cc LIBRARIES wrackline_core)
