# The report's page in a real Chromium (tests/browser): one ctest test, since a browser takes longer to start than a check takes.
if(WRACKLINE_ANALYZER AND NOT WRACKLINE_SANITIZE AND NOT WRACKLINE_COVERAGE)
  add_executable(wrackline_page_fixtures "${CMAKE_CURRENT_SOURCE_DIR}/browser/page_fixtures.cc")
  wrackline_target(wrackline_page_fixtures)
  target_link_libraries(wrackline_page_fixtures PRIVATE wrackline_analyzer nlohmann_json::nlohmann_json)
  add_test(NAME browser.page COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/browser/run.sh"
    "$<TARGET_FILE:wrackline>" "$<TARGET_FILE:wrackline_page_fixtures>" "${CMAKE_CURRENT_BINARY_DIR}/browser")
  set_tests_properties(browser.page PROPERTIES LABELS e2e TIMEOUT 240)
endif()
