// Nothing: what carries the precompiled headers of tests (tests/unit/CMakeLists.txt).
